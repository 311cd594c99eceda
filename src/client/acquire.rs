//! Asking for locks, as programs see it. Whoever ceases to wait leaves nothing behind, at any moment.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::error::Error;
use super::lease::Lease;
use super::limit::Limit;
use super::machine::{AcquireId, Ask, LeaseId, Progress};
use super::peer::PeerHandle;
use super::shared::Acquiring;
use super::want::Want;

/// Who is told how the line moves.
pub(super) type Listener = Box<dyn FnMut(Progress) + Send>;

/// A want that is about to be asked for. It does nothing unless it is awaited. While it waits, it can be dropped at any
/// moment: then the server is told, and nothing of it is held or waited for any more, even if it was granted just
/// then.
#[must_use = "it does nothing unless it is awaited"]
pub struct Acquire {
    peer: Arc<PeerHandle>,
    ask: Ask,
    listener: Option<Listener>,
}

impl Acquire {
    pub(super) fn new(peer: Arc<PeerHandle>, want: Want) -> Self {
        Self { peer, ask: Ask::new(want), listener: None }
    }

    /// How long to wait. Without this: for ever. Zero: only try.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.ask.timeout = Some(timeout);
        self
    }

    /// How long it may take as far as that is known beforehand, as it is of buckets: whoever would have to wait for
    /// longer is told so at once, and how long it would be. What is not known is waited for so long.
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.ask.max_wait = Some(max_wait);
        self
    }

    /// What one of the names stands for: see [`Limit`]. It may be said of several.
    pub fn declare(mut self, name: impl Into<String>, limit: Limit) -> Self {
        self.ask.declare.insert(name.into(), limit);
        self
    }

    /// Who asks with a higher priority stands before those with a lower one. 0 by default.
    pub const fn priority(mut self, priority: i8) -> Self {
        self.ask.priority = priority;
        self
    }

    /// Is told the place in line when it has to wait, and again when that has changed: every two seconds at most. What
    /// comes while nobody polls is told as far as it is still true.
    pub fn on_progress(mut self, listener: impl FnMut(Progress) + Send + 'static) -> Self {
        self.ask.progress = true;
        self.listener = Some(Box::new(listener));
        self
    }
}

/// Waits for what a peer asks for.
pub(super) async fn acquire(
    peer: Arc<PeerHandle>,
    ask: Ask,
    mut listener: Option<Listener>,
) -> Result<Lease, Error> {
    let (done, result) = oneshot::channel();
    let (progress, mut changes) = watch::channel(None);
    let number = peer.number;
    let acquire = peer.client.shared.act(|machine, waiters, now| {
        let acquire = machine.acquire(now, number, ask)?;
        waiters.acquired.insert(acquire, Acquiring { done, progress });
        Ok::<_, Error>(acquire)
    })?;
    let mut waiting = Waiting { peer: &peer, acquire, result };
    let lease = loop {
        tokio::select! {
            biased;
            result = &mut waiting.result => break result.unwrap_or(Err(Error::Ended))?,
            Ok(()) = changes.changed() => {
                let progress = changes.borrow_and_update().clone();
                if let (Some(listener), Some(progress)) = (&mut listener, progress) {
                    listener(progress);
                }
            }
        }
    };
    drop(waiting);
    Ok(Lease::new(peer, lease))
}

/// Whoever waits for an acquire. When it is dropped without having got the result, nothing of it is left.
struct Waiting<'a> {
    peer: &'a PeerHandle,
    acquire: AcquireId,
    result: oneshot::Receiver<Result<LeaseId, Error>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Self { peer, acquire, result } = self;
        peer.client.shared.act(|machine, waiters, now| {
            waiters.acquired.remove(acquire);
            machine.cancel(*acquire);
            // Nobody has taken the lease that may be on its way from the machine to here.
            if let Ok(Ok(lease)) = result.try_recv() {
                machine.release_unused(lease, now);
            }
        });
    }
}

/// Resolves when all of the want is granted.
///
/// # Errors
/// [`Error::Timeout`] when it was not to be had in time, or would not be; [`Error::Disconnected`] when there was no
/// connection to the server by then. [`Error::Busy`] when as many wait as may. [`Error::DeclaredOtherwise`] when
/// a name stands for something else than was declared. [`Error::Refused`] with the server's code, such as
/// [`UnknownSemaphore`](super::Code::UnknownSemaphore), [`Never`](super::Code::Never) or
/// [`Hierarchy`](super::Code::Hierarchy). [`Error::InvalidWant`],
/// [`Error::AlreadyPending`] and [`Error::AlreadyHeld`] for what the server need not be asked about; [`Error::Ended`] and
/// [`Error::Closed`] when the client has ended.
impl IntoFuture for Acquire {
    type Output = Result<Lease, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(acquire(self.peer, self.ask, self.listener))
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("ask", &self.ask).finish_non_exhaustive()
    }
}
