//! What is done with requests: all that are queued are applied, committed together, and then answered. One commit
//! and one look at the clock serve a whole batch.

use std::{io, mem};

use super::clock::Clock;
use super::delivery::{Asker, Delivery};
use super::line::Tag;
use super::queue::{Queue, Read, Request};
use super::standing::blocked_by;
use crate::engine::{Command, ConnectionId, Effect, Engine, Outcome, PeerId, Refusal, Reply, Time};
use crate::store::{Commit, Committed, Store};

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

/// So many vectors for effects are kept, if they are not larger than what one effect needs. Most outcomes have one.
const ROOMS: usize = 64;
const ROOM_EFFECTS: usize = 4;

/// The engine's owner.
pub(super) struct Driver<S, O> {
    engine: Engine,
    clock: Clock,
    store: S,
    observer: O,
    delivery: Delivery,
    phase: Phase,
    /// When the task will look at the engine's deadlines again.
    awake_at: Option<Time>,
    requests: Vec<Request>,
    records: Vec<(Time, Command)>,
    outcomes: Vec<(Outcome, Asker)>,
    /// Room for the effects of outcomes to come.
    rooms: Vec<Vec<Effect>>,
    reads: Vec<Read>,
}

enum Phase {
    /// Requests can be taken.
    Free,
    /// A batch is applied, but the store does not have it yet.
    Committing(Option<Commit>),
    Ended(Option<io::Error>),
}

/// What the task has to do.
pub(super) enum Duty {
    /// To wait until then, or for a call, and to see that what is due happens.
    Sleep(Option<Time>),
    Commit(Commit),
    End(io::Result<()>),
}

impl<S: Store, O: Observer> Driver<S, O> {
    pub(super) fn new(engine: Engine, clock: Clock, store: S, observer: O) -> Self {
        Self {
            engine,
            clock,
            store,
            observer,
            delivery: Delivery::default(),
            phase: Phase::Free,
            awake_at: None,
            requests: Vec::new(),
            records: Vec::new(),
            outcomes: Vec::new(),
            rooms: Vec::new(),
            reads: Vec::new(),
        }
    }

    /// Whether requests can be taken.
    pub(super) const fn is_free(&self) -> bool {
        matches!(self.phase, Phase::Free)
    }

    /// Takes what is queued. Returns whether more can be taken.
    pub(super) fn turn(&mut self, queue: &Queue) -> bool {
        match self.phase {
            Phase::Free => {}
            Phase::Committing(_) => return false,
            Phase::Ended(_) => {
                queue.abandon();
                return false;
            }
        }
        let mut requests = mem::take(&mut self.requests);
        queue.take(&mut requests);
        let free = self.serve(requests.drain(..));
        self.requests = requests;
        free
    }

    /// Takes requests, for which it must be free. Returns whether more can be taken.
    pub(super) fn serve(&mut self, requests: impl IntoIterator<Item = Request>) -> bool {
        let now = self.clock.now();
        for request in requests {
            self.take(request, now);
        }
        self.expire_due(now);
        match self.store.commit(&self.records) {
            Ok(Committed::Now) => self.committed(Ok(())),
            Ok(Committed::Later(commit)) => {
                self.phase = Phase::Committing(Some(commit));
                false
            }
            Err(error) => self.committed(Err(error)),
        }
    }

    /// The store has the batch, or has failed. Returns whether more can be taken.
    pub(super) fn committed(&mut self, committed: io::Result<()>) -> bool {
        match committed {
            Ok(()) => {
                self.phase = Phase::Free;
                self.records.clear();
                self.answer();
                true
            }
            Err(error) => {
                self.end(error);
                false
            }
        }
    }

    /// Ends for good: whoever waits for an answer learns that there will be none.
    pub(super) fn end(&mut self, error: io::Error) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = Phase::Ended(Some(error));
        }
        self.outcomes.clear();
        self.reads.clear();
        self.requests.clear();
        self.delivery = Delivery::default();
    }

    /// Whether there is something that only the task can do.
    pub(super) fn calls_the_task(&mut self) -> bool {
        match self.phase {
            Phase::Committing(_) | Phase::Ended(_) => true,
            Phase::Free => {
                let Some(due) = self.engine.next_deadline() else { return false };
                let earlier = self.awake_at.is_none_or(|awake_at| due < awake_at);
                if earlier {
                    self.awake_at = Some(due);
                }
                earlier
            }
        }
    }

    /// What the task has to do next.
    pub(super) fn duty(&mut self, queue: &Queue) -> Duty {
        match &mut self.phase {
            Phase::Free if queue.is_over() => Duty::End(Ok(())),
            Phase::Free => {
                self.awake_at = self.engine.next_deadline();
                Duty::Sleep(self.awake_at)
            }
            Phase::Committing(commit) => match commit.take() {
                Some(commit) => Duty::Commit(commit),
                None => Duty::Sleep(None),
            },
            Phase::Ended(error) => {
                queue.abandon();
                Duty::End(error.take().map_or(Ok(()), Err))
            }
        }
    }

    /// Applies commands as they come. Reads come last in their batch: they must not see what is not committed.
    fn take(&mut self, request: Request, now: Time) {
        match request {
            Request::Apply { command, watch, answer } => {
                self.apply(now, command, Asker::Caller { watch, answer });
            }
            Request::Expire => self.apply(now, Command::Expire, Asker::Timer),
            Request::Read(read) => self.reads.push(read),
            Request::Connect { connection, outbox } => self.delivery.connect(connection, outbox),
            Request::Submit { connection, batch } => {
                for (tag, command) in batch {
                    self.apply_on(connection, now, tag, command);
                }
            }
            Request::Disconnect { connection } => {
                self.apply(now, Command::Disconnect { connection }, Asker::Gone { connection });
            }
        }
    }

    /// Readers see the present, not what the last command left.
    fn expire_due(&mut self, now: Time) {
        if self.engine.next_deadline().is_some_and(|due| due <= now) {
            self.apply(now, Command::Expire, Asker::Timer);
        }
    }

    fn apply(&mut self, now: Time, command: Command, asker: Asker) {
        let outcome = self.run(now, &command);
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
        let outcome = self.run(now, &command);
        let blocked_by = match (&outcome.reply, peer) {
            (Ok(Reply::Queued { .. }), Some(peer)) => blocked_by(&self.engine, peer),
            (Ok(_) | Err(_), _) => Vec::new(),
        };
        self.records.push((now, command));
        self.outcomes.push((outcome, Asker::Line { connection, tag, blocked_by }));
    }

    fn run(&mut self, now: Time, command: &Command) -> Outcome {
        let room = self.rooms.pop().unwrap_or_default();
        self.engine.apply_into(now, command, room)
    }

    /// Hands out what the batch brought, in the order of the commands.
    fn answer(&mut self) {
        for (outcome, asker) in self.outcomes.drain(..) {
            self.observer.observe(&outcome);
            let room = self.delivery.deliver(outcome, asker);
            let is_room = (1..=ROOM_EFFECTS).contains(&room.capacity());
            if is_room && self.rooms.len() < ROOMS {
                self.rooms.push(room);
            }
        }
        self.delivery.wake();
        for read in self.reads.drain(..) {
            read(&self.engine);
        }
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
        | Command::Leave { peer, .. }
        | Command::Settle { peer, .. } => Some(*peer),
        Command::BackOff { peer, .. } => *peer,
        Command::Open { .. }
        | Command::Restore { .. }
        | Command::Resume { .. }
        | Command::Adopt { .. }
        | Command::Disconnect { .. }
        | Command::Reserve { .. }
        | Command::Unreserve { .. }
        | Command::Operate(_)
        | Command::Expire => None,
    }
}
