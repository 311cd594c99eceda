//! What has happened: counted always, and noted for those who watch. Nobody waits for whoever reads it: the oldest
//! entries give way.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Serialize, Serializer};

use super::lock;
use super::operated::Operated;
use crate::engine::{Effect, Lock, Outcome, PeerId, ReleaseReason, Span, Time};
use crate::runtime::{Clock, Observer};

/// Entries that wait to be looked at.
const ENTRIES: usize = 200;

/// Notes what happens. Clones are the same journal.
#[derive(Clone)]
pub struct Journal(Arc<Shared>);

struct Shared {
    clock: Clock,
    watched: AtomicBool,
    grants: AtomicU64,
    releases: AtomicU64,
    expirations: AtomicU64,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    entries: VecDeque<Entry>,
    last: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// They are numbered; who misses one was too slow.
    pub(super) n: u64,
    pub(super) at: Time,
    pub(super) kind: Kind,
    pub(super) peer: Option<PeerId>,
    pub(super) lock: Option<Lock>,
    pub(super) waited: Option<Span>,
    pub(super) held: Option<Span>,
    pub(super) operated: Option<Box<Operated>>,
}

/// What it was. Those that operators do are in the imperative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Granted,
    Released,
    Closed,
    Expired,
    Disconnected,
    Revoked,
    Restored,
    Superseded,
    Create,
    Change,
    Pause,
    Resume,
    Delete,
    Revoke,
    Free,
    Reload,
}

impl Kind {
    /// What operators do.
    pub const ACTIONS: [Self; 8] = [
        Self::Create,
        Self::Change,
        Self::Pause,
        Self::Resume,
        Self::Delete,
        Self::Revoke,
        Self::Free,
        Self::Reload,
    ];

    /// As it is written everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Released => "released",
            Self::Closed => "closed",
            Self::Expired => "expired",
            Self::Disconnected => "disconnected",
            Self::Revoked => "revoked",
            Self::Restored => "restored",
            Self::Superseded => "superseded",
            Self::Create => "create",
            Self::Change => "change",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Delete => "delete",
            Self::Revoke => "revoke",
            Self::Free => "free",
            Self::Reload => "reload",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How often something happened since the start.
pub(super) struct Counts {
    pub(super) grants: u64,
    pub(super) releases: u64,
    pub(super) expirations: u64,
}

impl Journal {
    /// An empty one.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared {
            clock,
            watched: AtomicBool::new(false),
            grants: AtomicU64::new(0),
            releases: AtomicU64::new(0),
            expirations: AtomicU64::new(0),
            notes: Mutex::default(),
        }))
    }

    /// While nobody watches, only what is out of the ordinary is noted.
    pub(super) fn set_watched(&self, watched: bool) {
        self.0.watched.store(watched, Ordering::Relaxed);
    }

    /// All entries that nobody has taken yet, and that have not given way to later ones.
    pub(super) fn take(&self) -> VecDeque<Entry> {
        mem::take(&mut lock(&self.0.notes).entries)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            grants: self.0.grants.load(Ordering::Relaxed),
            releases: self.0.releases.load(Ordering::Relaxed),
            expirations: self.0.expirations.load(Ordering::Relaxed),
        }
    }

    /// Notes what an operator did.
    pub fn operated(&self, operated: Operated) {
        let at = self.0.clock.now();
        let (kind, peer) = (operated.kind, operated.peer);
        let operated = Some(Box::new(operated));
        let mut notes = lock(&self.0.notes);
        notes.last += 1;
        let n = notes.last;
        notes.add(Entry { n, at, kind, peer, lock: None, waited: None, held: None, operated });
    }

    fn observe_effect(&self, effect: &Effect) {
        let watched = self.0.watched.load(Ordering::Relaxed);
        match effect {
            Effect::Granted { peer, locks, waited, .. } => {
                self.0.grants.fetch_add(locks.len() as u64, Ordering::Relaxed);
                for lock in locks.iter().filter(|_| watched) {
                    self.note(Kind::Granted, *peer, Some(lock), Some(*waited), None);
                }
            }
            Effect::Released { peer, lock, held, reason, .. } => {
                self.0.releases.fetch_add(1, Ordering::Relaxed);
                let kind = kind_of(*reason);
                if watched || matches!(kind, Kind::Expired | Kind::Revoked) {
                    self.note(kind, *peer, Some(lock), None, Some(*held));
                }
            }
            Effect::Restored { peer, lock } => {
                self.note(Kind::Restored, *peer, Some(lock), None, None);
            }
            Effect::Superseded { peer, .. } => {
                self.note(Kind::Superseded, *peer, None, None, None);
            }
            Effect::Expired { .. } => {
                self.0.expirations.fetch_add(1, Ordering::Relaxed);
            }
            Effect::Ended { .. }
            | Effect::Closed { .. }
            | Effect::Yield { .. }
            | Effect::Revoked { .. } => {}
        }
    }

    fn note(
        &self,
        kind: Kind,
        peer: PeerId,
        of: Option<&Lock>,
        waited: Option<Span>,
        held: Option<Span>,
    ) {
        let at = self.0.clock.now();
        let mut notes = lock(&self.0.notes);
        notes.last += 1;
        let n = notes.last;
        notes.add(Entry {
            n,
            at,
            kind,
            peer: Some(peer),
            lock: of.cloned(),
            waited,
            held,
            operated: None,
        });
    }
}

impl Notes {
    fn add(&mut self, entry: Entry) {
        if self.entries.len() == ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}

impl Observer for Journal {
    fn observe(&mut self, outcome: &Outcome) {
        for effect in &outcome.effects {
            self.observe_effect(effect);
        }
    }
}

const fn kind_of(reason: ReleaseReason) -> Kind {
    match reason {
        ReleaseReason::Released => Kind::Released,
        ReleaseReason::Closed => Kind::Closed,
        ReleaseReason::Expired => Kind::Expired,
        ReleaseReason::Disconnected => Kind::Disconnected,
        ReleaseReason::Revoked => Kind::Revoked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Count, Fence, Reply, SemaphoreName};

    fn outcome(reason: ReleaseReason) -> Outcome {
        let (name, count) = (SemaphoreName::new("A").unwrap(), Count::new(1).unwrap());
        let lock =
            Lock { name, count, fence: Fence(7), since: Time::default(), slots: Box::default() };
        let held = Span::from_secs(5);
        let (peer, connection) = (PeerId::Rest(1), None);
        let effects = vec![Effect::Released { peer, lock, held, reason, connection }];
        Outcome { reply: Ok(Reply::Opened), effects, before_reply: 0 }
    }

    #[test]
    fn without_watchers_only_the_unusual_is_noted_but_all_is_counted() {
        let mut journal = Journal::new(Clock::start());
        journal.observe(&outcome(ReleaseReason::Released));
        journal.observe(&outcome(ReleaseReason::Expired));
        let kinds: Vec<_> = journal.take().iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Expired]);
        journal.set_watched(true);
        journal.observe(&outcome(ReleaseReason::Released));
        let noted: Vec<_> = journal.take().iter().map(|entry| (entry.n, entry.kind)).collect();
        assert_eq!(noted, [(2, Kind::Released)]);
        assert_eq!(journal.counts().releases, 3);
    }

    #[test]
    fn the_oldest_give_way() {
        let mut journal = Journal::new(Clock::start());
        for _ in 0..ENTRIES + 5 {
            journal.observe(&outcome(ReleaseReason::Expired));
        }
        let left = journal.take();
        assert_eq!((left.len(), left[0].n), (ENTRIES, 6));
    }
}
