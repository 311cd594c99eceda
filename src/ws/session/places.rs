//! Places in line, for those who want to know how theirs changes. Only changes are told: another place, others in the
//! way, or that it takes longer than was said.

use super::Session;
use super::peers::Peer;
use crate::engine::PeerId;
use crate::runtime::Standing;

impl Session {
    /// Whether some peer waits whose place is to be told.
    pub(in crate::ws) fn is_watching(&self) -> bool {
        !self.watching.is_empty()
    }

    /// The peers whose places are to be told.
    pub(in crate::ws) fn watching(&self) -> Vec<PeerId> {
        self.watching.clone()
    }

    /// Takes in the places of peers that wait.
    pub(in crate::ws) fn on_places(&mut self, places: Vec<(PeerId, Standing)>) {
        let peers = &self.peers;
        self.watching.retain(|peer| peers.get(*peer).is_some_and(Peer::is_curious));
        self.watching.shrink_to(2 * self.watching.len());
        for (peer, now) in places {
            self.moved(peer, now);
        }
    }

    pub(super) fn watch(&mut self, peer: PeerId) {
        if !self.watching.contains(&peer) {
            self.watching.push(peer);
        }
    }

    fn moved(&mut self, peer: PeerId, now: Standing) {
        let Some(bound) = self.peers.get_mut(peer) else { return };
        let number = bound.number;
        let Some(wait) = &mut bound.wait else { return };
        let Standing { wait: now, due, blocked_by } = now;
        if wait.ticket != now.ticket {
            return;
        }
        let Some(told) = &mut wait.told else { return };
        // What was said first was said without the moment, and not long ago.
        let later = if told.due.is_some() { due > told.due } else { now.eta > told.eta };
        let same_place = told.place == now.position && !later;
        if same_place && told.blocked_by == blocked_by {
            told.due = told.due.or(due);
            return;
        }
        (told.place, told.eta, told.due) = (now.position, now.eta, due);
        told.blocked_by.clone_from(&blocked_by);
        let curious = wait.joined.iter().filter(|joined| joined.progress);
        let curious: Vec<_> = curious.map(|joined| joined.id).collect();
        for id in curious {
            self.queued(id, number, (now.position, now.eta), &blocked_by);
        }
    }
}
