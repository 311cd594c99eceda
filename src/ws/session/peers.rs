//! The peers of one session: by the client's number for them, and by their identity.

use smallvec::SmallVec;

use crate::engine::{Count, Label, Lock, Locks, PeerId, SemaphoreName, Span, TicketId, Time, Want};
use crate::ws::wire::{LocalPeer, RequestId};

/// Most requests that can wait for the end of the same wait.
pub(super) const MAX_JOINED: usize = 16;

/// The peers of one session. A closed peer has lost its number already when the engine has not yet answered.
///
/// Both are ordered, and searched by halving: most sessions have one or two peers and none has very many, so that
/// hashing would cost more, in time and in memory.
#[derive(Debug, Default)]
pub(super) struct Peers {
    numbers: Vec<(LocalPeer, PeerId)>,
    peers: Vec<(PeerId, Box<Peer>)>,
}

/// One that is bound to this session, or will be.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) number: LocalPeer,
    /// What the peer holds as far as this session was told, ordered by name.
    held: Locks,
    pub(super) wait: Option<Box<Wait>>,
}

/// What a peer waits for.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) ticket: TicketId,
    /// Whoever asked for it on this session. Nobody has, if it was resumed.
    pub(super) joined: SmallVec<[Joined; 1]>,
    /// The place in line that was told last.
    pub(super) place: usize,
    /// How long it was going to take, as was told last.
    pub(super) eta: Option<Span>,
    /// When that is over, if the engine was looked at since.
    pub(super) due: Option<Time>,
    /// Who was in the way, as was told last to who wants to know its place.
    pub(super) blocked_by: Vec<Label>,
    /// When some of it was held already: all of it.
    pub(super) want: Option<Want>,
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
        let (Err(number_at), Err(at)) = (self.find_number(number), self.find(id)) else {
            return false;
        };
        if self.peers.is_empty() {
            // Often it stays the only one.
            self.numbers.reserve_exact(1);
            self.peers.reserve_exact(1);
        }
        self.numbers.insert(number_at, (number, id));
        let peer = Peer { number, held: Locks::new(), wait: None };
        self.peers.insert(at, (id, Box::new(peer)));
        true
    }

    /// Who has this number.
    pub(super) fn numbered(&self, number: LocalPeer) -> Option<PeerId> {
        self.find_number(number).ok().map(|at| self.numbers[at].1)
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.find(id).ok().map(|at| &*self.peers[at].1)
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.find(id).ok().map(|at| &mut *self.peers[at].1)
    }

    /// The number can be given to another peer from now on.
    pub(super) fn release_number(&mut self, number: LocalPeer) {
        if let Ok(at) = self.find_number(number) {
            self.numbers.remove(at);
        }
    }

    pub(super) fn remove(&mut self, id: PeerId) -> Option<Box<Peer>> {
        let (_, peer) = self.peers.remove(self.find(id).ok()?);
        if self.numbered(peer.number) == Some(id) {
            self.release_number(peer.number);
        }
        Some(peer)
    }

    fn find_number(&self, number: LocalPeer) -> Result<usize, usize> {
        self.numbers.binary_search_by_key(&number, |(number, _)| *number)
    }

    fn find(&self, id: PeerId) -> Result<usize, usize> {
        self.peers.binary_search_by_key(&id, |(id, _)| *id)
    }
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
        Self {
            ticket,
            joined: SmallVec::new(),
            place: 0,
            eta: None,
            due: None,
            blocked_by: Vec::new(),
            want: None,
        }
    }
}
