//! Making a connection: look-up, TCP, and the WebSocket handshake.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error as SocketError};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::address::Address;
use super::machine::Gone;
use super::tls::{Stream, Trust};

/// A connection on which nothing was said yet.
pub(super) type Socket = WebSocketStream<Stream>;

/// A server, and how to speak to it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: Address,
    /// `None`: without TLS.
    pub(super) trust: Option<Trust>,
}

/// How it begins what goes wrong with TLS, mostly that the server's certificate is not trusted.
const TLS_FAILED: &str = "TLS: ";

/// Largest frame that is taken from a server. It sends smaller ones, unless a single message is larger.
const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// What is read at once.
const READ_BUFFER_BYTES: usize = 16 * 1024;

pub(super) async fn connect(target: &Target, patience: Duration) -> Result<Socket, Gone> {
    let connected = timeout(patience, shake_hands(target)).await;
    connected.unwrap_or_else(|_| {
        Err(Gone::Broken(format!("there was no answer within {} s", patience.as_secs_f32())))
    })
}

async fn shake_hands(Target { address, trust }: &Target) -> Result<Socket, Gone> {
    let stream = TcpStream::connect(address.host_and_port()).await;
    let stream = stream.map_err(|error| Gone::Broken(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| Gone::Broken(error.to_string()))?;
    let stream = match trust {
        Some(trust) => {
            let connected = trust.connect(address.host_and_port().0, stream).await;
            connected.map_err(|error| Gone::Broken(format!("{TLS_FAILED}{error}")))?
        }
        None => Stream::Plain(stream),
    };
    let mut request = address.url().into_client_request().map_err(|error| of_error(&error))?;
    let protocol = HeaderValue::from_static("throttle.v1");
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    let (socket, _) = client_async_with_config(request, stream, Some(config))
        .await
        .map_err(|error| of_error(&error))?;
    Ok(socket)
}

/// What is to be thought of a connection with which something is wrong.
pub(super) fn of_error(error: &tungstenite::Error) -> Gone {
    if let SocketError::Http(response) = error {
        return Gone::of_status(response.status().as_u16());
    }
    Gone::Broken(error.to_string())
}
