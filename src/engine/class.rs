//! Those of one priority in the line in front of one semaphore.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter;

use super::ids::{Count, Priority, TicketId};
use super::peers::Slot;
use super::queue::Place;

/// To find a ticket's place means to look at so many tickets at most, and at one number for each block before.
const BLOCK_ARRIVALS: u64 = 256;

/// The tickets of one priority. How many there are is known, and where one stands is found by adding up blocks
/// instead of walking the line: callers ask again and again while they wait.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) priority: Reverse<Priority>,
    /// Those who are in the way of who comes behind them.
    pub(super) standing: BTreeMap<TicketId, Waiting>,
    /// Those who are not, for now.
    aside: BTreeMap<TicketId, Waiting>,
    /// What is left of each [`BLOCK_ARRIVALS`] arrivals, where anything is left.
    blocks: BTreeMap<u64, Block>,
    /// All of it: what stands before those who come next.
    pub(super) whole: Block,
    arrivals: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) tickets: usize,
    /// How much they want together.
    pub(super) tokens: u64,
}

/// Who waits, and for how much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    peer: Slot,
    count: Count,
    /// Whether it stands in other queues as well.
    pub(super) joint: bool,
    /// How many tickets joined this class before, whether they are still there or not.
    arrival: u64,
}

impl Waiting {
    const fn alone(&self) -> Block {
        Block { tickets: 1, tokens: self.count.get() as u64 }
    }

    /// Somebody who wants so much, and stands in so many queues.
    pub(super) const fn new(peer: Slot, count: Count, queues: usize) -> Self {
        Self { peer, count, joint: queues > 1, arrival: 0 }
    }
}

impl Class {
    pub(super) fn new(priority: Reverse<Priority>) -> Self {
        let (standing, aside, blocks) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { priority, standing, aside, blocks, whole: Block::default(), arrivals: 0 }
    }

    pub(super) fn add(&mut self, ticket: TicketId, waiting: Waiting) {
        let arrival = self.arrivals;
        self.arrivals += 1;
        let block = self.blocks.entry(arrival / BLOCK_ARRIVALS).or_default();
        *block = plus(*block, waiting.alone());
        self.whole = plus(self.whole, waiting.alone());
        self.standing.insert(ticket, Waiting { arrival, ..waiting });
    }

    pub(super) fn remove(&mut self, ticket: TicketId) -> Option<Waiting> {
        let removed = self.standing.remove(&ticket).or_else(|| self.aside.remove(&ticket))?;
        let block = removed.arrival / BLOCK_ARRIVALS;
        self.whole = minus(self.whole, removed.alone());
        if let Some(left) = self.blocks.get_mut(&block) {
            *left = minus(*left, removed.alone());
            if left.tickets == 0 {
                self.blocks.remove(&block);
            }
        }
        Some(removed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.standing.is_empty() && self.aside.is_empty()
    }

    pub(super) fn stand(&mut self, ticket: TicketId, stands: bool) -> bool {
        let (from, to) = match stands {
            true => (&mut self.aside, &mut self.standing),
            false => (&mut self.standing, &mut self.aside),
        };
        let moved = from.remove(&ticket);
        moved.is_some_and(|waiting| to.insert(ticket, waiting).is_none())
    }

    pub(super) fn first(&self) -> Option<(Place, Slot)> {
        self.standing.first_key_value().map(|first| self.placed(first))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Place, Slot)> {
        let (mut standing, mut aside) =
            (self.standing.iter().peekable(), self.aside.iter().peekable());
        let next = move || match (standing.peek(), aside.peek()) {
            (Some((next, _)), Some((other, _))) if other < next => aside.next(),
            (Some(_), _) => standing.next(),
            (None, _) => aside.next(),
        };
        iter::from_fn(next).map(|waiting| self.placed(waiting))
    }

    fn placed(&self, (ticket, waiting): (&TicketId, &Waiting)) -> (Place, Slot) {
        (Place { priority: self.priority, ticket: *ticket }, waiting.peer)
    }

    /// Those that have an earlier number.
    pub(super) fn before(&self, ticket: TicketId) -> Block {
        let both = [&self.standing, &self.aside];
        let next = both.iter().filter_map(|tickets| tickets.range(ticket..).next());
        let Some((_, next)) = next.min_by_key(|(ticket, _)| **ticket) else { return self.whole };
        let block = next.arrival / BLOCK_ARRIVALS;
        let blocks = self.blocks.range(..block).map(|(_, left)| *left);
        let same = both.into_iter().flat_map(|tickets| {
            let earlier = tickets.range(..ticket).rev().map(|(_, waiting)| waiting);
            earlier.take_while(|waiting| waiting.arrival / BLOCK_ARRIVALS == block)
        });
        blocks.chain(same.map(|waiting| waiting.alone())).fold(Block::default(), plus)
    }
}

pub(super) const fn plus(one: Block, other: Block) -> Block {
    Block { tickets: one.tickets + other.tickets, tokens: one.tokens + other.tokens }
}

const fn minus(one: Block, other: Block) -> Block {
    Block { tickets: one.tickets - other.tickets, tokens: one.tokens - other.tokens }
}
