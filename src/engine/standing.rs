//! Who is in the way of whom. Locks are taken downwards: whoever holds some may wait for others of lower levels. So a
//! ticket that wants several levels must not keep others from the lower ones while it waits for a higher one: who holds
//! that may be among them, and they would wait for each other for ever.
//!
//! It stands in line for its highest level, and steps aside in all other lines: it keeps its place there, and others
//! pass it. When it is first at one level and finds room, it stands at the next one, too. Whoever it waits for there, holder
//! or ticket, waits for something lower, if at all, or has an earlier place: so nobody waits for himself.

use std::cmp::Reverse;

use super::core::Engine;
use super::ids::{Count, Level};
use super::peers::Slot;
use super::queue::Place;
use super::semaphores::{Semaphore, SemaphoreIndex};

impl Semaphore {
    /// Buckets are below all levels: whatever a peer holds, it may wait for tokens.
    pub(super) fn rank(&self) -> Option<Level> {
        self.bucket.is_none().then_some(self.level)
    }
}

impl Engine {
    /// Has a ticket stand where it should, and step aside elsewhere.
    pub(super) fn restand(&mut self, slot: Slot) {
        let Some(ticket) = &self.peers.get(slot).ticket else { return };
        if ticket.parts.len() < 2 {
            return;
        }
        let (place, mut parts) = (ticket.place(), ticket.parts.clone());
        parts.sort_by_key(|(index, _)| Reverse(self.semaphores.get(*index).rank()));
        let mut stands = true;
        let rank = |engine: &Self, at: usize| engine.semaphores.get(parts[at].0).rank();
        let mut is_ready = true;
        for (at, (index, count)) in parts.iter().enumerate() {
            if at > 0 && rank(self, at) != rank(self, at - 1) {
                stands &= is_ready;
            }
            self.set_standing(*index, place, stands);
            is_ready &= self.is_ready(place, *index, *count);
        }
    }

    /// Has all who wait for a semaphore stand where they should, after it has become another one.
    pub(super) fn restand_all(&mut self, index: SemaphoreIndex) {
        let queue = self.semaphores.get(index).queue.iter();
        for slot in queue.map(|(_, slot)| slot).collect::<Vec<_>>() {
            self.restand(slot);
        }
    }

    /// Somebody stands before who was first.
    pub(super) fn passed(&mut self, slot: Slot) {
        self.forget_turn(slot);
        self.restand(slot);
    }

    /// Whether a ticket at this place would get so much of a semaphore if it wanted nothing else.
    pub(super) fn is_ready(&self, place: Place, index: SemaphoreIndex, count: Count) -> bool {
        let semaphore = self.semaphores.get(index);
        let first = semaphore.queue.first();
        first.is_none_or(|(first, _)| place <= first) && semaphore.has_room(self.now, count)
    }

    fn set_standing(&mut self, index: SemaphoreIndex, place: Place, stands: bool) {
        let queue = &mut self.semaphores.get_mut(index).queue;
        let first = queue.first().filter(|(first, _)| stands && *first > place);
        if queue.stand(place, stands) {
            self.semaphores.stir(index);
            first.into_iter().for_each(|(_, slot)| self.passed(slot));
        }
    }
}
