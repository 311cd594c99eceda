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
use super::End;
use crate::shutdown::Shutdown;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(2);

/// So much of what still comes is thrown away.
const DISCARD_BYTES: u64 = 1 << 20;

/// Ends a session, if it came to one, as `end` says, and waits for the other side, but not for long.
pub(super) async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    session: Option<Session>,
    end: End,
    shutdown: &Shutdown,
) {
    let farewell = async {
        match end {
            End::Closing(close) => say(&mut socket, session, close).await?,
            End::ClosedByClient => drop(session),
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
    session: Option<Session>,
    close: Close,
) -> Result<(), Error> {
    if let Some(mut session) = session {
        while let Some(frame) = session.pop_frame() {
            socket.feed(Message::text(frame)).await?;
        }
    }
    let reason = Utf8Bytes::from_static(close.reason());
    let frame = CloseFrame { code: close.code().into(), reason };
    socket.send(Message::Close(Some(frame))).await
}
