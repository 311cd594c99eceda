//! What happens to the session's peers becomes messages that nobody asked for, and the answers to those who wait.

use super::super::wire::{Code, Failure, LockMap, LostReason, Message, millis};
use super::Session;
use super::peers::{Joined, Peer, Wait};
use crate::engine::{Effect, EndReason, Label, Lock, PeerId, Revoked, Span, TicketId};

impl Session {
    pub(super) fn on_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Granted { peer, ticket: Some(ticket), locks, waited, .. } => {
                self.granted(peer, ticket, &locks, waited);
            }
            Effect::Granted { peer, ticket: None, locks, .. } => {
                self.granted_elsewhere(peer, &locks);
            }
            Effect::Ended { peer, ticket, reason, .. } => self.ended(peer, ticket, reason),
            Effect::Closed { peer, .. } | Effect::Expired { peer } => {
                self.lost(peer, LostReason::Revoked, None);
            }
            Effect::Superseded { peer, .. } => self.lost(peer, LostReason::Superseded, None),
            Effect::Yield { revoked, grace, .. } => self.yields(&revoked, grace),
            Effect::Revoked { revoked, .. } if revoked.whole => {
                self.lost(revoked.peer, LostReason::Revoked, revoked.why.as_ref());
            }
            Effect::Revoked { revoked, .. } => self.lost_locks(&revoked),
            Effect::Released { peer, lock, .. } => self.released_elsewhere(peer, &lock),
            Effect::Restored { .. } => {}
        }
    }

    /// A wait has come to its good end. Nobody may have asked on this session, when the peer was resumed or waits
    /// over REST: then it is told all the same.
    fn granted(&mut self, peer: PeerId, ticket: TicketId, new: &[Lock], waited: Span) {
        let Some(bound) = self.peers.get_mut(peer) else { return };
        bound.hold(new);
        let wait = take_wait(bound, ticket);
        let whole =
            wait.as_ref().and_then(|wait| wait.want.as_ref()).map(|want| bound.held_of(want));
        let locks = LockMap(whole.as_deref().unwrap_or(new));
        let (peer, waited_ms) = (bound.number, millis(waited));
        let joined = wait.map(|wait| wait.joined).unwrap_or_default();
        if joined.is_empty() {
            self.say(&Message::Granted { id: None, peer, locks, waited_ms });
        }
        for id in joined.into_iter().filter_map(|joined| joined.id) {
            self.say(&Message::Granted { id: Some(id), peer, locks, waited_ms });
        }
    }

    /// The peer got it at once, over REST.
    fn granted_elsewhere(&mut self, peer: PeerId, locks: &[Lock]) {
        let Some(bound) = self.peers.get_mut(peer) else { return };
        bound.hold(locks);
        let peer = bound.number;
        self.say(&Message::Granted { id: None, peer, locks: LockMap(locks), waited_ms: 0 });
    }

    /// The peer gave it back, over REST.
    fn released_elsewhere(&mut self, peer: PeerId, lock: &Lock) {
        let Some(bound) = self.peers.get_mut(peer) else { return };
        let locks = bound.release(Some(std::slice::from_ref(&lock.name)));
        let peer = bound.number;
        self.say(&Message::Released { id: None, peer, locks: LockMap(&locks) });
    }

    fn ended(&mut self, peer: PeerId, ticket: TicketId, reason: EndReason) {
        let Some(bound) = self.peers.get_mut(peer) else { return };
        let Some(wait) = take_wait(bound, ticket) else { return };
        let number = bound.number;
        let (code, message) = match reason {
            EndReason::TimedOut => (Code::Timeout, "not acquired in time"),
            EndReason::Cancelled => (Code::Cancelled, "the wait was cancelled"),
            EndReason::Closed => (Code::Cancelled, "the peer was closed"),
            EndReason::Revoked => (Code::Cancelled, "an operator took the peer away"),
            EndReason::Never => (Code::Never, "the max was lowered: this can never be granted"),
            EndReason::Deleted => (Code::UnknownSemaphore, "the semaphore was removed"),
            EndReason::Expired | EndReason::Disconnected => {
                (Code::UnknownPeer, "the peer is no more")
            }
        };
        for Joined { id, .. } in wait.joined {
            self.fail(Failure::new(id, Some(number), code, message));
        }
    }

    /// The peer is not this session's any more. Whoever waits here for it is told first.
    fn lost(&mut self, peer: PeerId, reason: LostReason, why: Option<&Label>) {
        let Some(peer) = self.peers.remove(peer) else { return };
        let number = peer.number;
        for id in peer.wait.iter().flat_map(|wait| wait.joined.iter().map(|joined| joined.id)) {
            let message = "the peer is not bound to this connection any more";
            self.fail(Failure::new(id, Some(number), Code::UnknownPeer, message));
        }
        let (locks, bound) = (LockMap(peer.held()), false);
        self.say(&Message::Lost {
            peer: number,
            reason,
            locks,
            bound,
            message: why.map(Label::as_str),
        });
    }

    /// An operator took a lock; the peer stays.
    fn lost_locks(&mut self, revoked: &Revoked) {
        let Some(bound) = self.peers.get_mut(revoked.peer) else { return };
        let names: Vec<_> = revoked.locks.iter().map(|lock| lock.name.clone()).collect();
        let locks = bound.release(Some(&names));
        let (peer, locks, reason) = (bound.number, LockMap(&locks), LostReason::Revoked);
        let message = revoked.why.as_ref().map(Label::as_str);
        self.say(&Message::Lost { peer, reason, locks, bound: true, message });
    }

    /// An operator will take something that the peer may give back before.
    fn yields(&mut self, revoked: &Revoked, grace: Span) {
        let Some(peer) = self.peers.get(revoked.peer).map(|peer| peer.number) else { return };
        self.say(&Message::Yield {
            peer,
            locks: LockMap(&revoked.locks),
            within_ms: millis(grace),
            bound: !revoked.whole,
            message: revoked.why.as_ref().map(Label::as_str),
        });
    }
}

fn take_wait(peer: &mut Peer, ticket: TicketId) -> Option<Wait> {
    peer.wait.take_if(|wait| wait.ticket == ticket)
}
