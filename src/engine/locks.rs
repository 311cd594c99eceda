//! Locks given and taken back, waits ended, and those served who can be.

use std::cmp::Reverse;

use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, Fence, PeerId};
use super::numbers::Claims;
use super::outcome::{Effect, EndReason, Lock, Locks, ReleaseReason, Reply};
use super::peers::{Hold, Parts, Slot, Ticket};
use super::queue::Place;
use super::refusal::Refusal;
use super::semaphores::SemaphoreIndex;
use super::text::SemaphoreName;

impl Engine {
    pub(super) fn release(
        &mut self,
        peer: PeerId,
        names: Option<&[SemaphoreName]>,
    ) -> Result<Reply, Refusal> {
        let Some(names) = names else {
            let slot = self.known(peer)?;
            self.untold.forget(peer);
            let locks = self.release_all(slot, ReleaseReason::Released);
            return Ok(Reply::Released { locks });
        };
        let indexes: Result<Vec<_>, _> =
            names.iter().map(|n| self.semaphores.possible(n)).collect();
        let (indexes, slot) = (indexes?, self.known(peer)?);
        names.iter().for_each(|name| self.untold.settled(peer, name));
        let released = indexes
            .iter()
            .flatten()
            .filter(|index| self.release_one(slot, **index, ReleaseReason::Released));
        Ok(Reply::Released { locks: released.count() })
    }

    pub(super) fn cancel(&mut self, peer: PeerId) -> Result<Reply, Refusal> {
        let slot = self.known(peer)?;
        let ticket = self.peers.get(slot).ticket.as_ref().map(|ticket| ticket.id);
        self.end_wait(slot, EndReason::Cancelled);
        Ok(Reply::Cancelled { ticket })
    }

    pub(super) fn leave(&mut self, peer: PeerId, name: &SemaphoreName) -> Result<Reply, Refusal> {
        let index = self.semaphores.possible(name)?;
        let slot = self.known(peer)?;
        self.untold.settled(peer, name);
        let Some(index) = index else { return Ok(Reply::Released { locks: 0 }) };
        let released = self.release_one(slot, index, ReleaseReason::Released);
        let ticket = self.peers.get(slot).ticket.as_ref();
        let waits =
            ticket.is_some_and(|ticket| ticket.parts.iter().any(|(part, _)| *part == index));
        if waits && !released {
            self.end_wait(slot, EndReason::Cancelled);
        }
        Ok(Reply::Released { locks: usize::from(released) })
    }

    /// Gives a peer a lock that it does not have.
    pub(super) fn hold(
        &mut self,
        slot: Slot,
        semaphore: SemaphoreIndex,
        count: Count,
        claims: &Claims,
    ) -> Lock {
        self.last_fence = Fence(self.last_fence.0 + 1);
        let hold = Hold { semaphore, count, fence: self.last_fence, since: self.now };
        let held = self.semaphores.get_mut(semaphore);
        held.held += u64::from(count.get());
        if let Some(bucket) = &mut held.bucket {
            bucket.take(self.now, u64::from(count.get()));
        }
        held.holders.insert(hold.fence, slot);
        held.give_numbers(hold.fence, count, claims);
        // Whoever is first in line has to wait for longer, or for more than tokens when a higher priority has overtaken it.
        self.semaphores.stir(semaphore);
        self.semaphores.tally(semaphore, self.now, |sums| {
            sums.held += u64::from(count.get());
            sums.holders += 1;
        });
        self.peers.get_mut(slot).holds.push(hold);
        self.watch(slot, &hold);
        let lock = self.lock(&hold);
        self.untold.settled(self.peers.get(slot).id, &lock.name);
        lock
    }

    pub(super) fn release_all(&mut self, slot: Slot, reason: ReleaseReason) -> usize {
        let holds = std::mem::take(&mut self.peers.get_mut(slot).holds);
        for hold in &holds {
            self.give_back(slot, hold, reason);
        }
        holds.len()
    }

    /// Sets locks to smaller counts than they have. Tokens come back with time alone.
    pub(super) fn shrink(&mut self, slot: Slot, parts: &Parts) {
        for (semaphore, count) in parts {
            let Some(hold) = self.peers.get_mut(slot).hold_mut(*semaphore) else { continue };
            let freed = hold.count.get() - count.get();
            hold.count = *count;
            let fence = hold.fence;
            let shrunk = self.semaphores.get_mut(*semaphore);
            shrunk.held -= u64::from(freed);
            shrunk.take_numbers_back(fence, count.get() as usize);
            self.semaphores.tally(*semaphore, self.now, |sums| sums.held -= u64::from(freed));
            self.semaphores.stir(*semaphore);
        }
    }

    /// Ends a peer's wait, if it waits.
    pub(super) fn end_wait(&mut self, slot: Slot, reason: EndReason) {
        if let Some(ticket) = self.leave_line(slot) {
            let peer = self.peers.get(slot);
            let (peer, ticket, connection) = (peer.id, ticket.id, peer.connection());
            self.effects.push(Effect::Ended { peer, ticket, reason, connection });
        }
    }

    /// Grants all that can be granted now: of the tickets that are first in all of their queues and find room,
    /// always the one with the first place. A grant only takes room, and uncovers the next in each of its
    /// queues, so only those have to be looked at again.
    pub(super) fn serve(&mut self) {
        loop {
            while let Some(index) = self.semaphores.take_stirred() {
                let first = self.semaphores.get(index).queue.first();
                self.candidates.extend(first.map(Reverse));
            }
            let Some(Reverse((place, slot))) = self.candidates.pop() else { return };
            self.serve_one(place, slot);
        }
    }

    /// Grants a ticket if it can be. It may be served already: two of its semaphores may have been stirred.
    fn serve_one(&mut self, place: Place, slot: Slot) {
        let Some(ticket) = &self.peers.get(slot).ticket else { return };
        if ticket.place() != place {
            return;
        }
        self.semaphores.settle_due(&ticket.parts, self.now);
        if !self.can_serve(place, &ticket.parts) {
            self.restand(slot);
            return self.set_turn(slot);
        }
        let Some(ticket) = self.leave_line(slot) else { return };
        self.grant(slot, &ticket.parts, Some(ticket.id), self.now.since(ticket.since));
    }

    /// Takes a peer out of all queues.
    pub(super) fn leave_line(&mut self, slot: Slot) -> Option<Box<Ticket>> {
        self.forget_turn(slot);
        let peer = self.peers.get_mut(slot);
        let ticket = peer.ticket.take()?;
        self.waiting -= 1;
        if let Some(at) = ticket.until {
            self.deadlines.remove(at, Due::Ticket(ticket.id, peer.id));
        }
        for (index, count) in &ticket.parts {
            let semaphore = self.semaphores.get_mut(*index);
            semaphore.pending -= u64::from(count.get());
            semaphore.queue.remove(ticket.place());
            self.semaphores.tally(*index, self.now, |sums| {
                sums.pending -= u64::from(count.get());
                sums.waiters -= 1;
            });
            self.semaphores.stir(*index);
        }
        Some(ticket)
    }

    pub(super) fn release_one(
        &mut self,
        slot: Slot,
        semaphore: SemaphoreIndex,
        reason: ReleaseReason,
    ) -> bool {
        let peer = self.peers.get_mut(slot);
        let Some(at) = peer.holds.iter().position(|hold| hold.semaphore == semaphore) else {
            return false;
        };
        let hold = peer.holds.remove(at);
        self.give_back(slot, &hold, reason);
        true
    }

    fn give_back(&mut self, slot: Slot, hold: &Hold, reason: ReleaseReason) {
        self.unwatch(slot, hold);
        let lock = self.lock(hold);
        let semaphore = self.semaphores.get_mut(hold.semaphore);
        semaphore.held -= u64::from(hold.count.get());
        semaphore.holders.remove(&hold.fence);
        self.semaphores.tally(hold.semaphore, self.now, |sums| {
            sums.held -= u64::from(hold.count.get());
            sums.holders -= 1;
        });
        if reason != ReleaseReason::Expired || !self.delay(hold) {
            self.semaphores.get_mut(hold.semaphore).take_numbers_back(hold.fence, 0);
        }
        self.semaphores.stir(hold.semaphore);
        let held = self.now.since(hold.since);
        let peer = self.peers.get(slot);
        let connection = match reason {
            ReleaseReason::Released => peer.connection(),
            ReleaseReason::Closed
            | ReleaseReason::Expired
            | ReleaseReason::Disconnected
            | ReleaseReason::Revoked => None,
        };
        let peer = peer.id;
        self.effects.push(Effect::Released { peer, lock, held, reason, connection });
        self.forget_revocation(peer, Some(hold.fence));
    }

    pub(super) fn lock(&self, hold: &Hold) -> Lock {
        let Hold { count, fence, since, .. } = *hold;
        let semaphore = self.semaphores.get(hold.semaphore);
        let (name, slots) = (semaphore.name.clone(), semaphore.numbers_of(fence));
        Lock { name, count, fence, since, slots }
    }

    /// All that a peer holds.
    pub(super) fn locks(&self, slot: Slot) -> Locks {
        self.peers.get(slot).holds.iter().map(|hold| self.lock(hold)).collect()
    }
}
