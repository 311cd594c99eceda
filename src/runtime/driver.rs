//! The loop around the engine. It drains what is queued, applies it all, commits it all, and then answers it all:
//! one wake-up and one commit serve a whole batch.

use std::future::{Future, pending};
use std::io;

use tokio::time::{Instant, sleep_until};

use super::clock::Clock;
use super::delivery::{Asker, Delivery};
use super::handle::{Handle, Inbox, Read, Request, queue};
use super::line::Tag;
use crate::engine::{Command, ConnectionId, Engine, Label, Outcome, PeerId, Refusal, Reply, Time};
use crate::store::Store;

/// Most requests in one batch: bounds what must be held in memory until the commit.
const BATCH_REQUESTS: usize = 512;

/// Most holders that are named to who has to wait.
const BLOCKED_BY_HOLDERS: usize = 3;

/// Is told everything that comes of commands, in order, after the store has it. For metrics.
pub trait Observer: Send + 'static {
    /// One command's outcome.
    fn observe(&mut self, outcome: &Outcome);
}

/// Starts to drive an engine. Returns the way to it and the loop itself, which must be spawned or awaited; it
/// ends when every handle is dropped or the store fails.
pub fn start(
    engine: Engine,
    clock: Clock,
    store: impl Store,
    observer: impl Observer,
) -> (Handle, impl Future<Output = io::Result<()>> + Send) {
    let (handle, inbox) = queue();
    let driver = Driver {
        engine,
        clock,
        store,
        observer,
        delivery: Delivery::default(),
        records: Vec::with_capacity(BATCH_REQUESTS),
        outcomes: Vec::with_capacity(BATCH_REQUESTS),
        reads: Vec::new(),
    };
    (handle, driver.run(inbox))
}

struct Driver<S, O> {
    engine: Engine,
    clock: Clock,
    store: S,
    observer: O,
    delivery: Delivery,
    records: Vec<(Time, Command)>,
    outcomes: Vec<(Outcome, Asker)>,
    reads: Vec<Read>,
}

impl<S: Store, O: Observer> Driver<S, O> {
    async fn run(mut self, mut inbox: Inbox) -> io::Result<()> {
        let mut requests = Vec::with_capacity(BATCH_REQUESTS);
        loop {
            tokio::select! {
                biased;
                received = inbox.requests.recv_many(&mut requests, BATCH_REQUESTS) => {
                    if received == 0 {
                        return Ok(());
                    }
                }
                () = until(self.engine.next_deadline().map(|due| self.clock.instant(due))) => requests.push(Request::Expire),
            }
            inbox.vacate(&requests);
            for request in requests.drain(..) {
                self.take(request);
            }
            self.expire_due();
            self.store.commit(&self.records).await?;
            self.records.clear();
            self.answer();
        }
    }

    /// Applies commands as they come. Reads come last in their batch: they must not see what is not committed.
    fn take(&mut self, request: Request) {
        match request {
            Request::Apply { command, watch, answer } => {
                self.apply(command, Asker::Caller { watch, answer });
            }
            Request::Expire => self.apply(Command::Expire, Asker::Timer),
            Request::Read(read) => self.reads.push(read),
            Request::Connect { connection, outbox } => self.delivery.connect(connection, outbox),
            Request::Submit { connection, batch } => {
                let now = self.clock.now();
                for (tag, command) in batch {
                    self.apply_on(connection, now, tag, command);
                }
            }
            Request::Disconnect { connection } => {
                self.apply(Command::Disconnect { connection }, Asker::Gone { connection });
            }
        }
    }

    /// Readers see the present, not what the last command left. And a queue that is never empty, of requests that
    /// do not reach the engine, must not keep its timer from firing.
    fn expire_due(&mut self) {
        if self.engine.next_deadline().is_some_and(|due| due <= self.clock.now()) {
            self.apply(Command::Expire, Asker::Timer);
        }
    }

    fn apply(&mut self, command: Command, asker: Asker) {
        let now = self.clock.now();
        let outcome = self.engine.apply(now, &command);
        self.records.push((now, command));
        self.outcomes.push((outcome, asker));
    }

    /// Applies a command that came on a connection. One that arrives late, when another connection has its peer,
    /// must not touch that peer.
    fn apply_on(&mut self, connection: ConnectionId, now: Time, tag: Tag, command: Command) {
        let peer = subject(&command);
        if peer.is_some_and(|peer| self.engine.connection_of(peer) != Some(connection)) {
            let reply = Err(Refusal::UnknownPeer);
            let outcome = Outcome { reply, effects: Vec::new(), before_reply: 0 };
            let asker = Asker::Line { connection, tag, blocked_by: Vec::new() };
            return self.outcomes.push((outcome, asker));
        }
        let outcome = self.engine.apply(now, &command);
        let blocked_by = match (&outcome.reply, peer) {
            (Ok(Reply::Queued { .. }), Some(peer)) => blocked_by(&self.engine, peer),
            (Ok(_) | Err(_), _) => Vec::new(),
        };
        self.records.push((now, command));
        self.outcomes.push((outcome, Asker::Line { connection, tag, blocked_by }));
    }

    /// Hands out what the batch brought, in the order of the commands.
    fn answer(&mut self) {
        for (outcome, asker) in self.outcomes.drain(..) {
            self.observer.observe(&outcome);
            self.delivery.deliver(outcome, asker);
        }
        self.delivery.wake();
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

/// The peer that a command presumes to be there, and that it does not bind.
const fn subject(command: &Command) -> Option<PeerId> {
    match command {
        Command::KeepAlive { peer, .. }
        | Command::Close { peer }
        | Command::Acquire { peer, .. }
        | Command::Release { peer, .. }
        | Command::Cancel { peer }
        | Command::Leave { peer, .. } => Some(*peer),
        Command::Open { .. }
        | Command::Restore { .. }
        | Command::Resume { .. }
        | Command::Adopt { .. }
        | Command::Disconnect { .. }
        | Command::Expire => None,
    }
}

/// Who stands in the way of a peer that waits: the labels of the first few that hold what it wants.
fn blocked_by(engine: &Engine, peer: PeerId) -> Vec<Label> {
    let holders = engine.blocking(peer).take(BLOCKED_BY_HOLDERS);
    holders.filter_map(|(_, label, _)| label).collect()
}
