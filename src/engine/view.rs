//! What can be seen of the engine without changing it. Views are as of the last command: whoever wants to see
//! the present applies [`Command::Expire`](super::Command::Expire) first.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::core::Engine;
use super::ids::{ConnectionId, Count, Fence, PeerId, Priority, TicketId};
use super::outcome::Locks;
use super::peers::{Peer, Slot, Ticket};
use super::text::{Label, SemaphoreName};
use super::time::{Span, Time};

/// Where somebody stands in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    /// Which wait.
    pub ticket: TicketId,
    /// The place, 1 for the next one; in the longest of the lines if there are several.
    pub position: usize,
    /// How long it will still take, if it is known. It is for a bucket, and for whatever lacks nothing but tokens; not
    /// if somebody before it waits for other things as well. It gets longer only when a bucket is closed or
    /// corrected, and shorter when somebody leaves.
    pub eta: Option<Span>,
}

/// One peer, with all that it holds and waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerView {
    /// Its identity.
    pub id: PeerId,
    /// Who it is, for operators.
    pub label: Option<Label>,
    /// What keeps it alive.
    pub life: Life,
    /// How long it lives without a sign of life.
    pub expires_in: Span,
    /// What it holds, in the order of acquisition.
    pub locks: Locks,
    /// What it waits for.
    pub pending: Option<TicketView>,
}

/// What keeps a peer alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// A connection, for as long as it lasts.
    Bound(ConnectionId),
    /// A time to live, which is over then.
    Until(Time),
}

/// One wait.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TicketView {
    /// Its identity.
    pub ticket: TicketId,
    /// For what: the part of the want that was not held when it was last asked.
    pub want: Vec<(SemaphoreName, Count)>,
    /// Before whom.
    pub priority: Priority,
    /// Since when it stands where it stands.
    pub since: Time,
    /// Until when. `None`: for ever.
    pub until: Option<Time>,
}

/// Where a walk over all peers stands. Start with the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCursor(pub(super) usize);

impl Engine {
    /// The time of the last command.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The number of the last grant.
    pub fn last_fence(&self) -> Fence {
        self.last_fence
    }

    /// How many peers there are.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// One peer.
    pub fn peer(&self, id: PeerId) -> Option<PeerView> {
        self.peers.find(id).map(|slot| self.view_peer(slot, self.peers.get(slot)))
    }

    /// A page of at most `limit` peers, and where the next page starts (`None`: there is none).
    ///
    /// Each peer that stays during a walk over all pages is seen exactly once. A page may be empty although
    /// others follow.
    pub fn peers(&self, from: PeerCursor, limit: usize) -> (Vec<PeerView>, Option<PeerCursor>) {
        let (page, next) = self.peers.page(from.0, limit);
        let peers = page.map(|(slot, peer)| self.view_peer(slot, peer)).collect();
        (peers, next.map(PeerCursor))
    }

    /// Where a peer stands in line. Costs as much as the place is far from the first one of its priority.
    pub fn wait_of(&self, peer: PeerId) -> Option<Wait> {
        let ticket = self.peers.get(self.peers.find(peer)?).ticket.as_ref()?;
        let (place, parts) = (ticket.place(), &ticket.parts);
        let (position, eta) = (self.position(place, parts), self.eta(place, parts));
        Some(Wait { ticket: ticket.id, position, eta })
    }

    /// Who a peer is.
    pub fn label(&self, peer: PeerId) -> Option<Label> {
        self.peers.find(peer).and_then(|slot| self.peers.get(slot).label().cloned())
    }

    /// The connection that keeps a peer alive.
    pub fn connection_of(&self, peer: PeerId) -> Option<ConnectionId> {
        self.peers.find(peer).and_then(|slot| self.peers.get(slot).connection())
    }

    /// A number that stands for the whole state: engines with the same digest answer alike to whatever comes.
    /// It does not depend on how the engine stores things. Comparable within one version of the program only.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.now, self.last_fence, self.last_ticket).hash(&mut hasher);
        self.semaphores().for_each(|view| view.hash(&mut hasher));
        let mut all: Vec<_> = self.semaphores.all().map(|(_, semaphore)| semaphore).collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for semaphore in all {
            self.view(semaphore).hash(&mut hasher);
            let keyed = semaphore.keyed.as_ref().map(|keyed| (keyed.touched, keyed.look_at));
            keyed.hash(&mut hasher);
            (&semaphore.delays, &semaphore.numbers).hash(&mut hasher);
            let bucket = semaphore.bucket.as_ref();
            bucket.map(|bucket| bucket.state(self.now)).hash(&mut hasher);
            self.queue(semaphore.name.as_str()).for_each(|peer| peer.hash(&mut hasher));
        }
        let mut peers: Vec<_> =
            self.peers.iter().map(|(slot, peer)| self.view_peer(slot, peer)).collect();
        peers.sort_unstable_by_key(|peer| peer.id);
        peers.hash(&mut hasher);
        self.revocations.iter().for_each(|revocation| revocation.hash(&mut hasher));
        self.revoked_peers.iter().for_each(|revoked| revoked.hash(&mut hasher));
        self.untold.iter().for_each(|untold| untold.hash(&mut hasher));
        for slot in peers.iter().filter_map(|peer| self.peers.find(peer.id)) {
            let owner = self.peers.get(slot).owner.as_ref();
            owner.map(|owner| (owner.key, owner.on_disconnect)).hash(&mut hasher);
            let ticket = self.peers.get(slot).ticket.as_ref();
            ticket.and_then(|ticket| ticket.partly.as_ref()).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// When an operator takes a lock of a peer away, by itself or with its peer; or, without a fence, the peer.
    pub fn revoked_at(&self, peer: PeerId, fence: Option<Fence>) -> Option<Time> {
        self.revocations.end(peer, fence)
    }

    fn view_peer(&self, slot: Slot, peer: &Peer) -> PeerView {
        PeerView {
            id: peer.id,
            label: peer.label().cloned(),
            life: peer.life,
            expires_in: peer.expires_in,
            locks: self.locks(slot),
            pending: peer.ticket.as_ref().map(|ticket| self.view_ticket(ticket)),
        }
    }

    fn view_ticket(&self, ticket: &Ticket) -> TicketView {
        let part = |(index, count): &(_, Count)| (self.semaphores.get(*index).name.clone(), *count);
        TicketView {
            ticket: ticket.id,
            want: ticket.parts.iter().map(part).collect(),
            priority: ticket.priority,
            since: ticket.since,
            until: ticket.until,
        }
    }
}
