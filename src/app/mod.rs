//! The whole server, put together: the engine with its driver, the routes, and the loop that accepts connections.

mod accept;
mod connection;
mod file_limit;
mod head_timer;
pub mod notify;
mod signal;
mod site;
mod socket;
mod threads;
mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

use self::connection::Connections;
use self::site::{
    Site, feed, grants_from, max_sessions, operate, reload, reload_when_told, router, until_over,
};
use crate::access::Gate;
use crate::config::Config;
use crate::dashboard::Dashboard;
use crate::engine::{Engine, Fence, Limits, Settings, Span};
use crate::events;
use crate::feed::{Configured, Feed, Journal};
use crate::metrics::Metrics;
use crate::operate::{Operate, Source};
use crate::routing::{Interface, Route};
use crate::runtime::{self, Clock, Handle};
use crate::shutdown::{self, Shutdown, Switch};
use crate::store::Memory;

pub use signal::{Hangups, Signal, Signals};
pub use threads::tokio_runtime;
pub use tls::{Certificates, TlsError, obstacles};

/// Connections that the system keeps ready while others are being accepted.
const BACKLOG: u32 = 1024;

/// How long the engine may take to end after everybody has left.
const DRIVER_END: Duration = Duration::from_millis(200);

type Log = Pin<Box<dyn Future<Output = ()> + Send>>;
type Driver = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// A server that has its address and is ready to run.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    interface: Interface,
    certificates: Option<Arc<Certificates>>,
    driver: Driver,
    log: Log,
    feed: Feed,
    operate: Operate,
    engine: Handle,
    switch: Switch,
    shutdown: Shutdown,
    max_connections: usize,
    busy_poll: Duration,
    header_read_timeout: Duration,
    handshake_timeout: Duration,
    drain_timeout: Duration,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, not allowed, or not one of this machine.
    #[error("cannot listen on {address}: {error}; --address and --port choose another one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The directory with the dashboard's files is none.
    #[error("cannot read the dashboard in {}: {error}; --web-dir names a directory with index.html", directory.display())]
    Dashboard {
        /// The directory.
        directory: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There is no certificate, or it cannot be used.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] TlsError),
    /// Two metrics have the same name.
    #[error("cannot set up the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl Server {
    /// Takes the address that `config` names, port 0 for any free one. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`], mostly because somebody else has the address.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        Self::bind_reloadable(config, None)
    }

    /// As [`Server::bind`], with a source from which the configuration can be read again.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub fn bind_reloadable(config: &Config, source: Option<Source>) -> Result<Self, StartError> {
        let address = SocketAddr::new(config.address, config.port);
        let listen_error = |error| StartError::Listen { address, error };
        let listener = listen(address).map_err(listen_error)?;
        let local_addr = listener.local_addr().map_err(listen_error)?;

        let certificates =
            config.tls.files().map(|files| Certificates::load(&files)).transpose()?.map(Arc::new);
        let dashboard = dashboard(config)?;
        let max_connections = file_limit::connections(config.limits.max_connections);
        let (metrics, counting) = Metrics::new(&config.semaphores)?;
        let metrics = Arc::new(metrics);
        metrics.set_limits(config.limits.max_peers, max_sessions(config, max_connections));
        let clock = Clock::start();
        let engine = Engine::new(Settings {
            semaphores: config.semaphores.clone(),
            limits: Limits {
                max_semaphores: Limits::default().max_semaphores,
                max_keyed: config.limits.max_keyed,
                idle_ttl: Span::from(config.limits.idle_ttl),
                dynamic: config.dynamic,
                max_expires_in: config.limits.max_expires_in,
                max_peers: config.limits.max_peers,
            },
            // Without a memory, the wall clock makes fences grow across restarts.
            last_fence: Fence(clock.started_at().as_micros()),
            grants_from: grants_from(config, clock),
        });
        let (events, log) = events::events();
        let journal = Journal::new(clock);
        let observer = (counting, (events, journal.clone()));
        let (handle, driver) = runtime::start(engine, clock, Memory, observer);
        let (switch, shutdown) = shutdown::switch();
        let configured = Configured::new(&config.semaphores);
        let feed = feed(config, handle.clone(), clock, journal.clone(), &metrics, &configured);
        let site = Site {
            config,
            gate: Arc::new(Gate::new(config)),
            clock,
            metrics,
            feed: &feed,
            shutdown: &shutdown,
        };
        let reload = reload(&site, certificates.clone(), source);
        let operate = operate(&site, handle.clone(), journal, configured, reload);
        let interface = router(&site, handle.clone(), dashboard, max_connections, operate.clone());
        Ok(Self {
            listener,
            local_addr,
            interface,
            certificates,
            driver: Box::pin(driver),
            log: Box::pin(log),
            feed,
            operate,
            engine: handle,
            switch,
            shutdown,
            max_connections,
            busy_poll: config.busy_poll,
            header_read_timeout: config.limits.header_read_timeout,
            handshake_timeout: config.tls.handshake_timeout,
            drain_timeout: config.limits.drain_timeout,
        })
    }

    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// All routes, with what each needs.
    pub fn routes(&self) -> &[Route] {
        &self.interface.routes
    }

    /// The certificate, which can be read again while the server runs. `None`: it speaks no TLS.
    pub fn certificates(&self) -> Option<Arc<Certificates>> {
        self.certificates.clone()
    }

    /// Serves until `shutdown` is ready. Then nobody new is let in, blocked callers are sent away with the answer
    /// that they are still waiting, and after all open requests are answered, or the time to drain is over, it
    /// returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::spawn(self.log);
        let driver = tokio::spawn(drive(self.driver));
        tokio::spawn(until_over(self.feed.run(), self.shutdown.clone()));
        tokio::spawn(reload_when_told(self.operate, self.shutdown.clone()));
        tokio::spawn(until_over(self.engine.busy_poll(self.busy_poll), self.shutdown.clone()));
        tokio::spawn(until_over(notify::watchdog(self.engine), self.shutdown.clone()));
        let connections = Connections::new(
            self.interface.handlers(),
            self.shutdown,
            self.header_read_timeout,
            self.certificates.map(|certificates| (certificates, self.handshake_timeout)),
            self.max_connections,
        );
        tokio::select! {
            never = accept::accept(&self.listener, &connections) => match never {},
            () = shutdown => drop(self.listener),
        }
        self.switch.drain();
        let left = connections.drain(self.drain_timeout).await;
        self.switch.over();
        if left > 0 {
            tracing::warn!(connections = left, "the time to drain is over, connections are cut");
        }
        // The last way to the engine is gone with the last connection. Then the driver ends by itself.
        if tokio::time::timeout(DRIVER_END, driver).await.is_err() {
            tracing::debug!("the lease engine still has work that nobody waits for");
        }
    }
}

fn dashboard(config: &Config) -> Result<Dashboard, StartError> {
    let directory = config.web_dir.as_deref();
    Dashboard::new(directory).map_err(|error| StartError::Dashboard {
        directory: directory.map(PathBuf::from).unwrap_or_default(),
        error,
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Unix, it lets a restarted server have its port back at once. On Windows, it would let others steal it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// When the engine ends before its time, the server lives on and says so to everybody, `/health` included.
async fn drive(driver: Driver) {
    // In a task of its own, so that a panic is told like any other failure.
    match tokio::spawn(driver).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the lease engine has ended: its store failed"),
        Err(error) => tracing::error!(%error, "the lease engine has ended: this is a bug"),
    }
}
