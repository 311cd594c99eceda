//! How the rest of the process talks to the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::line::{Events, Line, Outbox, Tag, mailbox};
use crate::engine::{Command, ConnectionId, EndReason, Engine, Locks, Refusal, Reply, Span};

/// Commands that may be queued before callers have to wait for a place.
const QUEUE_COMMANDS: usize = 4096;

/// Most places that one request takes: a larger batch must not wait until the queue is empty.
const REQUEST_PLACES: usize = 512;

/// A way to the engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::UnboundedSender<Request>,
    /// What bounds the queue. The queue itself is unbounded, so that the end of a connection never waits.
    places: Arc<Semaphore>,
    connections: Arc<AtomicU64>,
}

/// The driver's end of the queue.
pub(super) struct Inbox {
    pub(super) requests: mpsc::UnboundedReceiver<Request>,
    places: Arc<Semaphore>,
}

/// The engine's driver has ended, at shutdown or because its store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease engine is not running")]
pub struct EngineGone;

/// What became of a command.
#[derive(Debug)]
pub struct Answer {
    /// What the engine says.
    pub reply: Result<Reply, Refusal>,
    /// Resolves when the wait ends. There is one exactly when the answer to [`Handle::apply_and_watch`] is
    /// [`Reply::Queued`].
    pub verdict: Option<oneshot::Receiver<Verdict>>,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// With a grant.
    Granted {
        /// The new locks.
        locks: Locks,
        /// How long it took.
        waited: Span,
    },
    /// Without one.
    Ended(EndReason),
}

pub(super) enum Request {
    Apply { command: Command, watch: bool, answer: oneshot::Sender<Answer> },
    Read(Read),
    Connect { connection: ConnectionId, outbox: Outbox },
    Submit { connection: ConnectionId, batch: Vec<(Tag, Command)> },
    Disconnect { connection: ConnectionId },
    Expire,
}

impl Request {
    /// How many places it takes in the queue.
    fn places(&self) -> usize {
        match self {
            Self::Apply { .. } | Self::Read(_) => 1,
            Self::Submit { batch, .. } => batch.len().clamp(1, REQUEST_PLACES),
            Self::Connect { .. } | Self::Disconnect { .. } | Self::Expire => 0,
        }
    }
}

/// Makes the queue.
pub(super) fn queue() -> (Handle, Inbox) {
    let (requests, inbox) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(QUEUE_COMMANDS));
    let connections = Arc::default();
    let inbox = Inbox { requests: inbox, places: Arc::clone(&places) };
    (Handle { requests, places, connections }, inbox)
}

impl Inbox {
    /// Lets others have the places of requests that were taken out.
    pub(super) fn vacate(&self, requests: &[Request]) {
        self.places.add_permits(requests.iter().map(Request::places).sum());
    }
}

/// Those who wait for a place learn that there is no engine behind the queue any more.
impl Drop for Inbox {
    fn drop(&mut self) {
        self.places.close();
    }
}

pub(super) type Read = Box<dyn FnOnce(&Engine) + Send>;

impl Handle {
    /// Applies a command and returns the engine's reply.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn apply(&self, command: Command) -> Result<Result<Reply, Refusal>, EngineGone> {
        Ok(self.send(command, false).await?.reply)
    }

    /// Applies a command, and when its want has to wait, watches that wait. Dropping the watch does not end
    /// the wait.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn apply_and_watch(&self, command: Command) -> Result<Answer, EngineGone> {
        self.send(command, true).await
    }

    /// Makes a connection: a way in for batches of commands, and what comes of them. Returns at once.
    pub fn connect(&self) -> (Line, Events) {
        let connection = ConnectionId(self.connections.fetch_add(1, Ordering::Relaxed) + 1);
        let (outbox, events) = mailbox();
        self.tell(Request::Connect { connection, outbox });
        (Line::new(connection, self.clone()), events)
    }

    /// Looks at the engine as it is now, with everything expired that is due. `read` runs on the engine's own
    /// task: it should be short.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, EngineGone> {
        let (answer, answered) = oneshot::channel();
        let read = Box::new(move |engine: &Engine| {
            // The reader may have gone away meanwhile; then nobody wants to know.
            let _ = answer.send(read(engine));
        });
        self.request(Request::Read(read)).await?;
        answered.await.map_err(|_| EngineGone)
    }

    async fn send(&self, command: Command, watch: bool) -> Result<Answer, EngineGone> {
        let (answer, answered) = oneshot::channel();
        self.request(Request::Apply { command, watch, answer }).await?;
        answered.await.map_err(|_| EngineGone)
    }

    /// Queues a request as soon as there are places for it.
    pub(super) async fn request(&self, request: Request) -> Result<(), EngineGone> {
        let places = u32::try_from(request.places()).unwrap_or(u32::MAX);
        let taken = self.places.acquire_many(places).await.map_err(|_| EngineGone)?;
        // The driver gives them back.
        taken.forget();
        self.requests.send(request).map_err(|_| EngineGone)
    }

    /// Queues a request that needs no place. When there is no engine any more, there is nobody to tell.
    pub(super) fn tell(&self, request: Request) {
        debug_assert_eq!(request.places(), 0, "this one has to wait for its places");
        let _ = self.requests.send(request);
    }
}
