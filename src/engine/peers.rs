//! The peers, found by identity or by slot.

use ahash::HashMap;
use slab::Slab;
use smallvec::SmallVec;

use super::ids::{ConnectionId, Count, Fence, PeerId, Priority, TicketId};
use super::queue::Place;
use super::semaphores::SemaphoreIndex;
use super::session::{Key, OnDisconnect};
use super::text::Label;
use super::time::{Span, Time};
use super::view::Life;
use super::want::Want;

/// Where a peer is stored. Valid until that peer is removed; nothing may be ordered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(pub(super) u32);

impl Slot {
    /// The slab has no more slots than there were ever peers at once, and memory for 2^32 of them is not to be had.
    const fn at(index: usize) -> Self {
        Self(index as u32)
    }
}

/// One who holds and waits.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: PeerId,
    pub(super) life: Life,
    pub(super) expires_in: Span,
    /// In the order of acquisition, each semaphore once.
    pub(super) holds: SmallVec<[Hold; 1]>,
    pub(super) ticket: Option<Box<Ticket>>,
    /// There is one when the peer is or was bound to a connection.
    pub(super) owner: Option<Box<Owner>>,
}

/// Who may bind a peer to another connection, and what its session said about it.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) key: Key,
    pub(super) label: Option<Label>,
    pub(super) on_disconnect: OnDisconnect,
}

/// What a peer holds on one semaphore.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) semaphore: SemaphoreIndex,
    pub(super) count: Count,
    pub(super) fence: Fence,
    pub(super) since: Time,
}

/// What a peer waits for: none of it is held.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) id: TicketId,
    pub(super) priority: Priority,
    pub(super) since: Time,
    pub(super) until: Option<Time>,
    /// When to see whether there are tokens for it: it is first in line, and nothing else is in its way.
    pub(super) turn: Option<Time>,
    pub(super) parts: Parts,
    /// There when some of the want was held already. Boxed: few are so.
    pub(super) partly: Option<Box<Partly>>,
}

/// What is known of a wait for the rest of a want.
#[derive(Debug, Hash)]
pub(super) struct Partly {
    /// All of it. By name: what is held is not kept from being given back and forgotten.
    pub(super) want: Want,
    /// By which number it stands in line: not that of the ticket when it has become a wait for more.
    pub(super) arrival: TicketId,
}

/// Counts of semaphores, each once, in the order of the semaphores' names.
pub(super) type Parts = SmallVec<[(SemaphoreIndex, Count); 1]>;

impl Peer {
    pub(super) fn hold(&self, semaphore: SemaphoreIndex) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.semaphore == semaphore)
    }

    /// Whether it neither holds anything nor waits.
    pub(super) fn is_idle(&self) -> bool {
        self.holds.is_empty() && self.ticket.is_none()
    }

    pub(super) fn key(&self) -> Option<Key> {
        self.owner.as_ref().map(|owner| owner.key)
    }

    pub(super) fn label(&self) -> Option<&Label> {
        self.owner.as_ref().and_then(|owner| owner.label.as_ref())
    }

    /// The connection that keeps the peer alive.
    pub(super) const fn connection(&self) -> Option<ConnectionId> {
        match self.life {
            Life::Bound(connection) => Some(connection),
            Life::Until(_) => None,
        }
    }

    pub(super) fn hold_mut(&mut self, semaphore: SemaphoreIndex) -> Option<&mut Hold> {
        self.holds.iter_mut().find(|hold| hold.semaphore == semaphore)
    }
}

impl Ticket {
    pub(super) fn place(&self) -> Place {
        let arrival = self.partly.as_ref().map_or(self.id, |partly| partly.arrival);
        Place::new(self.priority, arrival)
    }
}

/// All peers. The map is only ever asked for one identity, never walked: its order would not be repeatable.
/// Its hasher is keyed, because clients choose identities when they restore.
#[derive(Debug, Default)]
pub(super) struct Peers {
    slots: Slab<Peer>,
    by_id: HashMap<PeerId, Slot>,
}

impl Peers {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn find(&self, id: PeerId) -> Option<Slot> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn get(&self, slot: Slot) -> &Peer {
        &self.slots[slot.0 as usize]
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Peer {
        &mut self.slots[slot.0 as usize]
    }

    /// Adds a peer whose identity is not taken.
    pub(super) fn add(&mut self, peer: Peer) -> Slot {
        let id = peer.id;
        let slot = Slot::at(self.slots.insert(peer));
        self.by_id.insert(id, slot);
        slot
    }

    /// Makes a peer one that cannot be found any more. It has to be removed next.
    pub(super) fn unname(&mut self, id: PeerId) -> Option<Slot> {
        self.by_id.remove(&id)
    }

    /// Removes a peer that is [unnamed](Self::unname).
    pub(super) fn remove(&mut self, slot: Slot) -> Peer {
        self.slots.remove(slot.0 as usize)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Peer)> {
        self.slots.iter().map(|(at, peer)| (Slot::at(at), peer))
    }

    /// The peers in at most `limit` slots from `from` on, and the slot after those, if there is one.
    pub(super) fn page(
        &self,
        from: usize,
        limit: usize,
    ) -> (impl Iterator<Item = (Slot, &Peer)>, Option<usize>) {
        let end = from.saturating_add(limit).min(self.slots.capacity());
        let page = (from..end).filter_map(|at| Some((Slot::at(at), self.slots.get(at)?)));
        (page, (end < self.slots.capacity()).then_some(end))
    }
}
