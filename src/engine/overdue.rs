//! Locks that are held for too long: their holders are told in time, and then they are taken away.

use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Fence, PeerId};
use super::manners::Manners;
use super::peers::{Hold, Slot};
use super::semaphores::SemaphoreIndex;
use super::text::Label;
use super::time::{Span, Time};

/// Longest time before the end at which a holder is told.
const LONGEST_NOTICE: Span = Span::from_secs(10);

impl Manners {
    /// How long before the end a holder is told: a tenth of the time it has, within bounds.
    fn notice(max_hold: Span) -> Span {
        Span::from_micros(max_hold.as_micros().div_ceil(10)).min(LONGEST_NOTICE)
    }

    /// When to tell somebody who holds a lock since then.
    pub(super) fn tell_at(&self, since: Time) -> Option<Time> {
        let max_hold = self.max_hold?;
        let told_after = max_hold.as_micros() - Self::notice(max_hold).as_micros();
        // Not at once, however short it is: it is something that happens later.
        Some(since.after(Span::from_micros(told_after.max(1))))
    }
}

impl Engine {
    /// Sets when to tell the holder, unless that time has come already.
    pub(super) fn watch(&mut self, slot: Slot, hold: &Hold) {
        let tell_at = self.semaphores.get(hold.semaphore).manners.tell_at(hold.since);
        if let Some(at) = tell_at.filter(|at| *at > self.now) {
            let peer = self.peers.get(slot).id;
            self.deadlines.add(at, Due::Overdue(hold.fence, peer));
        }
    }

    /// The lock is given back.
    pub(super) fn unwatch(&mut self, slot: Slot, hold: &Hold) {
        if let Some(at) = self.semaphores.get(hold.semaphore).manners.tell_at(hold.since) {
            let peer = self.peers.get(slot).id;
            self.deadlines.remove(at, Due::Overdue(hold.fence, peer));
        }
    }

    /// Sets other manners, which also count for those who hold something. Who should have been told is told now.
    pub(super) fn set_manners(&mut self, index: SemaphoreIndex, manners: Manners) {
        let before = self.semaphores.get(index).manners;
        if before.max_hold == manners.max_hold {
            self.semaphores.get_mut(index).manners = manners;
            return;
        }
        let holders = self.semaphores.get(index).holders.values().copied();
        let holders: Vec<_> = holders.collect();
        let hold = |engine: &Self, slot| engine.peers.get(slot).hold(index).copied();
        let holds: Vec<_> =
            holders.into_iter().filter_map(|slot| Some((slot, hold(self, slot)?))).collect();
        for (slot, hold) in &holds {
            self.unwatch(*slot, hold);
        }
        self.semaphores.get_mut(index).manners = manners;
        for (slot, hold) in &holds {
            self.watch(*slot, hold);
            if manners.tell_at(hold.since).is_some_and(|at| at <= self.now) {
                self.tell(*slot, hold);
            }
        }
    }

    pub(super) fn overdue(&mut self, fence: Fence, peer: PeerId) {
        let Some(slot) = self.peers.find(peer) else { return };
        let hold = self.peers.get(slot).holds.iter().find(|hold| hold.fence == fence).copied();
        hold.iter().for_each(|hold| self.tell(slot, hold));
    }

    /// Tells the holder that its lock is going to be taken away.
    fn tell(&mut self, slot: Slot, hold: &Hold) {
        let Some(max_hold) = self.semaphores.get(hold.semaphore).manners.max_hold else { return };
        let why = Label::new(&format!("it may be held for {max_hold} at most")).ok();
        let grace = Manners::notice(max_hold);
        self.revoke_later(slot, Some(hold.fence), grace, why.as_ref());
    }
}
