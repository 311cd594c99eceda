//! The engine itself: time first, then the command, then whoever can be served because of either.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;

use super::acquire::Patience;
use super::command::Command;
use super::connections::Connections;
use super::deadlines::Deadlines;
use super::ids::{Fence, PeerId, TicketId};
use super::life::Brought;
use super::outcome::{Effect, Outcome, Reply};
use super::peers::{Peers, Slot};
use super::queue::Place;
use super::refusal::Refusal;
use super::revocations::Revocations;
use super::revoked_peers::RevokedPeers;
use super::semaphores::{SemaphoreIndex, Semaphores};
use super::settings::{Limits, Settings};
use super::time::Time;
use super::untold::Untold;

/// Semaphores, the peers that hold locks on them, and the queues of those who wait.
///
/// # Examples
/// ```
/// use throttle::engine::*;
///
/// let name = SemaphoreName::new("db").unwrap();
/// let mut engine = Engine::new(Settings {
///     semaphores: vec![SemaphoreSettings::semaphore(name.clone(), Count::new(1).unwrap(), Level(0))],
///     limits: Limits::default(),
///     last_fence: Fence(0),
///     grants_from: Time::default(),
/// });
/// let now = Time::from_micros(0);
/// let peer = PeerId::Rest(7);
/// let open = Command::Open { peer, expires_in: Span::from_secs(60), session: None };
/// assert_eq!(engine.apply(now, &open).reply, Ok(Reply::Opened));
///
/// let acquire = Command::Acquire {
///     peer,
///     want: Want::one(name, 1),
///     priority: Priority::default(),
///     timeout: None,
///     max_wait: None,
///     declared: [].into(),
///     expires_in: None,
/// };
/// assert!(matches!(engine.apply(now, &acquire).reply, Ok(Reply::Held { .. })));
/// assert_eq!(engine.next_deadline(), Some(Time::from_micros(60_000_000)));
/// ```
#[derive(Debug)]
pub struct Engine {
    pub(super) now: Time,
    pub(super) limits: Limits,
    /// Nothing new is granted before.
    pub(super) grants_from: Time,
    pub(super) last_fence: Fence,
    pub(super) last_ticket: TicketId,
    /// How many tickets there are.
    pub(super) waiting: usize,
    pub(super) semaphores: Semaphores,
    pub(super) peers: Peers,
    pub(super) deadlines: Deadlines,
    pub(super) connections: Connections,
    pub(super) revocations: Revocations,
    pub(super) revoked_peers: RevokedPeers,
    pub(super) untold: Untold,
    /// What the command under way has brought so far.
    pub(super) effects: Vec<Effect>,
    /// What the command's caller has to know once it has its answer.
    pub(super) afterwards: Vec<Effect>,
    /// First tickets that have to be looked at, in the order in which they are to be served.
    pub(super) candidates: BinaryHeap<Reverse<(Place, Slot)>>,
    /// The keys that the command under way has made.
    pub(super) made: Vec<SemaphoreIndex>,
}

impl Engine {
    /// An engine with nobody in it. Of settings that name a semaphore twice, the first counts.
    pub fn new(settings: Settings) -> Self {
        let mut semaphores = Semaphores::default();
        for listed in settings.semaphores {
            if !semaphores.is_listed(&listed.name) {
                semaphores.list(listed);
            }
        }
        if settings.limits.dynamic {
            semaphores.patterns.allow_declared();
        }
        Self {
            now: Time::default(),
            limits: settings.limits,
            grants_from: settings.grants_from,
            last_fence: settings.last_fence,
            last_ticket: TicketId(0),
            waiting: 0,
            semaphores,
            peers: Peers::default(),
            deadlines: Deadlines::default(),
            connections: Connections::default(),
            revocations: Revocations::default(),
            revoked_peers: RevokedPeers::default(),
            untold: Untold::default(),
            effects: Vec::new(),
            afterwards: Vec::new(),
            candidates: BinaryHeap::new(),
            made: Vec::new(),
        }
    }

    /// Expires all that is due at `now`, then does what `command` says.
    ///
    /// Time never goes back: a `now` before that of an earlier command counts as that one. All that is due is
    /// over before anybody is served, so nobody is granted a lock who is gone at the same instant.
    pub fn apply(&mut self, now: Time, command: &Command) -> Outcome {
        self.apply_into(now, command, Vec::new())
    }

    /// As [`Self::apply`], with the effects in a vector that is empty and has room: whoever applies many commands
    /// allocates less.
    pub fn apply_into(&mut self, now: Time, command: &Command, effects: Vec<Effect>) -> Outcome {
        self.effects = effects;
        let recovering = self.is_recovering();
        self.now = self.now.max(now);
        if recovering && !self.is_recovering() {
            self.semaphores.stir_all();
        }
        let expired = self.expire_due();
        self.forget_revoked();
        self.serve();
        let reply = self.handle(command, expired);
        self.keep_made(reply.is_ok());
        let before_reply = self.effects.len();
        self.effects.append(&mut self.afterwards);
        self.serve();
        Outcome { reply, effects: mem::take(&mut self.effects), before_reply }
    }

    /// When the next peer or ticket is due, or those in line can be served for the first time:
    /// [`Command::Expire`] should be applied then.
    pub fn next_deadline(&self) -> Option<Time> {
        let grants = (self.is_recovering() && self.waiting > 0).then_some(self.grants_from);
        self.deadlines.next().into_iter().chain(grants).min()
    }

    /// Whether it is too early to grant anything new ([`Settings::grants_from`]).
    pub fn is_recovering(&self) -> bool {
        self.now < self.grants_from
    }

    fn handle(&mut self, command: &Command, expired: usize) -> Result<Reply, Refusal> {
        match command {
            Command::Open { peer, expires_in, session } => {
                self.open(*peer, *expires_in, session.as_ref())
            }
            Command::Restore { peer, expires_in, session, held, slots, declared } => {
                let bring = Brought { held: held.as_ref(), slots, declared };
                self.restore(*peer, *expires_in, session.as_ref(), bring)
            }
            Command::KeepAlive { peer, expires_in } => self.keep_alive(*peer, *expires_in),
            Command::Resume { peer, expires_in, session } => {
                self.resume(*peer, *expires_in, session)
            }
            Command::Adopt { peer, expires_in, session } => self.adopt(*peer, *expires_in, session),
            Command::Disconnect { connection } => Ok(self.disconnect(*connection)),
            Command::Close { peer } => self.close(*peer),
            Command::Acquire { peer, want, priority, timeout, max_wait, expires_in, declared } => {
                let patience = Patience { timeout: *timeout, max_wait: *max_wait };
                self.acquire(*peer, want, *priority, patience, *expires_in, declared)
            }
            Command::Release { peer, names } => self.release(*peer, names.as_deref()),
            Command::Cancel { peer } => self.cancel(*peer),
            Command::Leave { peer, name } => self.leave(*peer, name),
            Command::Reserve { name, count, max_wait, declared } => {
                self.reserve(name, *count, *max_wait, declared.as_deref())
            }
            Command::Unreserve { name, permit } => self.unreserve(name, *permit),
            Command::Settle { peer, used } => self.settle(*peer, used),
            Command::BackOff { peer, name, retry_after } => {
                self.back_off(*peer, name, *retry_after)
            }
            Command::Operate(operation) => self.operate(operation),
            Command::Expire => Ok(Reply::Expired { peers: expired }),
        }
    }

    pub(super) fn known(&self, peer: PeerId) -> Result<Slot, Refusal> {
        self.peers.find(peer).ok_or(Refusal::UnknownPeer)
    }
}
