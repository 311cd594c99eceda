//! One connection: hyper on a socket, with TLS or without, with limits, until it is closed, upgraded, or cut at the end of the server.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::UPGRADE;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::head_timer::HeadTimer;
use super::socket::{self, Socket};
use super::tls::Certificates;
use crate::routing::{Handlers, Remote};
use crate::shutdown::Shutdown;

/// Most that is buffered of what one connection sends: longer heads than this are refused.
const BUFFER_BYTES: usize = 65_536;

/// All connections of a server.
pub(super) struct Connections {
    host: Host,
    places: Arc<Semaphore>,
    most: u32,
}

impl Connections {
    /// `tls` has the limit for handshakes, too.
    pub(super) fn new(
        handlers: Handlers,
        shutdown: Shutdown,
        header_read_timeout: Duration,
        tls: Option<(Arc<Certificates>, Duration)>,
        most: usize,
    ) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let places = Arc::new(Semaphore::new(most as usize));
        Self { host: Host { handlers, shutdown, header_read_timeout, tls }, places, most }
    }

    /// Whether a connection can be told something without a handshake.
    pub(super) const fn are_plain(&self) -> bool {
        self.host.tls.is_none()
    }

    /// A place for one more connection. `None`: there are too many.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Serves one connection to its end.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        place: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + use<> {
        serve(stream, place, self.host.clone())
    }

    /// Waits until all connections are closed, but not for longer than `limit`. Returns how many are left.
    pub(super) async fn drain(self, limit: Duration) -> u32 {
        let Self { host, places, most } = self;
        drop(host);
        match tokio::time::timeout(limit, places.acquire_many(most)).await {
            Ok(_) => 0,
            Err(_) => most.saturating_sub(places.available_permits().try_into().unwrap_or(most)),
        }
    }
}

/// What a connection needs.
#[derive(Clone)]
struct Host {
    handlers: Handlers,
    shutdown: Shutdown,
    header_read_timeout: Duration,
    /// `None`: without TLS.
    tls: Option<(Arc<Certificates>, Duration)>,
}

async fn serve(stream: TcpStream, place: OwnedSemaphorePermit, mut host: Host) {
    let remote = stream.peer_addr().ok();
    socket::prepare(&stream);
    let Some((certificates, limit)) = host.tls.take() else {
        return speak(stream, remote, place, host).await;
    };
    let stream = tokio::select! {
        stream = certificates.accept(stream, limit) => stream,
        () = host.shutdown.draining() => return,
    };
    match stream {
        // Boxed: a connection without TLS has no use for the room that this takes.
        Ok(stream) => Box::pin(speak(stream, remote, place, host)).await,
        // Scanners and load balancers come and go.
        Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
    }
}

/// Speaks HTTP.
async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    remote: Option<SocketAddr>,
    place: OwnedSemaphorePermit,
    host: Host,
) {
    let Host { handlers, shutdown, header_read_timeout, .. } = host;
    let head = HeadTimer::new(header_read_timeout);
    let socket = Socket::new(stream, head.clone(), place);
    let service = service_fn(|mut request: Request<Incoming>| {
        head.rest();
        if let Some(remote) = remote.filter(|_| is_of_interest(&request)) {
            request.extensions_mut().insert(Remote(remote));
        }
        let answer = handlers.answer(request);
        let head = head.clone();
        async move {
            let answer = answer.await;
            head.rest();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(head.clone())
        .header_read_timeout(header_read_timeout)
        .max_buf_size(BUFFER_BYTES)
        // Most answers are a few bytes: to copy them behind their head costs less than to hand over both.
        .writev(false)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Some(ended),
        () = shutdown.draining() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = shutdown.over() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        // Clients come and go as they like, and send what they like.
        tracing::trace!(%error, "a connection ended early");
    }
}

/// Whether somebody wants to know where a request comes from: it costs a box.
fn is_of_interest(request: &Request<Incoming>) -> bool {
    request.headers().contains_key(UPGRADE) || request.uri().path().starts_with("/operate/")
}
