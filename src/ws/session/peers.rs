//! The peers of one session: by the client's number for them, and by their identity.

use std::hash::BuildHasherDefault;

use ahash::AHasher;
use smallvec::SmallVec;

use crate::engine::{Count, Label, Lock, Locks, PeerId, SemaphoreName, Span, TicketId, Time, Want};
use crate::ws::wire::{LocalPeer, RequestId};

/// Most requests that can wait for the end of the same wait.
pub(super) const MAX_JOINED: usize = 16;

/// So many peers may leave their room to the session.
const FEW: usize = 16;

/// The peers of one session. A closed peer has lost its number already when the engine has not yet answered.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// Ordered by number. Clients count up, so that there is hardly anything to search.
    numbers: Vec<(LocalPeer, PeerId)>,
    peers: Map<PeerId, Box<Peer>>,
}

/// Never walked. Its hasher has no key: whoever chose identities to make it slow would slow down itself.
type Map<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<AHasher>>;

/// One that is bound to this session, or will be.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) number: LocalPeer,
    /// Whether the engine has not said yet that it is bound.
    pub(super) opening: bool,
    pub(super) wait: Option<Wait>,
    /// What the peer holds as far as this session was told, ordered by name.
    held: Locks,
}

/// What a peer waits for. In a long line there are many, and each is looked at when nothing near it was for long: what
/// few need is elsewhere.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) ticket: TicketId,
    /// Whoever asked for it on this session. Nobody has, if it was resumed.
    pub(super) joined: SmallVec<[Joined; 1]>,
    /// What was told last, if somebody wants to know its place.
    pub(super) told: Option<Box<Told>>,
    /// When some of it was held already: all of it.
    pub(super) want: Option<Box<Want>>,
}

/// What is known of a wait to those who want to know its place.
#[derive(Debug)]
pub(super) struct Told {
    /// The place in line.
    pub(super) place: usize,
    /// How long it was going to take.
    pub(super) eta: Option<Span>,
    /// When that is over, if the engine was looked at since.
    pub(super) due: Option<Time>,
    /// Who was in the way.
    pub(super) blocked_by: Vec<Label>,
}

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined {
    pub(super) id: Option<RequestId>,
    /// Whether it wants to know its place in line.
    pub(super) progress: bool,
}

impl Peers {
    /// How many there are, without those that are being closed.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Adds a peer. `false`: the number or the peer is here already.
    pub(super) fn add(&mut self, number: LocalPeer, id: PeerId) -> bool {
        let (Err(at), false) = (self.find_number(number), self.peers.contains_key(&id)) else {
            return false;
        };
        if self.numbers.is_empty() {
            // Often it stays the only one.
            self.numbers.reserve_exact(1);
        }
        self.numbers.insert(at, (number, id));
        let peer = Peer { number, opening: true, wait: None, held: Locks::new() };
        self.peers.insert(id, Box::new(peer));
        true
    }

    /// Who has this number.
    pub(super) fn numbered(&self, number: LocalPeer) -> Option<PeerId> {
        self.find_number(number).ok().map(|at| self.numbers[at].1)
    }

    /// Whether it is not clear yet that somebody has this number, or that it is free again.
    pub(super) fn is_opening(&self, number: LocalPeer) -> bool {
        self.numbered(number).and_then(|id| self.get(id)).is_some_and(|peer| peer.opening)
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(&id).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(&id).map(Box::as_mut)
    }

    /// The number can be given to another peer from now on.
    pub(super) fn release_number(&mut self, number: LocalPeer) {
        if let Ok(at) = self.find_number(number) {
            self.numbers.remove(at);
            if is_roomy(self.numbers.len(), self.numbers.capacity()) {
                self.numbers.shrink_to(2 * self.numbers.len());
            }
        }
    }

    pub(super) fn remove(&mut self, id: PeerId) -> Option<Box<Peer>> {
        let peer = self.peers.remove(&id)?;
        if is_roomy(self.peers.len(), self.peers.capacity()) {
            self.peers.shrink_to(2 * self.peers.len());
        }
        if self.numbered(peer.number) == Some(id) {
            self.release_number(peer.number);
        }
        Some(peer)
    }

    fn find_number(&self, number: LocalPeer) -> Result<usize, usize> {
        let first = self.numbers.first().map_or(number, |(first, _)| *first);
        let guess = number.0.checked_sub(first.0).and_then(|at| usize::try_from(at).ok());
        match guess.filter(|at| self.numbers.get(*at).is_some_and(|(found, _)| *found == number)) {
            Some(at) => Ok(at),
            None => self.numbers.binary_search_by_key(&number, |(number, _)| *number),
        }
    }
}

/// Whether most of the room is for peers that are gone. It takes as many that go, or come, until this is so again.
const fn is_roomy(len: usize, capacity: usize) -> bool {
    capacity > FEW && len < capacity / 4
}

impl Peer {
    pub(super) fn held(&self) -> &[Lock] {
        &self.held
    }

    /// Whether it waits and wants to know its place.
    pub(super) fn is_curious(&self) -> bool {
        self.wait.iter().flat_map(|wait| &wait.joined).any(|joined| joined.progress)
    }

    /// These locks are new, or have changed.
    pub(super) fn hold(&mut self, locks: &[Lock]) {
        for lock in locks {
            match self.find(&lock.name) {
                Ok(at) => self.held[at] = lock.clone(),
                Err(at) => self.held.insert(at, lock.clone()),
            }
        }
    }

    /// What is held of a want that waits for the rest shrinks to what the want says.
    pub(super) fn shrink(&mut self, want: &Want) {
        for (name, asked) in want.iter() {
            if let (Ok(at), Some(count)) = (self.find(name), Count::new(asked)) {
                self.held[at].count = count.min(self.held[at].count);
            }
        }
    }

    /// What was taken is corrected to what was used.
    pub(super) fn correct(&mut self, used: &Want) {
        for (name, used) in used.iter() {
            if let (Ok(at), Some(count)) = (self.find(name), Count::new(used)) {
                self.held[at].count = count;
            }
        }
    }

    /// Forgets the locks with these names, or all.
    pub(super) fn release(&mut self, names: Option<&[SemaphoreName]>) -> Locks {
        let Some(names) = names else { return std::mem::take(&mut self.held) };
        let mut released = Locks::new();
        for name in names {
            if let Ok(at) = self.find(name) {
                released.push(self.held.remove(at));
            }
        }
        released
    }

    /// What is held of a want.
    pub(super) fn held_of(&self, want: &Want) -> Locks {
        let found = want.iter().filter_map(|(name, _)| self.find(name).ok());
        found.map(|at| self.held[at].clone()).collect()
    }

    fn find(&self, name: &SemaphoreName) -> Result<usize, usize> {
        self.held.binary_search_by(|lock| lock.name.cmp(name))
    }
}

impl Wait {
    pub(super) fn new(ticket: TicketId) -> Self {
        Self { ticket, joined: SmallVec::new(), told: None, want: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: LocalPeer) -> PeerId {
        PeerId::Session(number.0.unsigned_abs() + 1)
    }

    fn are_found(numbers: &[i64]) {
        let mut peers = Peers::default();
        let numbers: Vec<_> = numbers.iter().copied().map(LocalPeer).collect();
        for number in &numbers {
            assert_eq!(peers.numbered(*number), None);
            assert!(peers.add(*number, id(*number)));
            assert!(!peers.add(*number, PeerId::Session(100)), "the number is taken");
        }
        let [released, removed, .., last] = numbers[..] else { panic!("too few") };
        assert!(!peers.add(LocalPeer(100), id(last)), "the peer is there");
        peers.release_number(released);
        assert_eq!(peers.remove(id(removed)).unwrap().number, removed);
        for number in &numbers {
            let is_there = ![released, removed].contains(number);
            assert_eq!(peers.numbered(*number), is_there.then_some(id(*number)), "{number:?}");
        }
        assert_eq!(peers.len(), numbers.len() - 2);
        assert!(peers.get(id(released)).is_some(), "it has lost its number only");
    }

    #[test]
    fn peers_are_found_by_whatever_number_they_have() {
        are_found(&[1, 2, 3, 4]);
        are_found(&[5, 1, 3, 7, 2]);
        are_found(&[7, 8, 9, i64::MIN, -1, 11, i64::MAX, 10, 0]);
    }

    #[test]
    fn many_that_are_gone_leave_no_room_behind() {
        let mut peers = Peers::default();
        let numbers = || (0..1_000).map(LocalPeer);
        for number in numbers() {
            assert!(peers.add(number, id(number)));
        }
        let room = |peers: &Peers| peers.numbers.capacity().max(peers.peers.capacity());
        assert!(room(&peers) >= 1_000);
        for (gone, number) in numbers().enumerate() {
            assert!(peers.remove(id(number)).is_some());
            let left = 999 - gone;
            assert!(room(&peers) <= (4 * left + 8).max(2 * FEW), "{} for {left}", room(&peers));
        }
        assert!(peers.add(LocalPeer(1), id(LocalPeer(1))), "there is room for more");
    }
}
