//! What will be over, and when. The engine's only timer: exact, so that whoever sleeps until the next deadline
//! never wakes in vain.

use std::collections::BTreeSet;
use std::iter;

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
pub(super) struct Deadlines(BTreeSet<(Time, Due)>);

impl Deadlines {
    pub(super) fn add(&mut self, at: Time, due: Due) {
        self.0.insert((at, due));
    }

    pub(super) fn remove(&mut self, at: Time, due: Due) {
        self.0.remove(&(at, due));
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes out the soonest deadline that is not after `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, due)| due)
    }

    /// Takes out peers that are due at `now`, as long as nothing else is before them.
    pub(super) fn pop_peers(&mut self, now: Time) -> impl Iterator<Item = PeerId> {
        iter::from_fn(move || {
            let (at, Due::Peer(id)) = *self.0.first()? else { return None };
            (at <= now).then(|| {
                self.0.pop_first();
                id
            })
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Time, Due)> {
        self.0.iter()
    }
}
