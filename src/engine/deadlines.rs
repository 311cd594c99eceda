//! What will be over, and when. The engine's only timer: exact, so that whoever sleeps until the next deadline
//! never wakes in vain.

use std::collections::BTreeSet;

use super::ids::{Fence, PeerId, TicketId};
use super::revocations::Target;
use super::semaphores::SemaphoreIndex;
use super::time::Time;

/// What a deadline is of. At one instant, delays are over, turns come and waits end first, then locks
/// that were held for too long, then what operators take away, then peers,
/// each in the order of their numbers: the order must not depend on how the engine stores them, or a replay could differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The time for which a lock stays blocked whose peer has expired.
    Delay(Fence, SemaphoreIndex),
    /// The tokens for which the first in line waits.
    Turn(TicketId, PeerId),
    /// The timeout of a peer's wait.
    Ticket(TicketId, PeerId),
    /// When the holder of a lock has to be told that it has held it for nearly as long as it may.
    Overdue(Fence, PeerId),
    /// The grace of a revocation.
    Revocation(PeerId, Target),
    /// A peer's time to live.
    Peer(PeerId),
    /// The time for which a key is remembered. Whether it is forgotten depends on nothing else at that instant.
    Idle(SemaphoreIndex),
}

/// All deadlines, soonest first.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// Nearly all deadlines are of peers. Apart from the others, they take little more than half of the room, and there
    /// is less to compare.
    peers: BTreeSet<(Time, PeerId)>,
    /// Those of all else.
    others: BTreeSet<(Time, Due)>,
}

impl Deadlines {
    pub(super) fn add(&mut self, at: Time, due: Due) {
        match due.peer() {
            Some(id) => self.peers.insert((at, id)),
            None => self.others.insert((at, due)),
        };
    }

    pub(super) fn remove(&mut self, at: Time, due: Due) {
        match due.peer() {
            Some(id) => self.peers.remove(&(at, id)),
            None => self.others.remove(&(at, due)),
        };
    }

    pub(super) fn next(&self) -> Option<Time> {
        let peer = self.peers.first().map(|(at, _)| *at);
        let other = self.others.first().map(|(at, _)| *at);
        peer.into_iter().chain(other).min()
    }

    /// Takes out the soonest deadline that is not after `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<Due> {
        if let Some(id) = self.pop_peer(now) {
            return Some(Due::Peer(id));
        }
        self.others.first().filter(|(at, _)| *at <= now)?;
        self.others.pop_first().map(|(_, due)| due)
    }

    /// Takes out the soonest deadline that is not after `now`, if it is that of a peer.
    pub(super) fn pop_peer(&mut self, now: Time) -> Option<PeerId> {
        let (at, id) = *self.peers.first()?;
        let other_is_before = self.others.first().is_some_and(|other| *other < (at, Due::Peer(id)));
        if at > now || other_is_before {
            return None;
        }
        self.peers.pop_first();
        Some(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Time, Due)> {
        let mut all: Vec<_> = self.others.iter().copied().collect();
        all.extend(self.peers.iter().map(|(at, id)| (*at, Due::Peer(*id))));
        all.sort_unstable();
        all.into_iter()
    }
}

impl Due {
    /// The peer whose time to live it is.
    const fn peer(self) -> Option<PeerId> {
        match self {
            Self::Peer(id) => Some(id),
            Self::Delay(..)
            | Self::Turn(..)
            | Self::Ticket(..)
            | Self::Overdue(..)
            | Self::Revocation(..)
            | Self::Idle(_) => None,
        }
    }
}
