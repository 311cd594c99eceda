//! Replies of the engine become answers.

use slab::Slab;

use super::super::wire::{
    Failure, Labels, LocalPeer, LockMap, Message, PeerIdText, RequestId, ResumeText, millis,
};
use super::peers::{Joined, MAX_JOINED, Told, Wait};
use super::{Asked, Close, FEW_REQUESTS, Opening, Session};
use crate::engine::{Label, Lock, PeerId, Refusal, Reply, SemaphoreName, Span, TicketId, Want};
use crate::runtime::Tag;

/// Where a request stands that has to wait.
struct Line<'a> {
    ticket: TicketId,
    position: usize,
    eta: Option<Span>,
    blocked_by: &'a [Label],
}

impl Session {
    pub(super) fn on_reply(
        &mut self,
        tag: Tag,
        reply: Result<Reply, Refusal>,
        blocked_by: &[Label],
    ) {
        let asked = usize::try_from(tag.0).ok().and_then(|tag| self.asked.try_remove(tag));
        if self.asked.is_empty() && self.asked.capacity() > FEW_REQUESTS {
            self.asked = Slab::new();
        }
        match (asked, reply) {
            (Some(Asked::Open(opening)), reply) => self.on_opened(opening, reply),
            (Some(Asked::Acquire { joined, number, peer, .. }), Ok(Reply::Held { locks })) => {
                self.held(joined.id, number, peer, &locks);
            }
            (
                Some(Asked::Acquire { joined, number, peer, want }),
                Ok(Reply::Queued { ticket, position, eta }),
            ) => {
                let line = Line { ticket, position, eta, blocked_by };
                self.waits(joined, number, peer, want, &line);
            }
            (Some(Asked::Release { id, number, peer, names }), Ok(Reply::Released { .. })) => {
                self.released(id, number, peer, names.as_deref());
            }
            (Some(Asked::Settle { id, number, peer, used }), Ok(Reply::Settled)) => {
                self.settled(id, number, peer, &used);
            }
            (
                Some(Asked::Throttled { id, number, name, retry_after }),
                Ok(Reply::BackedOff { .. }),
            ) => {
                if let Some(id) = id {
                    let (name, for_ms) = (name.as_str(), millis(retry_after));
                    self.say(&Message::BackedOff { id, peer: number, name, for_ms });
                }
            }
            // The acquire that it has ended was told, if there was one.
            (Some(Asked::Cancel { .. }), Ok(Reply::Cancelled { .. })) => {}
            (Some(Asked::Close { id, number, peer }), reply @ (Ok(Reply::Closed) | Err(_))) => {
                self.peers.remove(peer);
                match (reply, id) {
                    (Ok(_), Some(id)) => self.say(&Message::Closed { id, peer: number }),
                    (Ok(_), None) => {}
                    (Err(refusal), id) => self.refused(id, number, &refusal),
                }
            }
            (
                Some(
                    Asked::Acquire { joined: Joined { id, .. }, number, .. }
                    | Asked::Release { id, number, .. }
                    | Asked::Cancel { id, number }
                    | Asked::Settle { id, number, .. }
                    | Asked::Throttled { id, number, .. },
                ),
                Err(refusal),
            ) => self.refused(id, number, &refusal),
            // The reply does not fit: a bug, but none of the client's.
            (_, Ok(_)) | (None, Err(_)) => self.close = Some(Close::Internal),
        }
    }

    fn on_opened(&mut self, mut opening: Box<Opening>, reply: Result<Reply, Refusal>) {
        if let (Err(Refusal::UnknownPeer), Some(held)) = (&reply, opening.restore.take()) {
            return self.restore(opening, held);
        }
        self.uncertain -= usize::from(opening.uncertain);
        match reply {
            Ok(Reply::Opened) => self.opened(&opening, &[], None, false),
            Ok(Reply::Bound { locks, pending }) => self.opened(&opening, &locks, pending, false),
            Ok(Reply::Restored { locks }) => self.opened(&opening, &locks, None, true),
            Ok(_) => self.close = Some(Close::Internal),
            Err(refusal) => self.not_opened(&opening, &refusal),
        }
    }

    fn opened(
        &mut self,
        opening: &Opening,
        locks: &[Lock],
        pending: Option<TicketId>,
        restored: bool,
    ) {
        let Opening { id, number, peer, .. } = *opening;
        if let Some(id) = id {
            self.say(&Message::Opened {
                id,
                peer: number,
                peer_id: PeerIdText(peer),
                resume: ResumeText(peer, opening.binding.key),
                held: LockMap(locks),
                pending: pending.is_some(),
                restored,
            });
        }
        let Some(bound) = self.peers.get_mut(peer) else { return };
        bound.opening = false;
        bound.hold(locks);
        bound.wait = pending.map(Wait::new);
    }

    fn not_opened(&mut self, opening: &Opening, refusal: &Refusal) {
        self.refused(opening.id, opening.number, refusal);
        self.peers.remove(opening.peer);
    }

    fn held(&mut self, id: Option<RequestId>, number: LocalPeer, peer: PeerId, locks: &[Lock]) {
        if let Some(bound) = self.peers.get_mut(peer) {
            bound.hold(locks);
        }
        if let Some(id) = id {
            let locks = LockMap(locks);
            self.say(&Message::Granted { id: Some(id), peer: number, locks, waited_ms: 0 });
        }
    }

    fn waits(
        &mut self,
        joined: Joined,
        number: LocalPeer,
        peer: PeerId,
        want: Option<Box<Want>>,
        line: &Line<'_>,
    ) {
        let Some(wait) = self.wait_of(peer, line.ticket, want) else { return };
        if joined.progress {
            let (place, eta, blocked_by) = (line.position, line.eta, line.blocked_by.to_vec());
            wait.told = Some(Box::new(Told { place, eta, due: None, blocked_by }));
        }
        if self.join(joined, number, peer) {
            self.queued(joined.id, number, (line.position, line.eta), line.blocked_by);
        }
    }

    /// What a peer waits for. `None`: the peer is not here any more.
    fn wait_of(
        &mut self,
        peer: PeerId,
        ticket: TicketId,
        want: Option<Box<Want>>,
    ) -> Option<&mut Wait> {
        let bound = self.peers.get_mut(peer)?;
        if let Some(want) = &want {
            bound.shrink(want);
        }
        if bound.wait.as_ref().is_none_or(|wait| wait.ticket != ticket) {
            bound.wait = Some(Wait::new(ticket));
        }
        let wait = bound.wait.as_mut()?;
        wait.want = wait.want.take().or(want);
        Some(wait)
    }

    /// Remembers who waits. `false`: too many do.
    fn join(&mut self, joined: Joined, number: LocalPeer, peer: PeerId) -> bool {
        let wait = self.peers.get_mut(peer).and_then(|bound| bound.wait.as_mut());
        let Some(wait) = wait else { return false };
        if wait.joined.len() >= MAX_JOINED {
            let message = "too many requests wait for the same";
            self.fail(Failure::limit(joined.id, Some(number), message, MAX_JOINED));
            return false;
        }
        wait.joined.push(joined);
        if joined.progress {
            self.watch(peer);
        }
        true
    }

    pub(super) fn queued(
        &mut self,
        id: Option<RequestId>,
        number: LocalPeer,
        (position, eta): (usize, Option<Span>),
        blocked_by: &[Label],
    ) {
        if let Some(id) = id {
            let (eta_ms, blocked_by) = (eta.map(Span::millis_up), Labels(blocked_by));
            self.say(&Message::Queued { id, peer: number, position, eta_ms, blocked_by });
        }
    }

    fn settled(&mut self, id: Option<RequestId>, number: LocalPeer, peer: PeerId, used: &Want) {
        if let Some(bound) = self.peers.get_mut(peer) {
            bound.correct(used);
        }
        if let Some(id) = id {
            self.say(&Message::Settled { id, peer: number });
        }
    }

    fn released(
        &mut self,
        id: Option<RequestId>,
        number: LocalPeer,
        peer: PeerId,
        names: Option<&[SemaphoreName]>,
    ) {
        let Some(bound) = self.peers.get_mut(peer) else { return };
        let locks = bound.release(names);
        if id.is_some() {
            self.say(&Message::Released { id, peer: number, locks: LockMap(&locks) });
        }
    }

    pub(super) fn refused(&mut self, id: Option<RequestId>, number: LocalPeer, refusal: &Refusal) {
        let message = refusal.to_string();
        self.fail(Failure::refused(id, number, refusal, &message));
    }
}
