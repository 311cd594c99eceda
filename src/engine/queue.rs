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

/// Tickets in the order in which they are served, each with the peer that waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// One for each priority that somebody has, in their order.
    classes: SmallVec<[Class; 1]>,
    len: usize,
}

/// The tickets of one priority: their number is known without walking the line.
#[derive(Debug)]
struct Class {
    priority: Reverse<Priority>,
    tickets: BTreeMap<TicketId, Slot>,
}

impl Queue {
    pub(super) fn add(&mut self, place: Place, peer: Slot) {
        let at = self.class(place).unwrap_or_else(|at| {
            let class = Class { priority: place.priority, tickets: BTreeMap::new() };
            self.classes.insert(at, class);
            at
        });
        self.len += usize::from(self.classes[at].tickets.insert(place.ticket, peer).is_none());
    }

    pub(super) fn remove(&mut self, place: Place) {
        let Ok(at) = self.class(place) else { return };
        let tickets = &mut self.classes[at].tickets;
        self.len -= usize::from(tickets.remove(&place.ticket).is_some());
        if tickets.is_empty() {
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

    /// How many stand before a place. Walks only those of the same priority, and not even those when the place is
    /// behind them all, as that of a new ticket is.
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
    fn first(&self) -> Option<(Place, Slot)> {
        self.iter().next()
    }

    fn iter(&self) -> impl Iterator<Item = (Place, Slot)> {
        let priority = self.priority;
        self.tickets.iter().map(move |(ticket, peer)| (Place { priority, ticket: *ticket }, *peer))
    }

    fn before(&self, ticket: TicketId) -> usize {
        match self.tickets.last_key_value() {
            Some((last, _)) if *last >= ticket => self.tickets.range(..ticket).count(),
            Some(_) | None => self.tickets.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_may_stand_at_the_back() {
        let mut queue = Queue::default();
        assert_eq!(queue.oldest(), None);
        for (priority, ticket) in [(0, 7), (5, 8), (0, 9), (-3, 2), (5, 11)] {
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
}
