//! The line in front of one semaphore.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::class::{Block, Class, Waiting, plus};
use super::ids::{Priority, TicketId};
use super::peers::Slot;

/// Where a ticket stands, in every queue that it is in: by priority, then by arrival. One order for all queues
/// is what keeps tickets that want several semaphores from blocking each other in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) priority: Reverse<Priority>,
    /// Numbered in the order of arrival.
    pub(super) ticket: TicketId,
}

impl Place {
    pub(super) const fn new(priority: Priority, ticket: TicketId) -> Self {
        Self { priority: Reverse(priority), ticket }
    }
}

/// Tickets in the order in which they are served, each with the peer that waits. Some have stepped aside: they have their
/// place, and others pass them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// One for each priority that somebody has, in their order.
    classes: SmallVec<[Class; 1]>,
    len: usize,
    /// How many of the tickets stand in other queues as well.
    joint: usize,
}

impl Queue {
    /// Adds a ticket. Those of one priority must come in the order of their numbers.
    pub(super) fn add(&mut self, place: Place, waiting: Waiting) {
        let at = self.class(place).unwrap_or_else(|at| {
            self.classes.insert(at, Class::new(place.priority));
            at
        });
        self.joint += usize::from(waiting.joint);
        self.classes[at].add(place.ticket, waiting);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, place: Place) {
        let Ok(at) = self.class(place) else { return };
        if let Some(removed) = self.classes[at].remove(place.ticket) {
            self.len -= 1;
            self.joint -= usize::from(removed.joint);
        }
        if self.classes[at].is_empty() {
            self.classes.remove(at);
        }
    }

    /// Has a ticket stand, or step aside. Returns whether it did not before.
    pub(super) fn stand(&mut self, place: Place, stands: bool) -> bool {
        let class = self.class(place).ok().map(|at| &mut self.classes[at]);
        class.is_some_and(|class| class.stand(place.ticket, stands))
    }

    /// The first one who is in the way of others.
    pub(super) fn first(&self) -> Option<(Place, Slot)> {
        self.classes.iter().find_map(Class::first)
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Place, Slot)> {
        self.classes.iter().flat_map(Class::iter)
    }

    /// How many stand before a place.
    pub(super) fn before(&self, place: Place) -> usize {
        self.block_before(place).tickets
    }

    /// How much those want together who stand before a place.
    pub(super) fn tokens_before(&self, place: Place) -> u64 {
        self.block_before(place).tokens
    }

    /// Whether anybody in it stands in other queues as well.
    pub(super) const fn has_joint(&self) -> bool {
        self.joint > 0
    }

    /// Whether a ticket is in the way of others.
    pub(super) fn stands(&self, place: Place) -> bool {
        let class = self.class(place).ok().map(|at| &self.classes[at]);
        class.is_some_and(|class| class.standing.contains_key(&place.ticket))
    }

    fn block_before(&self, place: Place) -> Block {
        let at = self.class(place);
        let (Ok(end) | Err(end)) = at;
        let higher = self.classes[..end].iter().map(|class| class.whole);
        let higher = higher.fold(Block::default(), plus);
        at.map_or(higher, |at| plus(higher, self.classes[at].before(place.ticket)))
    }

    /// The peer that has waited longest. Of each priority only the first can be that one.
    pub(super) fn oldest(&self) -> Option<Slot> {
        let firsts = self.classes.iter().filter_map(|class| class.iter().next());
        firsts.min_by_key(|(place, _)| place.ticket).map(|(_, peer)| peer)
    }

    fn class(&self, place: Place) -> Result<usize, usize> {
        self.classes.binary_search_by_key(&place.priority, |class| class.priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Count;

    fn waiting(slot: u32) -> Waiting {
        Waiting::new(Slot(slot), Count::new(3).unwrap(), 1)
    }

    #[test]
    fn the_oldest_may_stand_at_the_back() {
        let mut queue = Queue::default();
        assert_eq!(queue.oldest(), None);
        for (priority, ticket) in [(-3, 2), (0, 7), (5, 8), (0, 9), (5, 11)] {
            queue.add(
                Place::new(Priority(priority), TicketId(ticket)),
                waiting(u32::try_from(ticket).unwrap()),
            );
        }
        assert_eq!(queue.oldest(), Some(Slot(2)));
        queue.remove(Place::new(Priority(-3), TicketId(2)));
        assert_eq!(queue.oldest(), Some(Slot(7)));
        let order: Vec<_> = queue.iter().map(|(_, peer)| peer.0).collect();
        assert_eq!(order, [8, 11, 7, 9]);
        assert_eq!(queue.len(), 4);
    }

    #[test]
    fn who_stands_before_a_place_is_counted() {
        let mut queue = Queue::default();
        let place = |priority, ticket| Place::new(Priority(priority), TicketId(ticket));
        assert_eq!(queue.before(place(0, 1)), 0);
        for (priority, ticket) in [(0, 2), (5, 3), (0, 4), (-3, 5), (5, 6)] {
            queue.add(place(priority, ticket), waiting(0));
        }
        let expected =
            [((9, 9), 0), ((5, 3), 0), ((5, 6), 1), ((5, 9), 2), ((3, 9), 2), ((0, 2), 2)];
        let behind = [((0, 3), 3), ((0, 4), 3), ((0, 9), 4), ((-3, 9), 5), ((-9, 1), 5)];
        for ((priority, ticket), before) in expected.into_iter().chain(behind) {
            assert_eq!(queue.before(place(priority, ticket)), before, "{priority} {ticket}");
            assert_eq!(queue.tokens_before(place(priority, ticket)), 3 * before as u64);
        }
        for (place, _) in queue.iter().collect::<Vec<_>>() {
            assert_eq!(queue.before(place), 0);
            queue.remove(place);
            queue.remove(place);
        }
        assert_eq!((queue.len(), queue.classes.len()), (0, 0));
    }

    #[test]
    fn places_in_a_long_line_with_gaps_are_counted() {
        // Scattered, but the same each time.
        let mut seed = 1_u64;
        let mut dice = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % sides
        };
        let mut queue = Queue::default();
        let place = |ticket| Place::new(Priority(0), TicketId(ticket));
        let mut left: Vec<u64> = (0..5_000).map(|number| number * 3).collect();
        left.iter().for_each(|ticket| queue.add(place(*ticket), waiting(0)));
        while !left.is_empty() {
            for ticket in [0, 1, dice(15_000), 14_997, 20_000] {
                let before = left.partition_point(|other| *other < ticket);
                assert_eq!(queue.before(place(ticket)), before, "{ticket} of {}", left.len());
                assert_eq!(queue.tokens_before(place(ticket)), 3 * before as u64);
            }
            let gone = left.remove(usize::try_from(dice(left.len() as u64)).unwrap());
            queue.remove(place(gone));
        }
        assert_eq!((queue.len(), queue.classes.len()), (0, 0));
    }
}
