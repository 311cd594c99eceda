//! One connection's way to the engine: batches of commands in, and whatever is owed to the connection out.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::{mem, vec};

use super::handle::{EngineGone, Handle};
use super::queue::Request;
use crate::engine::{Command, ConnectionId, Effect, Label, Refusal, Reply};

/// Room for what mostly comes together: the replies to a release and an acquire.
const EVENTS: usize = 2;

/// A command's number, chosen by who submits it. Its reply has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// Something that a connection has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The reply to a command that was submitted on this connection.
    Reply {
        /// The command's.
        tag: Tag,
        /// What the engine says.
        reply: Result<Reply, Refusal>,
        /// With [`Reply::Queued`]: the labels of the first few who hold what is wanted.
        blocked_by: Vec<Label>,
    },
    /// Something happened to a peer that is, or was until now, bound to this connection.
    Effect(Effect),
}

/// One connection's way in. Its peers are bound to [`Line::connection`]; dropping it is the end of the connection,
/// and applies [`Command::Disconnect`] after all that was submitted.
#[derive(Debug)]
pub struct Line {
    connection: ConnectionId,
    handle: Handle,
}

impl Line {
    pub(super) const fn new(connection: ConnectionId, handle: Handle) -> Self {
        Self { connection, handle }
    }

    /// The identity to bind peers to.
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Submits commands, which are applied in their order. Returns when they are on their way; the replies are
    /// among the [`Events`], in the same order.
    ///
    /// A command about a peer that is not bound to this connection (any more) is answered with
    /// [`Refusal::UnknownPeer`].
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn submit(&self, batch: Vec<(Tag, Command)>) -> Result<(), EngineGone> {
        match self.try_submit(batch)? {
            Submitted::Now => Ok(()),
            Submitted::Later(later) => later.await,
        }
    }

    /// As [`Line::submit`], without waiting: when there is no room in the queue, the rest of it is the caller's to await,
    /// before anything else is submitted.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub fn try_submit(&self, batch: Vec<(Tag, Command)>) -> Result<Submitted<'_>, EngineGone> {
        let request = Request::Submit { connection: self.connection, batch };
        Ok(match self.handle.try_request(request)? {
            None => Submitted::Now,
            // Boxed: nearly always there is room, and whoever has to keep this for a moment keeps it for ever.
            Some(request) => Submitted::Later(Box::pin(self.handle.request(request))),
        })
    }
}

/// What became of a batch.
pub enum Submitted<'a> {
    /// It is on its way.
    Now,
    /// It is when this is ready.
    Later(Pin<Box<dyn Future<Output = Result<(), EngineGone>> + Send + 'a>>),
}

impl Drop for Line {
    fn drop(&mut self) {
        self.handle.tell(Request::Disconnect { connection: self.connection });
    }
}

/// What a connection has to know, in the order in which the engine did it.
#[derive(Debug)]
pub struct Events {
    mailbox: Arc<Mailbox>,
    /// Taken out of the mailbox together, so that it is locked once for many.
    taken: vec::IntoIter<Event>,
}

impl Events {
    /// The next event. `None`: there are no more, because the line was dropped or the engine is gone.
    ///
    /// Cancel-safe: no event is lost.
    pub async fn recv(&mut self) -> Option<Event> {
        if let Some(event) = self.taken.next() {
            return Some(event);
        }
        poll_fn(|cx| {
            let mut content = self.mailbox.lock();
            // What was taken before goes: whoever has nothing to do holds no memory.
            self.taken = mem::take(&mut content.events).into_iter();
            let event = self.taken.next();
            if event.is_none() && !content.closed {
                content.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(event)
        })
        .await
    }

    /// The next event, if there is one already.
    pub fn try_recv(&mut self) -> Option<Event> {
        if self.taken.len() == 0 {
            self.taken = mem::take(&mut self.mailbox.lock().events).into_iter();
        }
        self.taken.next()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

/// The driver's end of the events.
#[derive(Debug)]
pub(super) struct Outbox(Arc<Mailbox>);

impl Outbox {
    /// Puts an event in. Returns whom to wake: later, when there will be more events.
    pub(super) fn put(&self, event: Event) -> Option<Waker> {
        let mut content = self.0.lock();
        if content.closed {
            return None;
        }
        if content.events.capacity() == 0 {
            content.events = Vec::with_capacity(EVENTS);
        }
        content.events.push(event);
        content.waker.take()
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Makes the two ends of a connection's events.
pub(super) fn mailbox() -> (Outbox, Events) {
    let mailbox = Arc::new(Mailbox::default());
    let events = Events { mailbox: Arc::clone(&mailbox), taken: vec::IntoIter::default() };
    (Outbox(mailbox), events)
}

/// Where the driver puts events and a connection finds them. Not a channel of tokio: those allocate room for 32
/// events at once, which is most of the memory that an idle connection may cost. It is not bounded: what comes in
/// are replies to what the connection submitted, and effects on its own peers.
#[derive(Debug, Default)]
struct Mailbox(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    events: Vec<Event>,
    /// Nothing comes in any more, or nobody looks.
    closed: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Content> {
        // No panic is possible while it is locked that leaves the content half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let waker = {
            let mut content = self.lock();
            content.closed = true;
            content.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
