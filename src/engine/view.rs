//! What can be seen of the engine without changing it. Views are as of the last command: whoever wants to see
//! the present applies [`Command::Expire`](super::Command::Expire) first.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::bucket::Bucket;
use super::core::Engine;
use super::ids::{ConnectionId, Count, Fence, Level, PeerId, Priority, TicketId};
use super::outcome::{Lock, Locks};
use super::peers::{Peer, Slot, Ticket};
use super::rate::Rate;
use super::semaphores::{Semaphore, SemaphoreIndex};
use super::text::{Label, SemaphoreName};
use super::time::{Span, Time};

/// One semaphore, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreView {
    /// Its name.
    pub name: SemaphoreName,
    /// How much of it may be held at once.
    pub max: Count,
    /// Its place in the lock hierarchy.
    pub level: Level,
    /// Whether an operator has paused it: nothing is granted.
    pub paused: bool,
    /// How much of it is held; above `max` only after a restore.
    pub held: u64,
    /// How many peers hold it.
    pub holders: usize,
    /// How much of it is waited for.
    pub pending: u64,
    /// How many tickets wait for it.
    pub waiters: usize,
    /// Since when the ticket waits that has waited longest.
    pub waiting_since: Option<Time>,
    /// Its tokens, if it is a bucket.
    pub bucket: Option<BucketView>,
}

impl SemaphoreView {
    /// What is left to acquire, now; negative when it is over-committed.
    pub fn remainder(&self) -> i64 {
        if let Some(bucket) = &self.bucket {
            return bucket.available;
        }
        // A sum of held counts stays below 2^63: it is at most the number of peers times 2^31.
        i64::from(self.max.get()) - i64::try_from(self.held).unwrap_or(i64::MAX)
    }
}

/// What there is of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BucketView {
    /// How fast its tokens come back.
    pub rate: Rate,
    /// How many tokens there are now; negative when more was used than there were.
    pub available: i64,
    /// When it is full again, if nothing more is taken. `None`: it is.
    pub full_at: Option<Time>,
    /// How many are promised to come later.
    pub reserved: u64,
    /// Nothing is given before: somebody was refused by what is behind it. `None`: it is open.
    pub closed_until: Option<Time>,
}

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
    /// For what: the part of the want that was not held when it was asked.
    pub want: Vec<(SemaphoreName, Count)>,
    /// Before whom.
    pub priority: Priority,
    /// Since when.
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

    /// One semaphore.
    pub fn semaphore(&self, name: &str) -> Option<SemaphoreView> {
        self.semaphores.find(name).map(|index| self.view(self.semaphores.get(index)))
    }

    /// All semaphores, ordered by name.
    pub fn semaphores(&self) -> impl ExactSizeIterator<Item = SemaphoreView> {
        self.semaphores.iter().map(|semaphore| self.view(semaphore))
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

    /// The peers that wait for a semaphore, in the order in which they are served.
    pub fn queue(&self, name: &str) -> impl Iterator<Item = PeerId> {
        let semaphore = self.semaphores.find(name).map(|index| self.semaphores.get(index));
        let queue = semaphore.into_iter().flat_map(|semaphore| semaphore.queue.iter());
        queue.map(|(_, slot)| self.peers.get(slot).id)
    }

    /// Where a peer stands in line. Costs as much as the place is far from the first one of its priority.
    pub fn wait_of(&self, peer: PeerId) -> Option<Wait> {
        let ticket = self.peers.get(self.peers.find(peer)?).ticket.as_ref()?;
        let (place, parts) = (ticket.place(), &ticket.parts);
        let (position, eta) = (self.position(place, parts), self.eta(place, parts));
        Some(Wait { ticket: ticket.id, position, eta })
    }

    /// Those who hold locks on a semaphore, in the order of the grants.
    pub fn holders(&self, name: &str) -> impl Iterator<Item = (PeerId, Option<Label>, Lock)> {
        self.semaphores.find(name).into_iter().flat_map(|semaphore| self.holders_of(semaphore))
    }

    /// Those who hold locks on what a peer waits for: by semaphore, then in the order of the grants.
    pub fn blocking(&self, peer: PeerId) -> impl Iterator<Item = (PeerId, Option<Label>, Lock)> {
        let peer = self.peers.find(peer).map(|slot| self.peers.get(slot));
        let ticket = peer.and_then(|peer| peer.ticket.as_ref());
        let parts = ticket.into_iter().flat_map(|ticket| &ticket.parts);
        parts.flat_map(|(semaphore, _)| self.holders_of(*semaphore))
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
        for semaphore in self.semaphores() {
            semaphore.hash(&mut hasher);
            let index = self.semaphores.find(semaphore.name.as_str());
            let bucket = index.and_then(|index| self.semaphores.get(index).bucket.as_ref());
            bucket.map(|bucket| bucket.state(self.now)).hash(&mut hasher);
            self.queue(semaphore.name.as_str()).for_each(|peer| peer.hash(&mut hasher));
        }
        let mut peers: Vec<_> =
            self.peers.iter().map(|(slot, peer)| self.view_peer(slot, peer)).collect();
        peers.sort_unstable_by_key(|peer| peer.id);
        peers.hash(&mut hasher);
        self.revocations.iter().for_each(|revocation| revocation.hash(&mut hasher));
        self.revoked_peers.iter().for_each(|revoked| revoked.hash(&mut hasher));
        for slot in peers.iter().filter_map(|peer| self.peers.find(peer.id)) {
            let owner = self.peers.get(slot).owner.as_ref();
            owner.map(|owner| (owner.key, owner.on_disconnect)).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// When an operator takes a lock of a peer away, by itself or with its peer; or, without a fence, the peer.
    pub fn revoked_at(&self, peer: PeerId, fence: Option<Fence>) -> Option<Time> {
        self.revocations.end(peer, fence)
    }

    fn holders_of(
        &self,
        semaphore: SemaphoreIndex,
    ) -> impl Iterator<Item = (PeerId, Option<Label>, Lock)> {
        self.semaphores.get(semaphore).holders.values().filter_map(move |slot| {
            let peer = self.peers.get(*slot);
            let lock = self.lock(peer.hold(semaphore)?);
            Some((peer.id, peer.label().cloned(), lock))
        })
    }

    fn view(&self, semaphore: &Semaphore) -> SemaphoreView {
        let oldest = semaphore.queue.oldest().map(|slot| self.peers.get(slot));
        SemaphoreView {
            name: semaphore.name.clone(),
            max: semaphore.max,
            level: semaphore.level,
            paused: semaphore.paused,
            held: semaphore.held,
            holders: semaphore.holders.len(),
            pending: semaphore.pending,
            waiters: semaphore.queue.len(),
            bucket: semaphore.bucket.as_ref().map(|bucket| self.view_bucket(bucket)),
            waiting_since: oldest.and_then(|peer| peer.ticket.as_ref()).map(|ticket| ticket.since),
        }
    }

    fn view_bucket(&self, bucket: &Bucket) -> BucketView {
        let closed = Some(bucket.closed_until).filter(|until| *until > self.now);
        let (rate, available) = (bucket.rate, bucket.available(self.now));
        let reserved = bucket.state(self.now).2;
        let reserved = reserved.iter().map(|it| u64::from(it.count.get())).sum();
        BucketView {
            rate,
            available,
            full_at: bucket.full_at(self.now),
            reserved,
            closed_until: closed,
        }
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
