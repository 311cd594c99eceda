//! A peer as programs see it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::acquire::Acquire;
use super::error::Error;
use super::handle::ClientHandle;
use super::settings::{OnDisconnect, PeerSettings};
use super::want::Want;
use super::wire::PeerNumber;

/// The identity that holds locks. It waits for one thing at a time, and its locks are what the lock hierarchy is about:
/// have one for each task.
///
/// Clones are the same peer. When the last of them and its leases are dropped, the server forgets it.
#[derive(Clone, Debug)]
pub struct Peer {
    handle: Arc<PeerHandle>,
}

/// What keeps a peer open.
#[derive(Debug)]
pub(super) struct PeerHandle {
    pub(super) client: Arc<ClientHandle>,
    pub(super) number: PeerNumber,
}

impl Drop for PeerHandle {
    fn drop(&mut self) {
        self.client.shared.act(|machine, waiters, _| {
            waiters.opened.remove(&self.number);
            machine.close_peer(self.number);
        });
    }
}

impl PeerHandle {
    /// A peer whose first acquire will tell whether it could be opened.
    pub(super) fn open(client: Arc<ClientHandle>, settings: PeerSettings) -> Arc<Self> {
        let number = client.shared.quietly(|machine, _, _| machine.open(settings));
        Arc::new(Self { client, number })
    }
}

impl Peer {
    /// Asks for locks: `"A"`, `("A", 2)`, `[("A", 2), ("db", 1)]`. All of it is granted at once, or nothing. To be
    /// awaited, after what is to be said about it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(peer: throttle::client::Peer) -> Result<(), throttle::client::Error> {
    /// let lease = peer.acquire("A").await?;
    /// let several = peer.acquire([("db", 2), ("gpu", 1)]).timeout(Duration::from_secs(10)).priority(3).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn acquire(&self, want: impl Into<Want>) -> Acquire {
        Acquire::new(Arc::clone(&self.handle), want.into())
    }

    /// The name by which operators see this peer. After the server has forgotten it, it gets another one.
    pub fn id(&self) -> String {
        let number = self.handle.number;
        let shared = &self.handle.client.shared;
        shared.quietly(|machine, _, _| machine.peer_id(number).unwrap_or_default().to_owned())
    }
}

/// A peer that is about to be opened. It does nothing unless it is awaited.
#[derive(Clone, Debug)]
#[must_use = "it does nothing unless it is awaited"]
pub struct OpenPeer {
    client: Arc<ClientHandle>,
    settings: PeerSettings,
}

impl OpenPeer {
    pub(super) const fn new(client: Arc<ClientHandle>, settings: PeerSettings) -> Self {
        Self { client, settings }
    }

    /// As [`Builder::expires_in`](super::Builder::expires_in), for this peer.
    pub const fn expires_in(mut self, time: Duration) -> Self {
        self.settings.expires_in = time;
        self
    }

    /// As [`Builder::margin`](super::Builder::margin), for this peer.
    pub const fn margin(mut self, margin: Duration) -> Self {
        self.settings.margin = Some(margin);
        self
    }

    /// As [`Builder::on_disconnect`](super::Builder::on_disconnect), for this peer.
    pub const fn on_disconnect(mut self, on_disconnect: OnDisconnect) -> Self {
        self.settings.on_disconnect = on_disconnect;
        self
    }

    async fn open(self) -> Result<Peer, Error> {
        let Self { client, settings } = self;
        let (opened, result) = oneshot::channel();
        let number = client.shared.act(|machine, waiters, _| {
            let number = machine.open(settings);
            waiters.opened.insert(number, opened);
            number
        });
        // From here on, it is closed when nobody waits for it any more.
        let peer = Peer { handle: Arc::new(PeerHandle { client, number }) };
        result.await.unwrap_or(Err(Error::Ended))?;
        Ok(peer)
    }
}

/// Resolves when the server has opened the peer. When the client has no connection at the moment, that is when it has
/// one again.
///
/// # Errors
/// [`Error::Refused`] with [`LimitExceeded`](super::Code::LimitExceeded) when the server, or the connection, has as many
/// peers as it may have, or for a time to live that is too long; [`Error::Ended`] and [`Error::Closed`] when the client
/// has ended.
impl IntoFuture for OpenPeer {
    type Output = Result<Peer, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
