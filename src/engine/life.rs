//! How peers come, stay and go: opening, heartbeats, connections, restoring, closing, expiry.

use smallvec::SmallVec;

use super::core::Engine;
use super::deadlines::Due;
use super::ids::{ConnectionId, Count, PeerId};
use super::outcome::{Effect, EndReason, ReleaseReason, Reply};
use super::peers::{Parts, Peer, Slot};
use super::refusal::Refusal;
use super::time::Span;
use super::view::Life;
use super::want::Want;

impl Engine {
    pub(super) fn open(
        &mut self,
        peer: PeerId,
        expires_in: Span,
        connection: Option<ConnectionId>,
    ) -> Result<Reply, Refusal> {
        if self.peers.find(peer).is_some() {
            return Err(Refusal::PeerInUse);
        }
        self.check_span(expires_in)?;
        self.add(peer, expires_in, connection)?;
        Ok(Reply::Opened)
    }

    pub(super) fn restore(
        &mut self,
        peer: PeerId,
        expires_in: Span,
        connection: Option<ConnectionId>,
        held: Option<&Want>,
    ) -> Result<Reply, Refusal> {
        let parts = self.restorable(held)?;
        self.check_span(expires_in)?;
        let slot = match self.peers.find(peer) {
            Some(slot) if self.holds_exactly(slot, &parts) => {
                self.prolong(slot, expires_in);
                if let Some(connection) = connection {
                    self.rebind(slot, connection);
                }
                slot
            }
            Some(_) => return Err(Refusal::RestoreConflict),
            None => {
                let slot = self.add(peer, expires_in, connection)?;
                for (semaphore, count) in parts {
                    let lock = self.hold(slot, semaphore, count);
                    self.effects.push(Effect::Restored { peer, lock });
                }
                slot
            }
        };
        Ok(Reply::Restored { locks: self.locks(slot) })
    }

    pub(super) fn keep_alive(&mut self, peer: PeerId, expires_in: Span) -> Result<Reply, Refusal> {
        let slot = self.known(peer)?;
        self.check_span(expires_in)?;
        self.prolong(slot, expires_in);
        Ok(Reply::KeptAlive)
    }

    pub(super) fn bind(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        expires_in: Option<Span>,
    ) -> Result<Reply, Refusal> {
        let slot = self.known(peer)?;
        if let Some(expires_in) = expires_in {
            self.check_span(expires_in)?;
            self.prolong(slot, expires_in);
        }
        self.rebind(slot, connection);
        let pending = self.peers.get(slot).ticket.as_ref().map(|ticket| ticket.id);
        Ok(Reply::Bound { locks: self.locks(slot), pending })
    }

    pub(super) fn unbind(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
    ) -> Result<Reply, Refusal> {
        let slot = self.known(peer)?;
        let peer = self.peers.get(slot);
        if peer.life == Life::Bound(connection) {
            let until = self.now.after(peer.expires_in);
            self.live(slot, Life::Until(until));
        }
        Ok(Reply::Unbound)
    }

    pub(super) fn close(&mut self, peer: PeerId) -> Result<Reply, Refusal> {
        let slot = self.known(peer)?;
        let closed = self.take_away(slot, ReleaseReason::Closed, EndReason::Closed);
        if let Life::Until(at) = closed.life {
            self.deadlines.remove(at, Due::Peer(peer));
        }
        Ok(Reply::Closed)
    }

    /// Ends all that is due, peers and waits, and says how many peers that were.
    pub(super) fn expire_due(&mut self) -> usize {
        let mut peers = 0;
        while let Some(due) = self.deadlines.pop(self.now) {
            match due {
                Due::Ticket(_, id) => {
                    if let Some(slot) = self.peers.find(id) {
                        self.end_wait(slot, EndReason::TimedOut);
                    }
                }
                Due::Peer(id) => {
                    if let Some(slot) = self.peers.find(id) {
                        self.take_away(slot, ReleaseReason::Expired, EndReason::Expired);
                        self.effects.push(Effect::Expired { peer: id });
                        peers += 1;
                    }
                }
            }
        }
        peers
    }

    pub(super) fn check_span(&self, asked: Span) -> Result<(), Refusal> {
        let max = self.limits.max_expires_in;
        if asked > max { Err(Refusal::TooLong { asked, max }) } else { Ok(()) }
    }

    /// Lets a peer live `expires_in` from now, or from when its connection is gone.
    pub(super) fn prolong(&mut self, slot: Slot, expires_in: Span) {
        let until = self.now.after(expires_in);
        let peer = self.peers.get_mut(slot);
        peer.expires_in = expires_in;
        match peer.life {
            Life::Bound(_) => {}
            Life::Until(_) => self.live(slot, Life::Until(until)),
        }
    }

    fn rebind(&mut self, slot: Slot, connection: ConnectionId) {
        let peer = self.peers.get(slot);
        match peer.life {
            Life::Bound(same) if same == connection => return,
            Life::Bound(connection) => {
                self.effects.push(Effect::Superseded { peer: peer.id, connection });
            }
            Life::Until(_) => {}
        }
        self.live(slot, Life::Bound(connection));
    }

    fn add(
        &mut self,
        id: PeerId,
        expires_in: Span,
        connection: Option<ConnectionId>,
    ) -> Result<Slot, Refusal> {
        let max = self.limits.max_peers;
        if self.peers.len() >= max {
            return Err(Refusal::TooManyPeers { max });
        }
        let until = self.now.after(expires_in);
        let life = connection.map_or(Life::Until(until), Life::Bound);
        if let Life::Until(at) = life {
            self.deadlines.add(at, Due::Peer(id));
        }
        Ok(self.peers.add(Peer { id, life, expires_in, holds: SmallVec::new(), ticket: None }))
    }

    /// Changes what keeps a peer alive, and its deadline with it.
    fn live(&mut self, slot: Slot, life: Life) {
        let peer = self.peers.get_mut(slot);
        let id = peer.id;
        let before = std::mem::replace(&mut peer.life, life);
        if let Life::Until(at) = before {
            self.deadlines.remove(at, Due::Peer(id));
        }
        if let Life::Until(at) = life {
            self.deadlines.add(at, Due::Peer(id));
        }
    }

    /// Releases all that a peer holds, ends its wait, and forgets it. Its deadline is the caller's to remove: most
    /// often it is what brought the caller here, and then it is gone already.
    fn take_away(&mut self, slot: Slot, released: ReleaseReason, ended: EndReason) -> Peer {
        self.release_all(slot, released);
        self.end_wait(slot, ended);
        self.peers.remove(slot)
    }

    fn restorable(&self, held: Option<&Want>) -> Result<Parts, Refusal> {
        let mut parts = Parts::new();
        for (name, asked) in held.into_iter().flat_map(Want::iter) {
            let semaphore = self.semaphores.resolve(name)?;
            let count = Count::new(asked).filter(|count| count.get() > 0);
            let invalid = || Refusal::InvalidCount { name: name.clone(), asked };
            parts.push((semaphore, count.ok_or_else(invalid)?));
        }
        Ok(parts)
    }

    fn holds_exactly(&self, slot: Slot, parts: &Parts) -> bool {
        let holds = self.peers.get(slot).holds.iter();
        let mut held: Parts = holds.map(|hold| (hold.semaphore, hold.count)).collect();
        held.sort_unstable();
        held == *parts
    }
}
