//! `GET /ws`: turns a request into a session, or says why not.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{StatusCode, Version};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::pump::{self, Shared};
use super::session::Rules;
use super::wire::{Limits, millis};
use crate::access::{Access, Caller, Gate};
use crate::engine::Span;
use crate::feed::Feed;
use crate::metrics::Metrics;
use crate::routing::{Interface, Remote, Routes};
use crate::runtime::{Clock, Handle};
use crate::shutdown::Shutdown;

/// The only subprotocol there is. Whoever offers none gets it, too.
const PROTOCOL: &str = "throttle.v1";

/// What sessions need.
#[derive(Clone, Debug)]
pub struct Sockets {
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
}

/// See [`Sockets`].
#[derive(Debug)]
pub struct Parts {
    /// The way to the engine.
    pub engine: Handle,
    /// The time as the engine sees it.
    pub clock: Clock,
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// What operators see.
    pub feed: Feed,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Sends all clients away.
    pub shutdown: Shutdown,
    /// Changes when the server has lost its memory.
    pub epoch: String,
    /// Largest frame that is read.
    pub max_frame_bytes: usize,
    /// Most sessions at once. One too many is closed with 4429.
    pub max_sessions: usize,
    /// Most peers of one session.
    pub max_peers: usize,
    /// Longest time to live of a peer. The engine enforces it; clients are told.
    pub max_expires_in: Span,
    /// How often to ping. A client that is silent for twice as long is sent away.
    pub heartbeat: Duration,
    /// How long the first message may take.
    pub hello_timeout: Duration,
}

impl Sockets {
    /// The state of the route.
    pub fn new(parts: Parts) -> Self {
        let rules = Rules {
            server: concat!("throttle/", env!("CARGO_PKG_VERSION")),
            epoch: parts.epoch,
            number_of: pump::number_of,
            gate: parts.gate,
            heartbeat_ms: millis(Span::from(parts.heartbeat)),
            limits: Limits {
                max_frame_bytes: parts.max_frame_bytes,
                max_peers: parts.max_peers,
                max_expires_in_ms: millis(parts.max_expires_in),
            },
        };
        let shared = Shared {
            rules: Arc::new(rules),
            engine: parts.engine,
            clock: parts.clock,
            feed: parts.feed,
            shutdown: parts.shutdown,
            sessions: parts.metrics.sessions(),
            places: Arc::new(Semaphore::new(parts.max_sessions.min(Semaphore::MAX_PERMITS))),
            max_frame_bytes: parts.max_frame_bytes,
            heartbeat: parts.heartbeat,
            hello_timeout: parts.hello_timeout,
        };
        Self { shared: Arc::new(shared), metrics: parts.metrics }
    }
}

/// The route. A token may come with the first message; what each message needs is in [`MESSAGES`](super::MESSAGES).
pub fn router(sockets: Sockets) -> Interface {
    let metrics = Arc::clone(&sockets.metrics);
    let gate = Arc::clone(&sockets.shared.rules.gate);
    Routes::new(metrics.http(), gate).get(Access::Session, "/ws", upgrade).complete(sockets)
}

async fn upgrade(State(sockets): State<Sockets>, caller: Caller, mut request: Request) -> Response {
    let upgrading = request.extensions_mut().remove::<OnUpgrade>();
    let remote = request.extensions().get::<Remote>().map(|Remote(remote)| *remote);
    let response = match answer(&request, upgrading.is_some()) {
        Ok(response) => response,
        Err(refused) => return refused.into_response(),
    };
    if let Some(upgrading) = upgrading {
        tokio::spawn(async move {
            match upgrading.await {
                Ok(socket) => {
                    pump::run(TokioIo::new(socket), remote, caller, sockets.shared).await;
                }
                Err(error) => tracing::debug!(%error, "a connection was not upgraded"),
            }
        });
    }
    response
}

type Refused = (StatusCode, [(HeaderName, &'static str); 1], &'static str);

/// The handshake of RFC 6455, as the server sees it.
fn answer(request: &Request, can_upgrade: bool) -> Result<Response, Refused> {
    let headers = request.headers();
    let wants =
        has_token(headers, &CONNECTION, "upgrade") && has_token(headers, &UPGRADE, "websocket");
    if !wants || !can_upgrade || request.version() != Version::HTTP_11 {
        let text = "This is for WebSockets: send an upgrade request.";
        return Err((StatusCode::UPGRADE_REQUIRED, [(UPGRADE, "websocket")], text));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let text = "The WebSocket version must be 13.";
        return Err((StatusCode::UPGRADE_REQUIRED, [(SEC_WEBSOCKET_VERSION, "13")], text));
    }
    let refused = |status, text| (status, [(SEC_WEBSOCKET_VERSION, "13")], text);
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
    let key = key.ok_or_else(|| {
        let text = "The header Sec-WebSocket-Key must be there, with 16 bytes in base64.";
        refused(StatusCode::BAD_REQUEST, text)
    })?;
    let offered = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    if offered && !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        let text = "None of the subprotocols is known. The server speaks throttle.v1.";
        return Err(refused(StatusCode::BAD_REQUEST, text));
    }
    Ok(switching(key, offered))
}

/// Whether these are 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let Some(digits) = key.strip_suffix(b"==") else { return false };
    digits.len() == 22
        && digits.iter().all(|digit| digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/'))
}

fn switching(key: &HeaderValue, offered: bool) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = derive_accept_key(key.as_bytes()).parse() {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if offered {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    response
}

/// Whether a header, which is a list and may come several times, names this. Protocols are compared exactly, the
/// rest is not case-sensitive; the difference does not matter here.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}
