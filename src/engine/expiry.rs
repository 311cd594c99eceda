//! Whatever is due is over, and how peers end.
//!
//! Peers may be due in crowds: a network fails, and thousands fall silent at one instant. Nobody is served before all of
//! them are gone, so one must not cost much. Most of it is waiting for memory: of each peer, the map and the slot are
//! where nobody has looked for long. So some are looked up at once, and the processor fetches them side by side.

use std::iter;

use smallvec::SmallVec;

use super::core::Engine;
use super::deadlines::Due;
use super::ids::PeerId;
use super::outcome::{Effect, EndReason, ReleaseReason};
use super::peers::{Peer, Slot};

/// Most peers that are looked up at once.
const CROWD: usize = 64;

/// Peers that are due one after the other, with nothing else between them.
type Crowd = SmallVec<[PeerId; CROWD]>;

impl Engine {
    /// Ends all that is due, peers and waits, and says how many peers that were.
    pub(super) fn expire_due(&mut self) -> usize {
        let mut peers = 0;
        while let Some(due) = self.deadlines.pop(self.now) {
            match due {
                Due::Delay(fence, index) => self.delay_due(fence, index),
                Due::Turn(ticket, id) => self.turn_comes(ticket, id),
                Due::Ticket(_, id) => {
                    if let Some(slot) = self.peers.find(id) {
                        self.end_wait(slot, EndReason::TimedOut);
                    }
                }
                Due::Idle(index) => self.idle_due(index),
                Due::Overdue(fence, peer) => self.overdue(fence, peer),
                Due::Revocation(peer, target) => self.revoke_due(peer, target),
                Due::Peer(id) => peers += self.expire(id),
            }
        }
        peers
    }

    /// Expires a peer and those that are due next. Says how many they are.
    fn expire(&mut self, first: PeerId) -> usize {
        let mut crowd = Crowd::new();
        crowd.push(first);
        let due = iter::from_fn(|| self.deadlines.pop_peer(self.now));
        crowd.extend(due.take(CROWD - 1));
        // Each of these loops does so little that the processor is at several peers at once, and waits for their
        // memory together. Done for one peer after the other, it takes more than twice as long.
        let mut slots = SmallVec::<[Slot; CROWD]>::new();
        slots.extend(crowd.iter().filter_map(|id| self.peers.unname(*id)));
        let mut idle = SmallVec::<[bool; CROWD]>::new();
        idle.extend(slots.iter().map(|slot| self.peers.get(*slot).is_idle()));
        for (slot, idle) in slots.iter().zip(idle) {
            if !idle {
                self.release_all(*slot, ReleaseReason::Expired);
                self.end_wait(*slot, EndReason::Expired);
            }
            let peer = self.forget(*slot, ReleaseReason::Expired).id;
            self.effects.push(Effect::Expired { peer });
        }
        slots.len()
    }

    /// Releases all that a peer holds, ends its wait, and forgets it. Where its life is listed, the caller has to
    /// remove it.
    pub(super) fn take_away(
        &mut self,
        slot: Slot,
        released: ReleaseReason,
        ended: EndReason,
    ) -> Peer {
        self.release_all(slot, released);
        self.end_wait(slot, ended);
        let id = self.peers.get(slot).id;
        self.peers.unname(id);
        self.forget(slot, released)
    }

    /// Forgets a peer that has nothing any more, not even its name, but for what its client has to learn if it comes back.
    fn forget(&mut self, slot: Slot, released: ReleaseReason) -> Peer {
        let peer = self.peers.remove(slot);
        let untold = self.untold.forget(peer.id);
        if let Some(revocation) = self.forget_revocation(peer.id, None) {
            self.remember(&peer, revocation.why);
        } else if let (Some(why), ReleaseReason::Expired) = (untold, released) {
            self.remember(&peer, why);
        }
        peer
    }
}
