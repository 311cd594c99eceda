//! What has happened: counted always, and noted for those who watch. Nobody waits for whoever reads it: the oldest
//! entries give way.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::lock;
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
    pub(super) peer: PeerId,
    pub(super) lock: Option<Lock>,
    pub(super) waited: Option<Span>,
    pub(super) held: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Granted,
    Released,
    Closed,
    Expired,
    Disconnected,
    Revoked,
    Restored,
    Superseded,
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
                if watched || kind == Kind::Expired {
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
        let entry = Entry { n: notes.last, at, kind, peer, lock: of.cloned(), waited, held };
        if notes.entries.len() == ENTRIES {
            notes.entries.pop_front();
        }
        notes.entries.push_back(entry);
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
        let lock = Lock { name, count, fence: Fence(7), since: Time::default() };
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
