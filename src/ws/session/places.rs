//! Places in line, for those who want to know how theirs changes. Only changes are told.

use super::Session;
use super::peers::Peer;
use crate::engine::{PeerId, TicketId};

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
    pub(in crate::ws) fn on_places(&mut self, places: &[(PeerId, TicketId, usize)]) {
        let peers = &self.peers;
        self.watching.retain(|peer| peers.get(*peer).is_some_and(Peer::is_curious));
        for (peer, ticket, place) in places {
            self.moved(*peer, *ticket, *place);
        }
    }

    pub(super) fn watch(&mut self, peer: PeerId) {
        if !self.watching.contains(&peer) {
            self.watching.push(peer);
        }
    }

    fn moved(&mut self, peer: PeerId, ticket: TicketId, place: usize) {
        let Some(bound) = self.peers.get_mut(peer) else { return };
        let number = bound.number;
        let Some(wait) = &mut bound.wait else { return };
        if wait.ticket != ticket || wait.place == place {
            return;
        }
        wait.place = place;
        let curious = wait.joined.iter().filter(|joined| joined.progress);
        let curious: Vec<_> = curious.map(|joined| joined.id).collect();
        for id in curious {
            self.queued(id, number, place, &[]);
        }
    }
}
