//! The line in front of one semaphore.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

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
pub(super) struct Queue(BTreeMap<Place, Slot>);

impl Queue {
    pub(super) fn add(&mut self, place: Place, peer: Slot) {
        self.0.insert(place, peer);
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.0.remove(&place);
    }

    pub(super) fn first(&self) -> Option<(Place, Slot)> {
        self.0.first_key_value().map(|(place, peer)| (*place, *peer))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Place, Slot)> {
        self.0.iter().map(|(place, peer)| (*place, *peer))
    }

    /// The peer that has waited longest. Of each priority only the first can be that one, so this hops from
    /// priority to priority instead of walking the line.
    pub(super) fn oldest(&self) -> Option<Slot> {
        let mut oldest: Option<(TicketId, Slot)> = None;
        let mut class = self.first();
        while let Some((place, peer)) = class {
            if oldest.is_none_or(|(ticket, _)| place.ticket < ticket) {
                oldest = Some((place.ticket, peer));
            }
            let class_end = Place { ticket: TicketId(u64::MAX), ..place };
            let mut behind = self.0.range((Excluded(class_end), Unbounded));
            class = behind.next().map(|(place, peer)| (*place, *peer));
        }
        oldest.map(|(_, peer)| peer)
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
    }
}
