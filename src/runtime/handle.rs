//! How the rest of the process talks to the engine.

use tokio::sync::{mpsc, oneshot};

use crate::engine::{Command, EndReason, Engine, Locks, Refusal, Reply, Span};

/// A way to the engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) requests: mpsc::Sender<Request>,
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
    Expire,
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
        self.requests.send(Request::Read(read)).await.map_err(|_| EngineGone)?;
        answered.await.map_err(|_| EngineGone)
    }

    async fn send(&self, command: Command, watch: bool) -> Result<Answer, EngineGone> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Apply { command, watch, answer };
        self.requests.send(request).await.map_err(|_| EngineGone)?;
        answered.await.map_err(|_| EngineGone)
    }
}
