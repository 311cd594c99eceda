//! Who is told what came of a command: the one who asked, those who watch a wait, and the connections that the
//! effects are owed to.

use std::task::Waker;

use ahash::HashMap;
use tokio::sync::oneshot;

use super::handle::{Answer, Verdict};
use super::line::{Event, Outbox, Tag};
use crate::engine::{ConnectionId, Effect, Label, Outcome, Reply, TicketId};

/// Who asked for something.
pub(super) enum Asker {
    /// One who waits for the answer, and may want to watch the wait that comes of it.
    Caller { watch: bool, answer: oneshot::Sender<Answer> },
    /// A connection.
    Line { connection: ConnectionId, tag: Tag, blocked_by: Vec<Label> },
    /// Nobody any more: this connection is gone.
    Gone { connection: ConnectionId },
    /// Nobody: it was time.
    Timer,
}

/// All who may have to be told something.
#[derive(Default)]
pub(super) struct Delivery {
    /// Who waits for the end of which ticket. Several may: a repeated acquire joins a wait.
    watchers: HashMap<TicketId, Vec<oneshot::Sender<Verdict>>>,
    outboxes: HashMap<ConnectionId, Outbox>,
    /// Connections that have something to read and do not know it yet.
    asleep: Vec<Waker>,
}

impl Delivery {
    /// From now on, effects can be owed to this connection.
    pub(super) fn connect(&mut self, connection: ConnectionId, outbox: Outbox) {
        self.outboxes.insert(connection, outbox);
    }

    /// Tells all that came of a command in the order in which it happened. Returns what the effects were in.
    pub(super) fn deliver(&mut self, outcome: Outcome, asker: Asker) -> Vec<Effect> {
        let Outcome { reply, effects: mut room, before_reply } = outcome;
        let line = asker.line();
        let mut effects = room.drain(..);
        for effect in effects.by_ref().take(before_reply) {
            self.tell(effect, line);
        }
        match asker {
            Asker::Caller { watch, answer } => {
                let verdict = match &reply {
                    // Watched from here on: one of the effects to come may be its end.
                    Ok(Reply::Queued { ticket, .. }) if watch => Some(self.watch(*ticket)),
                    Ok(_) | Err(_) => None,
                };
                // Who hung up does not want the answer any more; what was asked for is done all the same.
                let _ = answer.send(Answer { reply, verdict });
            }
            Asker::Line { connection, tag, blocked_by } => {
                self.put(connection, Event::Reply { tag, reply, blocked_by });
            }
            Asker::Gone { connection } => drop(self.outboxes.remove(&connection)),
            Asker::Timer => {}
        }
        effects.for_each(|effect| self.tell(effect, line));
        room
    }

    /// Wakes the connections that have something to read: once, when all is there.
    pub(super) fn wake(&mut self) {
        self.asleep.drain(..).for_each(Waker::wake);
    }

    fn tell(&mut self, effect: Effect, line: Option<ConnectionId>) {
        self.tell_watchers(&effect);
        match effect.connection() {
            Some(connection) if !is_in_reply(&effect, line) => {
                self.put(connection, Event::Effect(effect));
            }
            Some(_) | None => {}
        }
    }

    fn put(&mut self, connection: ConnectionId, event: Event) {
        let outbox = self.outboxes.get(&connection);
        self.asleep.extend(outbox.and_then(|outbox| outbox.put(event)));
    }

    /// Adds a watcher. Those that have hung up are forgotten when there is no room for another: looking for them
    /// each time would cost every one of many callers a look at all others.
    fn watch(&mut self, ticket: TicketId) -> oneshot::Receiver<Verdict> {
        let (sender, receiver) = oneshot::channel();
        let watchers = self.watchers.entry(ticket).or_default();
        if watchers.len() == watchers.capacity() {
            watchers.retain(|watcher| !watcher.is_closed());
            watchers.reserve(watchers.len().max(1));
        }
        watchers.push(sender);
        receiver
    }

    /// Tells those who watch a ticket how its wait ended.
    fn tell_watchers(&mut self, effect: &Effect) {
        let Some((ticket, verdict)) = end_of_wait(effect) else { return };
        for watcher in self.watchers.remove(&ticket).into_iter().flatten() {
            let _ = watcher.send(verdict.clone());
        }
    }
}

impl Asker {
    const fn line(&self) -> Option<ConnectionId> {
        match self {
            Self::Line { connection, .. } => Some(*connection),
            Self::Caller { .. } | Self::Gone { .. } | Self::Timer => None,
        }
    }
}

/// Which wait has ended, and how.
fn end_of_wait(effect: &Effect) -> Option<(TicketId, Verdict)> {
    match effect {
        Effect::Granted { ticket: Some(ticket), locks, waited, .. } => {
            Some((*ticket, Verdict::Granted { locks: locks.clone(), waited: *waited }))
        }
        Effect::Ended { ticket, reason, .. } => Some((*ticket, Verdict::Ended(*reason))),
        Effect::Granted { ticket: None, .. }
        | Effect::Released { .. }
        | Effect::Restored { .. }
        | Effect::Expired { .. }
        | Effect::Closed { .. }
        | Effect::Yield { .. }
        | Effect::Revoked { .. }
        | Effect::Superseded { .. } => None,
    }
}

/// Whether the reply to a command from this connection has told the effect already: the grant that it got at once,
/// what it gave back, and the end of the peer that it closed.
fn is_in_reply(effect: &Effect, line: Option<ConnectionId>) -> bool {
    match effect {
        Effect::Granted { ticket: None, connection, .. } => line.is_some() && *connection == line,
        Effect::Released { connection, .. } => line.is_some() && *connection == line,
        Effect::Closed { connection, .. } => line == Some(*connection),
        Effect::Granted { ticket: Some(_), .. }
        | Effect::Ended { .. }
        | Effect::Restored { .. }
        | Effect::Expired { .. }
        | Effect::Yield { .. }
        | Effect::Revoked { .. }
        | Effect::Superseded { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_that_hang_up_do_not_pile_up() {
        let mut delivery = Delivery::default();
        let waiting = delivery.watch(TicketId(1));
        for _ in 0..10_000 {
            drop(delivery.watch(TicketId(1)));
        }
        let watchers = &delivery.watchers[&TicketId(1)];
        assert!(watchers.capacity() < 100, "{}", watchers.capacity());
        assert!(watchers.iter().any(|watcher| !watcher.is_closed()), "one is still there");
        drop(waiting);
    }
}
