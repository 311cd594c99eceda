//! How the rest of the process talks to the engine.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryFutureExt;
use tokio::sync::oneshot;

use super::busy_poll::BusyPoll;
use super::combiner::Combine;
use super::line::{Events, Line, mailbox};
use super::queue::Request;
use crate::engine::{Command, ConnectionId, EndReason, Engine, Locks, Refusal, Reply, Span};

/// A way to the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Entrance>);

struct Entrance {
    combiner: Arc<dyn Combine>,
    /// How many connections there were.
    connections: AtomicU64,
    busy_poll: Arc<BusyPoll>,
}

/// The engine has ended, at shutdown or because its store failed.
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

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// The engine ends with the last handle.
impl Drop for Entrance {
    fn drop(&mut self) {
        self.combiner.finish();
    }
}

impl Handle {
    pub(super) fn new(combiner: Arc<dyn Combine>) -> Self {
        Self(Arc::new(Entrance {
            combiner,
            connections: AtomicU64::new(0),
            busy_poll: Arc::default(),
        }))
    }

    /// Applies a command and returns the engine's reply.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub fn apply(
        &self,
        command: Command,
    ) -> impl Future<Output = Result<Result<Reply, Refusal>, EngineGone>> + Send + '_ {
        self.send(command, false).map_ok(|answer| answer.reply)
    }

    /// Applies a command, and when its want has to wait, watches that wait. Dropping the watch does not end
    /// the wait.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn apply_and_watch(&self, command: Command) -> Result<Answer, EngineGone> {
        self.send(command, true).await
    }

    /// Keeps the runtime awake for up to `longest` after each request, as long as they follow each other closely: at
    /// most twice as long after one another. Does not keep the engine.
    pub fn busy_poll(&self, longest: Duration) -> impl Future<Output = Infallible> + Send + use<> {
        let busy_poll = Arc::clone(&self.0.busy_poll);
        async move { busy_poll.run(longest).await }
    }

    /// Makes a connection: a way in for batches of commands, and what comes of them. Returns at once.
    pub fn connect(&self) -> (Line, Events) {
        let connection = ConnectionId(self.0.connections.fetch_add(1, Ordering::Relaxed) + 1);
        let (outbox, events) = mailbox();
        self.tell(Request::Connect { connection, outbox });
        (Line::new(connection, self.clone()), events)
    }

    /// Looks at the engine as it is now, with everything expired that is due. Nobody else is
    /// served while `read` runs: it should be short.
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
        if let Some(request) = self.try_request(Request::Apply { command, watch, answer })? {
            // Boxed: nearly always there is room, and whoever has to keep this for a moment keeps it for ever.
            Box::pin(self.request(request)).await?;
        }
        answered.await.map_err(|_| EngineGone)
    }

    /// Hands a request to the engine as soon as there are places for it in the queue.
    pub(super) async fn request(&self, request: Request) -> Result<(), EngineGone> {
        self.0.busy_poll.note();
        self.0.combiner.queue().put(request).await?;
        self.0.combiner.drive();
        Ok(())
    }

    /// Hands a request to the engine if nobody is at it, or there are places for it in the queue. Otherwise gives it back.
    pub(super) fn try_request(&self, request: Request) -> Result<Option<Request>, EngineGone> {
        self.0.busy_poll.note();
        let Some(request) = self.0.combiner.serve(request) else { return Ok(None) };
        let left = self.0.combiner.queue().try_put(request)?;
        if left.is_none() {
            self.0.combiner.drive();
        }
        Ok(left)
    }

    /// Hands over a request that needs no place. When there is no engine any more, there is nobody to tell.
    pub(super) fn tell(&self, request: Request) {
        if let Some(request) = self.0.combiner.serve(request) {
            self.0.combiner.queue().tell(request);
            self.0.combiner.drive();
        }
    }
}
