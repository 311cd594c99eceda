//! How peers come, stay and go: opening, heartbeats, restoring, closing.

use smallvec::SmallVec;

use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, PeerId};
use super::numbers::Claims;
use super::outcome::{Effect, EndReason, ReleaseReason, Reply};
use super::peers::{Parts, Peer, Slot};
use super::refusal::Refusal;
use super::session::Session;
use super::settings::SemaphoreSettings;
use super::time::Span;
use super::view::Life;
use super::want::Want;

/// What a client brings back.
#[derive(Clone, Copy)]
pub(super) struct Brought<'a> {
    pub(super) held: Option<&'a Want>,
    pub(super) slots: &'a Claims,
    pub(super) declared: &'a [SemaphoreSettings],
}

impl Engine {
    pub(super) fn open(
        &mut self,
        peer: PeerId,
        expires_in: Span,
        session: Option<&Session>,
    ) -> Result<Reply, Refusal> {
        if self.peers.find(peer).is_some() {
            return Err(Refusal::PeerInUse);
        }
        self.check_not_revoked(peer)?;
        self.check_span(expires_in)?;
        self.add(peer, expires_in, session)?;
        Ok(Reply::Opened)
    }

    pub(super) fn restore(
        &mut self,
        peer: PeerId,
        expires_in: Span,
        session: Option<&Session>,
        Brought { held, slots, declared }: Brought<'_>,
    ) -> Result<Reply, Refusal> {
        let parts = self.restorable(held, declared)?;
        self.check_span(expires_in)?;
        let slot = match self.peers.find(peer) {
            Some(slot) if self.is_as_restored(slot, session, &parts) => {
                self.prolong(slot, expires_in);
                if let Some(session) = session {
                    self.bind(slot, session);
                }
                slot
            }
            Some(_) => return Err(Refusal::RestoreConflict),
            None => {
                self.check_not_revoked(peer)?;
                let slot = self.add(peer, expires_in, session)?;
                for (semaphore, count) in parts {
                    let lock = self.hold(slot, semaphore, count, slots);
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

    pub(super) fn close(&mut self, peer: PeerId) -> Result<Reply, Refusal> {
        let slot = self.known(peer)?;
        let closed = self.take_away(slot, ReleaseReason::Closed, EndReason::Closed);
        self.unlist(peer, closed.life);
        let connection = closed.connection();
        self.effects.extend(connection.map(|connection| Effect::Closed { peer, connection }));
        Ok(Reply::Closed)
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

    fn add(
        &mut self,
        id: PeerId,
        expires_in: Span,
        session: Option<&Session>,
    ) -> Result<Slot, Refusal> {
        let max = self.limits.max_peers;
        if self.peers.len() >= max {
            return Err(Refusal::TooManyPeers { max });
        }
        let until = self.now.after(expires_in);
        let (life, holds) = (Life::Until(until), SmallVec::new());
        let peer = Peer { id, life, expires_in, holds, ticket: None, owner: None };
        let slot = self.peers.add(peer);
        self.deadlines.add(until, Due::Peer(id));
        if let Some(session) = session {
            self.bind(slot, session);
        }
        Ok(slot)
    }

    fn restorable(
        &mut self,
        held: Option<&Want>,
        declared: &[SemaphoreSettings],
    ) -> Result<Parts, Refusal> {
        let mut parts = Parts::new();
        for (name, asked) in held.into_iter().flat_map(Want::iter) {
            let declared = declared.iter().find(|it| it.name == *name);
            let semaphore = self.key_of_restored(name, declared)?;
            let count = Count::new(asked).filter(|count| count.get() > 0);
            let invalid = || Refusal::InvalidCount { name: name.clone(), asked };
            parts.push((semaphore, count.ok_or_else(invalid)?));
        }
        Ok(parts)
    }

    /// Whether there is nothing to restore: the peer is the session's and holds what it says.
    fn is_as_restored(&self, slot: Slot, session: Option<&Session>, parts: &Parts) -> bool {
        let key = self.peers.get(slot).key();
        session.is_none_or(|session| key == Some(session.key)) && self.holds_exactly(slot, parts)
    }

    fn holds_exactly(&self, slot: Slot, parts: &Parts) -> bool {
        let holds = self.peers.get(slot).holds.iter();
        let mut held: Parts = holds.map(|hold| (hold.semaphore, hold.count)).collect();
        let mut parts = parts.clone();
        held.sort_unstable();
        parts.sort_unstable();
        held == parts
    }
}
