//! The client as programs see it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::address::Address;
use super::bucket::{Bucket, Pacer};
use super::error::Error;
use super::machine::{Gone, Machine};
use super::peer::OpenPeer;
use super::settings::{OnDisconnect, PeerSettings, Settings};
use super::shared::Shared;
use super::socket::Target;
use super::tls::Trust;
use super::token::Token;
use super::{driver, socket};

/// A connection to a server that is made again whenever it breaks, with the peers that are on it. See the
/// [module](super).
///
/// Clones are the same client. When the last of them is dropped, and with it all peers and leases, the connection is
/// closed and everything on it is given back; [`Client::close`] waits for that.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Arc<ClientHandle>,
}

/// What keeps a client going.
#[derive(Debug)]
pub(super) struct ClientHandle {
    pub(super) shared: Arc<Shared>,
    peers: PeerSettings,
}

impl Drop for ClientHandle {
    fn drop(&mut self) {
        self.shared.act(|machine, _, now| machine.close(now));
    }
}

impl Client {
    /// Connects to a server, such as `"ws://localhost:8000"` or `"http://localhost:8000/locks"`, with what
    /// [`Client::builder`] has as defaults. It must be called within a tokio runtime, in which the client's task runs.
    ///
    /// # Errors
    /// [`Error::Address`] for what is no address, [`Error::Tls`] when there is nobody to trust; [`Error::Connect`] when
    /// the server cannot be reached, at once: only a connection that was there is made again. [`Error::Closed`] and
    /// [`Error::Refused`] when the server does not want this client.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), throttle::client::Error> {
    /// let client = throttle::client::Client::connect("ws://localhost:8000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// Chooses how to connect, and what the client's peers are like.
    pub fn builder(url: &str) -> Builder {
        Builder {
            url: url.to_owned(),
            trusted: None,
            settings: Settings::default(),
            peers: PeerSettings::default(),
        }
    }

    /// Opens a peer: the identity that holds locks and waits for one thing at a time. `label` tells operators, and
    /// those who wait, who it is; it has at most 128 bytes, and an empty one is none.
    ///
    /// What the builder has said about peers can be changed for this one; then it is awaited.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(client: throttle::client::Client) -> Result<(), throttle::client::Error> {
    /// let peer = client.peer("worker 7").await?;
    /// let patient = client.peer("archive").expires_in(Duration::from_secs(600)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self, label: impl Into<String>) -> OpenPeer {
        let settings = PeerSettings { label: label.into(), ..self.handle.peers.clone() };
        OpenPeer::new(Arc::clone(&self.handle), settings)
    }

    /// A bucket of the server: a name with a rate, from which permits are taken.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(client: throttle::client::Client) -> Result<(), throttle::client::Error> {
    /// let permit = client.bucket("api").take(1).await?;
    /// permit.throttled(Duration::from_secs(30)).await?; // nobody gets anything for so long
    /// # Ok(())
    /// # }
    /// ```
    pub fn bucket(&self, name: impl Into<String>) -> Bucket {
        Bucket::new(Arc::clone(&self.handle), self.handle.peers.clone(), name.into())
    }

    /// A bucket that keeps calls apart. Where too many wait already, calls are left out.
    pub fn pacer(&self, name: impl Into<String>) -> Pacer {
        Pacer::new(self.bucket(name))
    }

    /// Why the server cannot be reached at the moment; `None` when it can, as far as is known. The client goes on trying
    /// by itself, for as long as somebody wants something of it: this is for telling people why that takes long.
    ///
    /// [`Error::Disconnected`] while it tries; [`Error::Closed`] and others when it does not any more.
    pub fn outage(&self) -> Option<Error> {
        self.handle
            .shared
            .quietly(|machine, _, _| (!machine.is_welcome()).then(|| machine.disconnected_error()))
    }

    /// Gives everything back, closes the connection, and waits until that is done: two seconds at most. Leases and
    /// peers that are still there are lost.
    pub async fn close(self) {
        let shared = Arc::clone(&self.handle.shared);
        shared.act(|machine, _, now| machine.close(now));
        drop(self);
        shared.done().await;
    }
}

/// How to connect, and what the peers of a client are like unless they say something else.
#[derive(Clone)]
pub struct Builder {
    url: String,
    trusted: Option<PathBuf>,
    settings: Settings,
    peers: PeerSettings,
}

impl Builder {
    /// What program this is, with its version: `"worker/2.1"`. At most 4096 bytes.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// What the server is shown to let this client in. Over a network others read it, unless there is TLS.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.settings.token = Some(Token(token.into()));
        self
    }

    /// A file with certificates in PEM: the server's must be one that they vouch for. It takes the place of those that
    /// the system trusts, for an address with `wss://` or `https://`. It is read when the client connects.
    #[must_use]
    pub fn trust(mut self, file: impl Into<PathBuf>) -> Self {
        self.trusted = Some(file.into());
        self
    }

    /// How long an attempt to connect may take. 5 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// How long is waited before the client reconnects: anything from nothing to `shortest` at first, and up to twice
    /// as long with each attempt that fails, but not longer than `longest`. From 100 ms to 10 s by default; whoever
    /// holds locks comes earlier than that, so as not to lose them.
    #[must_use]
    pub fn backoff(mut self, shortest: Duration, longest: Duration) -> Self {
        self.settings.backoff = (shortest.min(longest), longest);
        self
    }

    /// How long peers outlive their connection, in whole milliseconds. 30 s by default. It is also how long it takes
    /// until the server gives away the locks of a program that has crashed.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.peers.expires_in = time;
        self
    }

    /// How long before the server may give its locks to others a lease is lost: the time to stop using them. A fifth
    /// of `expires_in` by default, and half of it at most.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.peers.margin = Some(margin);
        self
    }

    /// What becomes of peers when the connection is gone.
    #[must_use]
    pub fn on_disconnect(mut self, on_disconnect: OnDisconnect) -> Self {
        self.peers.on_disconnect = on_disconnect;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect(self) -> Result<Client, Error> {
        let Self { url, trusted, settings, peers } = self;
        let address = Address::parse(&url)?;
        let trust = if address.is_encrypted() { Some(trust(trusted).await?) } else { None };
        let target = Target { address, trust };
        let connected = socket::connect(&target, settings.connect_timeout).await;
        let unreachable = |reason| Error::Connect { url: target.address.url(), reason };
        let socket = connected.map_err(|gone| match gone {
            Gone::Broken(reason) | Gone::Busy(reason) => unreachable(reason),
            Gone::ForGood(error) => error,
        })?;
        let shared = Arc::new(Shared::new(Machine::new(settings)));
        let (welcome, welcomed) = oneshot::channel();
        shared.quietly(|_, waiters, _| waiters.welcome = Some(welcome));
        let client = Client { handle: Arc::new(ClientHandle { shared, peers }) };
        let shared = Arc::clone(&client.handle.shared);
        tokio::spawn(driver::run(shared, target.clone(), socket));
        match welcomed.await.unwrap_or(Err(Error::Ended)) {
            Ok(()) => Ok(client),
            Err(Error::Disconnected { reason }) => Err(unreachable(reason)),
            Err(error) => Err(error),
        }
    }
}

/// Files are read where nobody waits for anything else.
async fn trust(file: Option<PathBuf>) -> Result<Trust, Error> {
    let read = tokio::task::spawn_blocking(move || Trust::read(file.as_deref())).await;
    read.unwrap_or_else(|error| Err(Error::Tls { reason: error.to_string() }))
}

/// Without the token.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("url", &self.url).finish_non_exhaustive()
    }
}
