//! Connections: peers are bound to them, taken over by others, and left alone when they are gone.

use std::collections::BTreeSet;
use std::mem;

use super::core::Engine;
use super::deadlines::Due;
use super::ids::{ConnectionId, PeerId};
use super::outcome::{Effect, EndReason, ReleaseReason, Reply};
use super::peers::{Owner, Slot};
use super::refusal::Refusal;
use super::session::{OnDisconnect, Session};
use super::time::Span;
use super::view::Life;

/// Which peers are bound to which connection. In the order of the peers' identities, so that what happens when a
/// connection is gone can be repeated.
#[derive(Debug, Default)]
pub(super) struct Connections(BTreeSet<(ConnectionId, PeerId)>);

impl Connections {
    pub(super) fn add(&mut self, connection: ConnectionId, peer: PeerId) {
        self.0.insert((connection, peer));
    }

    pub(super) fn remove(&mut self, connection: ConnectionId, peer: PeerId) {
        self.0.remove(&(connection, peer));
    }

    /// The first peer that is bound to a connection.
    pub(super) fn first(&self, connection: ConnectionId) -> Option<PeerId> {
        let (found, peer) = self.0.range((connection, PeerId::FIRST)..).next()?;
        (*found == connection).then_some(*peer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(ConnectionId, PeerId)> {
        self.0.iter()
    }
}

impl Engine {
    pub(super) fn resume(
        &mut self,
        peer: PeerId,
        expires_in: Span,
        session: &Session,
    ) -> Result<Reply, Refusal> {
        let slot = self.known(peer)?;
        if self.peers.get(slot).key() != Some(session.key) {
            return Err(Refusal::Forbidden);
        }
        self.take_over(slot, expires_in, session)
    }

    /// Who tries to adopt a session's peer does not learn whether it is there.
    pub(super) fn adopt(
        &mut self,
        peer: PeerId,
        expires_in: Span,
        session: &Session,
    ) -> Result<Reply, Refusal> {
        match peer {
            PeerId::Rest(_) => {}
            PeerId::Session(_) => return Err(Refusal::Forbidden),
        }
        let slot = self.known(peer)?;
        self.take_over(slot, expires_in, session)
    }

    pub(super) fn disconnect(&mut self, connection: ConnectionId) -> Reply {
        let mut peers = 0;
        while let Some(slot) = self.connections.first(connection).and_then(|id| self.peers.find(id))
        {
            let peer = self.peers.get(slot);
            let until = self.now.after(peer.expires_in);
            let on_disconnect = peer.owner.as_ref().map(|owner| owner.on_disconnect);
            // From here on, nothing of this is owed to the connection.
            self.live(slot, Life::Until(until));
            match on_disconnect.unwrap_or_default() {
                OnDisconnect::Expire => {}
                OnDisconnect::Release => {
                    let (released, ended) = (ReleaseReason::Disconnected, EndReason::Disconnected);
                    let gone = self.take_away(slot, released, ended);
                    self.unlist(gone.id, gone.life);
                }
            }
            peers += 1;
        }
        Reply::Disconnected { peers }
    }

    fn take_over(
        &mut self,
        slot: Slot,
        expires_in: Span,
        session: &Session,
    ) -> Result<Reply, Refusal> {
        self.check_span(expires_in)?;
        self.prolong(slot, expires_in);
        self.bind(slot, session);
        let pending = self.peers.get(slot).ticket.as_ref().map(|ticket| ticket.id);
        Ok(Reply::Bound { locks: self.locks(slot), pending })
    }

    /// Makes a peer live as long as a session's connection, and tells the one that it is bound to, if it is another.
    pub(super) fn bind(&mut self, slot: Slot, session: &Session) {
        let Session { connection, key, label, on_disconnect } = session;
        let peer = self.peers.get_mut(slot);
        let label = label.as_ref().or(peer.label()).cloned();
        let owner = Owner { key: *key, label, on_disconnect: *on_disconnect };
        peer.owner = Some(Box::new(owner));
        let (peer, before) = (peer.id, peer.connection());
        self.untold.forget(peer);
        if let Some(connection) = before.filter(|before| before != connection) {
            self.effects.push(Effect::Superseded { peer, connection });
        }
        self.live(slot, Life::Bound(*connection));
        self.warn_again(slot);
    }

    /// Changes what keeps a peer alive, and where that is listed.
    pub(super) fn live(&mut self, slot: Slot, life: Life) {
        let peer = self.peers.get_mut(slot);
        let id = peer.id;
        let before = mem::replace(&mut peer.life, life);
        self.unlist(id, before);
        match life {
            Life::Bound(connection) => self.connections.add(connection, id),
            Life::Until(at) => self.deadlines.add(at, Due::Peer(id)),
        }
    }

    pub(super) fn unlist(&mut self, peer: PeerId, life: Life) {
        match life {
            Life::Bound(connection) => self.connections.remove(connection, peer),
            Life::Until(at) => self.deadlines.remove(at, Due::Peer(peer)),
        }
    }
}
