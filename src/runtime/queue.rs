//! What is wanted of the engine, in the order in which it came, until somebody takes it there.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, TryAcquireError, oneshot};

use super::handle::{Answer, EngineGone};
use super::line::{Outbox, Tag};
use crate::engine::{Command, ConnectionId, Engine};

/// Commands that may be queued before callers have to wait for a place.
const QUEUE_COMMANDS: usize = 4096;

/// Most places that one request takes: a larger batch must not wait until the queue is empty.
const REQUEST_PLACES: usize = 512;

pub(super) enum Request {
    Apply { command: Command, watch: bool, answer: oneshot::Sender<Answer> },
    Read(Read),
    Connect { connection: ConnectionId, outbox: Outbox },
    Submit { connection: ConnectionId, batch: Vec<(Tag, Command)> },
    Disconnect { connection: ConnectionId },
    Expire,
}

pub(super) type Read = Box<dyn FnOnce(&Engine) + Send>;

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

/// The queue. It is not bounded itself, so that the end of a connection never waits; places in it are.
pub(super) struct Queue {
    content: Mutex<Content>,
    places: Semaphore,
}

#[derive(Default)]
struct Content {
    requests: Vec<Request>,
    closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { content: Mutex::default(), places: Semaphore::new(QUEUE_COMMANDS) }
    }

    /// Queues a request as soon as there are places for it.
    pub(super) async fn put(&self, request: Request) -> Result<(), EngineGone> {
        let places = u32::try_from(request.places()).unwrap_or(u32::MAX);
        let taken = self.places.acquire_many(places).await.map_err(|_| EngineGone)?;
        self.push(request)?;
        // Given back when the request is taken out.
        taken.forget();
        Ok(())
    }

    /// Queues a request if there are places for it now. Otherwise gives it back.
    pub(super) fn try_put(&self, request: Request) -> Result<Option<Request>, EngineGone> {
        let places = u32::try_from(request.places()).unwrap_or(u32::MAX);
        match self.places.try_acquire_many(places) {
            Ok(taken) => {
                self.push(request)?;
                // Given back when the request is taken out.
                taken.forget();
                Ok(None)
            }
            Err(TryAcquireError::NoPermits) => Ok(Some(request)),
            Err(TryAcquireError::Closed) => Err(EngineGone),
        }
    }

    /// Queues a request that needs no place. When there is no engine any more, there is nobody to tell.
    pub(super) fn tell(&self, request: Request) {
        debug_assert_eq!(request.places(), 0, "this one has to wait for its places");
        let _ = self.push(request);
    }

    /// Moves all that is queued to `requests`, which must be empty, and lets others have the places.
    pub(super) fn take(&self, requests: &mut Vec<Request>) {
        mem::swap(&mut self.lock().requests, requests);
        self.places.add_permits(requests.iter().map(Request::places).sum());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().requests.is_empty()
    }

    /// Whether it is closed and nothing is left in it.
    pub(super) fn is_over(&self) -> bool {
        let content = self.lock();
        content.closed && content.requests.is_empty()
    }

    /// Nothing more comes in. What is there can still be taken out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.places.close();
    }

    /// Closes it and forgets what is in it: who waits for an answer learns that there will be none.
    pub(super) fn abandon(&self) {
        self.close();
        let abandoned = mem::take(&mut self.lock().requests);
        drop(abandoned);
    }

    fn push(&self, request: Request) -> Result<(), EngineGone> {
        let mut content = self.lock();
        if content.closed {
            return Err(EngineGone);
        }
        content.requests.push(request);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        // No panic is possible while it is locked that leaves the content half done.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
