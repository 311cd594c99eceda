//! The loop around the engine. It drains what is queued, applies it all, commits it all, and then answers it all:
//! one wake-up and one commit serve a whole batch.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::io;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::clock::Clock;
use super::handle::{Answer, Handle, Read, Request, Verdict};
use crate::engine::{Command, Effect, Engine, Outcome, Reply, TicketId, Time};
use crate::store::Store;

/// Requests that may be queued before callers have to wait for a place.
const QUEUE_REQUESTS: usize = 4096;

/// Most requests in one batch: bounds what must be held in memory until the commit.
const BATCH_REQUESTS: usize = 512;

/// Is told everything that comes of commands, in order, after the store has it. For metrics.
pub trait Observer: Send + 'static {
    /// One command's outcome.
    fn observe(&mut self, outcome: &Outcome);
}

/// Both are told.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&mut self, outcome: &Outcome) {
        self.0.observe(outcome);
        self.1.observe(outcome);
    }
}

/// Starts to drive an engine. Returns the way to it and the loop itself, which must be spawned or awaited; it
/// ends when every handle is dropped or the store fails.
pub fn start(
    engine: Engine,
    clock: Clock,
    store: impl Store,
    observer: impl Observer,
) -> (Handle, impl Future<Output = io::Result<()>> + Send) {
    let (requests, inbox) = mpsc::channel(QUEUE_REQUESTS);
    let driver = Driver {
        engine,
        clock,
        store,
        observer,
        watchers: HashMap::new(),
        records: Vec::with_capacity(BATCH_REQUESTS),
        outcomes: Vec::with_capacity(BATCH_REQUESTS),
        reads: Vec::new(),
    };
    (Handle { requests }, driver.run(inbox))
}

type Watchers = HashMap<TicketId, Vec<oneshot::Sender<Verdict>>>;

struct Driver<S, O> {
    engine: Engine,
    clock: Clock,
    store: S,
    observer: O,
    /// Who waits for the end of which ticket. Several may: a repeated acquire joins a wait.
    watchers: Watchers,
    records: Vec<(Time, Command)>,
    outcomes: Vec<(Outcome, Option<Caller>)>,
    reads: Vec<Read>,
}

struct Caller {
    watch: bool,
    answer: oneshot::Sender<Answer>,
}

impl<S: Store, O: Observer> Driver<S, O> {
    async fn run(mut self, mut inbox: mpsc::Receiver<Request>) -> io::Result<()> {
        let mut requests = Vec::with_capacity(BATCH_REQUESTS);
        loop {
            tokio::select! {
                biased;
                received = inbox.recv_many(&mut requests, BATCH_REQUESTS) => {
                    if received == 0 {
                        return Ok(());
                    }
                }
                () = until(self.engine.next_deadline().map(|due| self.clock.instant(due))) => requests.push(Request::Expire),
            }
            for request in requests.drain(..) {
                self.take(request);
            }
            self.expire_before_reads();
            self.store.commit(&self.records).await?;
            self.records.clear();
            self.answer();
        }
    }

    /// Applies commands as they come. Reads come last in their batch: they must not see what is not committed.
    fn take(&mut self, request: Request) {
        match request {
            Request::Apply { command, watch, answer } => {
                self.apply(command, Some(Caller { watch, answer }));
            }
            Request::Expire => self.apply(Command::Expire, None),
            Request::Read(read) => self.reads.push(read),
        }
    }

    /// Readers see the present, not what the last command left.
    fn expire_before_reads(&mut self) {
        let due = self.engine.next_deadline().is_some_and(|due| due <= self.clock.now());
        if due && !self.reads.is_empty() {
            self.apply(Command::Expire, None);
        }
    }

    fn apply(&mut self, command: Command, caller: Option<Caller>) {
        let now = self.clock.now();
        let outcome = self.engine.apply(now, &command);
        self.records.push((now, command));
        self.outcomes.push((outcome, caller));
    }

    /// Hands out what the batch brought, in the order of the commands. A wait is watched before its command's own
    /// effects are told: one of them may end it.
    fn answer(&mut self) {
        for (outcome, caller) in self.outcomes.drain(..) {
            let verdict = match (&outcome.reply, &caller) {
                (Ok(Reply::Queued { ticket }), Some(Caller { watch: true, .. })) => {
                    Some(watch(self.watchers.entry(*ticket).or_default()))
                }
                (Ok(_) | Err(_), _) => None,
            };
            self.observer.observe(&outcome);
            for effect in &outcome.effects {
                tell(&mut self.watchers, effect);
            }
            if let Some(caller) = caller {
                // Who hung up does not want the answer any more; what was asked for is done all the same.
                let _ = caller.answer.send(Answer { reply: outcome.reply, verdict });
            }
        }
        for read in self.reads.drain(..) {
            read(&self.engine);
        }
    }
}

/// Sleeps until `due`; without it, for ever.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// Adds a watcher. Those that have hung up are forgotten when there is no room for another: looking for them each
/// time would cost every one of many callers a look at all others.
fn watch(watchers: &mut Vec<oneshot::Sender<Verdict>>) -> oneshot::Receiver<Verdict> {
    let (sender, receiver) = oneshot::channel();
    if watchers.len() == watchers.capacity() {
        watchers.retain(|watcher| !watcher.is_closed());
        watchers.reserve(watchers.len().max(1));
    }
    watchers.push(sender);
    receiver
}

/// Tells those who watch a ticket how its wait ended.
fn tell(watchers: &mut Watchers, effect: &Effect) {
    let (ticket, verdict) = match effect {
        Effect::Granted { ticket: Some(ticket), locks, waited, .. } => {
            (ticket, Verdict::Granted { locks: locks.clone(), waited: *waited })
        }
        Effect::Ended { ticket, reason, .. } => (ticket, Verdict::Ended(*reason)),
        Effect::Granted { ticket: None, .. }
        | Effect::Released { .. }
        | Effect::Restored { .. }
        | Effect::Expired { .. }
        | Effect::Superseded { .. } => return,
    };
    for watcher in watchers.remove(ticket).into_iter().flatten() {
        let _ = watcher.send(verdict.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_that_hang_up_do_not_pile_up() {
        let mut watchers = Vec::new();
        let waiting = watch(&mut watchers);
        for _ in 0..10_000 {
            drop(watch(&mut watchers));
        }
        assert!(watchers.capacity() < 100, "{}", watchers.capacity());
        assert!(watchers.iter().any(|watcher| !watcher.is_closed()), "one is still there");
        drop(waiting);
    }
}
