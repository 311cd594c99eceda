//! The ceiling for WebSocket sessions: frames come back as they are. The stack is that of the server, an upgrade of
//! a hyper connection below tokio-tungstenite with the same buffers, and frames are handled in the same way: all that
//! is there is taken, then flushed once.

use std::future::poll_fn;
use std::task::{Context, Poll};

use axum::{
    extract::Request,
    http::{
        StatusCode,
        header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE},
    },
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

/// As in the server.
const READ_BUFFER_BYTES: usize = 2 * 1024;
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
const MAX_FRAME_BYTES: usize = 64 * 1024;

/// `GET /ws`
pub(crate) async fn upgrade(mut request: Request) -> Response {
    let upgrading = request.extensions_mut().remove::<OnUpgrade>();
    let key = request.headers().get(SEC_WEBSOCKET_KEY);
    let (Some(upgrading), Some(key)) = (upgrading, key) else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    tokio::spawn(async move {
        // Whoever goes away is not missed.
        if let Ok(socket) = upgrading.await {
            echo(socket).await;
        }
    });
    let headers = [
        (CONNECTION, "upgrade".to_owned()),
        (UPGRADE, "websocket".to_owned()),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn echo(socket: Upgraded) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    let socket = TokioIo::new(socket);
    let mut socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
    // Both ends are the end.
    let _ = poll_fn(|cx| turn(&mut socket, cx)).await;
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Sends back all that is there, and flushes. Ready: the other side is gone.
fn turn(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
    loop {
        if socket.poll_ready_unpin(cx)?.is_pending() {
            return Poll::Pending;
        }
        match socket.poll_next_unpin(cx)? {
            Poll::Ready(Some(message @ (Message::Text(_) | Message::Binary(_)))) => {
                socket.start_send_unpin(message)?;
            }
            // The answers to these are the library's.
            Poll::Ready(Some(
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_),
            )) => {}
            Poll::Ready(None) => return Poll::Ready(Ok(())),
            Poll::Pending => {
                // A flush that is done leaves nothing to do but wait.
                let _ = socket.poll_flush_unpin(cx)?;
                return Poll::Pending;
            }
        }
    }
}
