//! The end of a session on the wire: what there is still to say, the close code, and then patience. Closing a socket
//! on which something unread has arrived would cost the other side the close code.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::super::close::Close;
use super::super::session::Session;
use super::fragments::{self, Fragments};
use super::{End, Feed};
use crate::shutdown::Shutdown;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How long what there is still to say may take of it. The close code leaves after that, even in the middle of a message.
const SAYING: Duration = Duration::from_secs(1);

/// So much of what still comes is thrown away.
const DISCARD_BYTES: u64 = 1 << 20;

/// What a session has not said yet.
pub(super) struct Unsaid {
    pub(super) fragments: Option<Box<Fragments>>,
    pub(super) session: Session,
    pub(super) feed: Feed,
}

/// Ends a session, if it came to one, as `end` says, and waits for the other side, but not for long.
pub(super) async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    unsaid: Option<Unsaid>,
    end: End,
    shutdown: &Shutdown,
) {
    let farewell = async {
        match end {
            End::Closing(close) => say(&mut socket, unsaid, close).await?,
            End::ClosedByClient => drop(unsaid),
            End::Gone => return Ok(()),
        }
        // The other side's half of the closing; when its frames are of no use any more, its bytes.
        while let Some(Ok(_)) = socket.next().await {}
        let stream = socket.get_mut();
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(DISCARD_BYTES), &mut tokio::io::sink()).await?;
        Ok::<_, Error>(())
    };
    tokio::select! {
        biased;
        // The client is free to be gone at any point.
        _ = tokio::time::timeout(LIMIT, farewell) => {}
        () = shutdown.over() => {}
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    unsaid: Option<Unsaid>,
    close: Close,
) -> Result<(), Error> {
    if let Some(Unsaid { fragments: mut begun, mut session, feed }) = unsaid {
        let saying = async {
            while let Some(frame) = fragments::next(&mut begun, &mut session, &feed) {
                socket.feed(frame).await?;
            }
            Ok::<_, Error>(())
        };
        // What is not taken in time is left out.
        tokio::time::timeout(SAYING, saying).await.unwrap_or(Ok(()))?;
    }
    let reason = Utf8Bytes::from_static(close.reason());
    let frame = CloseFrame { code: close.code().into(), reason };
    socket.send(Message::Close(Some(frame))).await
}
