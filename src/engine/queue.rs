//! The line in front of one semaphore.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::ids::{Priority, TicketId};
use super::peers::Slot;

/// Where a ticket stands, in every queue that it is in: by priority, then by arrival. One order for all queues
/// is what keeps tickets that want several semaphores from blocking each other in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    priority: Reverse<Priority>,
    /// Numbered in the order of arrival.
    pub(super) ticket: TicketId,
}

impl Place {
    pub(super) const fn new(priority: Priority, ticket: TicketId) -> Self {
        Self { priority: Reverse(priority), ticket }
    }
}

/// To find a ticket's place means to look at so many tickets at most, and at one number for each block before.
const BLOCK_ARRIVALS: u64 = 256;

/// Tickets in the order in which they are served, each with the peer that waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// One for each priority that somebody has, in their order.
    classes: SmallVec<[Class; 1]>,
    len: usize,
}

/// The tickets of one priority. How many there are is known, and where one stands is found by adding up blocks
/// instead of walking the line: callers ask again and again while they wait.
#[derive(Debug)]
struct Class {
    priority: Reverse<Priority>,
    tickets: BTreeMap<TicketId, Waiting>,
    /// How many tickets are left of each [`BLOCK_ARRIVALS`] arrivals, where any are left.
    blocks: BTreeMap<u64, usize>,
    arrivals: u64,
}

#[derive(Debug)]
struct Waiting {
    peer: Slot,
    /// How many tickets joined this class before, whether they are still there or not.
    arrival: u64,
}

impl Queue {
    /// Adds a ticket. Those of one priority must come in the order of their numbers.
    pub(super) fn add(&mut self, place: Place, peer: Slot) {
        let at = self.class(place).unwrap_or_else(|at| {
            self.classes.insert(at, Class::new(place.priority));
            at
        });
        self.classes[at].add(place.ticket, peer);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, place: Place) {
        let Ok(at) = self.class(place) else { return };
        self.len -= usize::from(self.classes[at].remove(place.ticket));
        if self.classes[at].tickets.is_empty() {
            self.classes.remove(at);
        }
    }

    pub(super) fn first(&self) -> Option<(Place, Slot)> {
        self.classes.first().and_then(Class::first)
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Place, Slot)> {
        self.classes.iter().flat_map(Class::iter)
    }

    /// How many stand before a place.
    pub(super) fn before(&self, place: Place) -> usize {
        let at = self.class(place);
        let (Ok(end) | Err(end)) = at;
        let higher: usize = self.classes[..end].iter().map(|class| class.tickets.len()).sum();
        higher + at.map_or(0, |at| self.classes[at].before(place.ticket))
    }

    /// The peer that has waited longest. Of each priority only the first can be that one.
    pub(super) fn oldest(&self) -> Option<Slot> {
        let firsts = self.classes.iter().filter_map(Class::first);
        firsts.min_by_key(|(place, _)| place.ticket).map(|(_, peer)| peer)
    }

    fn class(&self, place: Place) -> Result<usize, usize> {
        self.classes.binary_search_by_key(&place.priority, |class| class.priority)
    }
}

impl Class {
    const fn new(priority: Reverse<Priority>) -> Self {
        Self { priority, tickets: BTreeMap::new(), blocks: BTreeMap::new(), arrivals: 0 }
    }

    fn add(&mut self, ticket: TicketId, peer: Slot) {
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.tickets.insert(ticket, Waiting { peer, arrival });
        *self.blocks.entry(arrival / BLOCK_ARRIVALS).or_default() += 1;
    }

    fn remove(&mut self, ticket: TicketId) -> bool {
        let Some(Waiting { arrival, .. }) = self.tickets.remove(&ticket) else { return false };
        let block = arrival / BLOCK_ARRIVALS;
        if let Some(left) = self.blocks.get_mut(&block) {
            *left -= 1;
            if *left == 0 {
                self.blocks.remove(&block);
            }
        }
        true
    }

    fn first(&self) -> Option<(Place, Slot)> {
        self.iter().next()
    }

    fn iter(&self) -> impl Iterator<Item = (Place, Slot)> {
        let place = |ticket: &TicketId| Place { priority: self.priority, ticket: *ticket };
        self.tickets.iter().map(move |(ticket, waiting)| (place(ticket), waiting.peer))
    }

    /// How many have an earlier number.
    fn before(&self, ticket: TicketId) -> usize {
        let Some((_, next)) = self.tickets.range(ticket..).next() else {
            return self.tickets.len();
        };
        let block = next.arrival / BLOCK_ARRIVALS;
        let blocks: usize = self.blocks.range(..block).map(|(_, left)| left).sum();
        let earlier = self.tickets.range(..ticket).rev();
        let same = |(_, waiting): &(_, &Waiting)| waiting.arrival / BLOCK_ARRIVALS == block;
        blocks + earlier.take_while(same).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_may_stand_at_the_back() {
        let mut queue = Queue::default();
        assert_eq!(queue.oldest(), None);
        for (priority, ticket) in [(-3, 2), (0, 7), (5, 8), (0, 9), (5, 11)] {
            queue.add(
                Place::new(Priority(priority), TicketId(ticket)),
                Slot(u32::try_from(ticket).unwrap()),
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
            queue.add(place(priority, ticket), Slot(0));
        }
        let expected =
            [((9, 9), 0), ((5, 3), 0), ((5, 6), 1), ((5, 9), 2), ((3, 9), 2), ((0, 2), 2)];
        let behind = [((0, 3), 3), ((0, 4), 3), ((0, 9), 4), ((-3, 9), 5), ((-9, 1), 5)];
        for ((priority, ticket), before) in expected.into_iter().chain(behind) {
            assert_eq!(queue.before(place(priority, ticket)), before, "{priority} {ticket}");
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
        left.iter().for_each(|ticket| queue.add(place(*ticket), Slot(0)));
        while !left.is_empty() {
            for ticket in [0, 1, dice(15_000), 14_997, 20_000] {
                let before = left.partition_point(|other| *other < ticket);
                assert_eq!(queue.before(place(ticket)), before, "{ticket} of {}", left.len());
            }
            let gone = left.remove(usize::try_from(dice(left.len() as u64)).unwrap());
            queue.remove(place(gone));
        }
        assert_eq!((queue.len(), queue.classes.len()), (0, 0));
    }
}
