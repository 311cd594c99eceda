//! Peers on connections, in the naive model.

use throttle::engine::{
    Claims, ConnectionId, Effect, EndReason, Life, OnDisconnect, PeerId, Refusal, ReleaseReason,
    Reply, SemaphoreSettings, Session, Span, Want,
};

use super::{Answer, Model, positive};

impl Model {
    pub(super) fn restore(
        &mut self,
        id: PeerId,
        expires_in: Span,
        session: Option<&Session>,
        (held, slots, declared): (Option<&Want>, &Claims, &[SemaphoreSettings]),
    ) -> Answer {
        let mut parts = vec![];
        for (name, asked) in held.into_iter().flat_map(Want::iter) {
            self.key(name, if self.could_be(name) { &[] } else { declared })?;
            parts.extend(positive(&Want::one(name.clone(), asked))?);
        }
        self.check_span(expires_in)?;
        if let Some(peer) = self.peer(id) {
            let mut locks: Vec<_> =
                peer.locks.iter().map(|lock| (lock.name.clone(), lock.count)).collect();
            locks.sort();
            let foreign = match (session, &peer.session) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(session), Some(known)) => session.key != known.key,
            };
            if locks != parts || foreign {
                return Err(Refusal::RestoreConflict);
            }
            self.prolong(id, expires_in);
            if let Some(session) = session {
                self.bind(id, session);
            }
        } else {
            self.check_not_revoked(id)?;
            self.add(id, expires_in, session)?;
            for lock in self.hold(id, &parts, slots) {
                self.effects.push(Effect::Restored { peer: id, lock });
            }
        }
        Ok(Reply::Restored { locks: self.known(id)?.locks.iter().cloned().collect() })
    }

    pub(super) fn resume(&mut self, id: PeerId, expires_in: Span, session: &Session) -> Answer {
        match &self.known(id)?.session {
            Some(known) if known.key == session.key => self.take_over(id, expires_in, session),
            Some(_) | None => Err(Refusal::Forbidden),
        }
    }

    pub(super) fn adopt(&mut self, id: PeerId, expires_in: Span, session: &Session) -> Answer {
        if matches!(id, PeerId::Session(_)) {
            return Err(Refusal::Forbidden);
        }
        self.known(id)?;
        self.take_over(id, expires_in, session)
    }

    /// One peer after the other, in the order of their ids.
    pub(super) fn disconnect(&mut self, connection: ConnectionId) -> Reply {
        let bound = self.peers.iter().filter(|peer| peer.life == Life::Bound(connection));
        let mut bound: Vec<_> = bound.map(|peer| peer.id).collect();
        bound.sort();
        for id in &bound {
            let now = self.now;
            let peer = self.peer(*id).unwrap();
            peer.life = Life::Until(now.after(peer.expires_in));
            if peer.session.as_ref().unwrap().on_disconnect == OnDisconnect::Release {
                self.remove(*id, ReleaseReason::Disconnected, EndReason::Disconnected);
            }
        }
        Reply::Disconnected { peers: bound.len() }
    }

    fn take_over(&mut self, id: PeerId, expires_in: Span, session: &Session) -> Answer {
        self.check_span(expires_in)?;
        self.prolong(id, expires_in);
        self.bind(id, session);
        let peer = self.known(id)?;
        let pending = peer.ticket.as_ref().map(|ticket| ticket.id);
        Ok(Reply::Bound { locks: peer.locks.iter().cloned().collect(), pending })
    }

    fn bind(&mut self, id: PeerId, session: &Session) {
        let peer = self.peer(id).unwrap();
        let before = peer.connection();
        peer.life = Life::Bound(session.connection);
        let mut session = session.clone();
        let label = peer.session.take().and_then(|before| before.label);
        session.label = session.label.or(label);
        let superseded = before.filter(|before| *before != session.connection);
        peer.session = Some(session);
        let superseded = superseded.map(|connection| Effect::Superseded { peer: id, connection });
        self.effects.extend(superseded);
        self.untold.retain(|(peer, ..)| *peer != id);
        self.warn_again(id);
    }
}
