//! What the server says. An answer proves when its request was sent, if it is one that fits; whatever does not fit is
//! passed over, because no lease gets longer or valid by it.

use std::time::Duration;

use super::connection::Gone;
use super::peer::Bound;
use super::{About, Asked, Error, Event, Machine, PeerNumber, Progress, RequestId, Time};
use crate::client::lost::{Deadline, LostReason, Notice};
use crate::client::refused::{Code, Refused};
use crate::client::wire::{self, Granted, Queued, Said, TakenAway, Yield};

impl Machine {
    /// A frame has come.
    pub(in crate::client) fn on_text(&mut self, now: Time, frame: &str) {
        self.heard();
        self.lose_overdue(now);
        let Some(messages) = wire::read(frame) else {
            self.trouble = Some(Gone::Broken("the server has sent what is no JSON".to_owned()));
            return;
        };
        for message in messages {
            self.on_message(now, message);
        }
        self.confirm(now);
    }

    fn on_message(&mut self, now: Time, message: Said) {
        match message {
            Said::Welcome(welcome) => self.on_welcome(now, welcome),
            Said::Opened(opened) => self.on_opened(now, opened),
            Said::Granted(granted) => self.on_granted(granted),
            Said::Queued(queued) => self.on_queued(queued),
            Said::Released(answered) => self.on_released(answered.id),
            Said::Closed(answered) => self.on_closed(answered.id),
            Said::Reported(answered) => self.on_reported(answered.id),
            Said::Pong(answered) => {
                self.answered(answered.id, |about| matches!(about, About::Ping));
            }
            Said::Lost(taken) => self.on_taken_away(now, &taken),
            Said::Yield(notice) => self.on_yield(now, &notice),
            Said::Draining(draining) => {
                let wait = Duration::from_millis(draining.reconnect_in_ms);
                if let Some(connection) = self.connection_mut() {
                    connection.draining = Some(wait);
                }
            }
            Said::Error(Some(id), refused) => self.on_refused(now, id, refused),
            // It is about a cancel, whose peer is no more, or about something that was never said.
            Said::Error(None, _) => {}
        }
    }

    /// What was asked with this number, if that is what it was about. It is answered by that.
    pub(super) fn answered(
        &mut self,
        id: RequestId,
        fits: impl FnOnce(&About) -> bool,
    ) -> Option<About> {
        self.asked.get(&id).filter(|asked| fits(&asked.about))?;
        let Asked { sent, about } = self.asked.remove(&id)?;
        self.prove(id, sent);
        Some(about)
    }

    fn on_granted(&mut self, granted: Granted) {
        let Granted { id, peer: number, locks } = granted;
        let Some(id) = id else { return self.on_granted_unasked(number, &locks) };
        let about = self.answered(
            id,
            |about| matches!(about, About::Acquire(asked_for, _) if *asked_for == number),
        );
        if let Some(About::Acquire(number, acquire)) = about {
            self.granted(number, acquire, id, locks);
        }
    }

    /// It stays asked: there will be an end to the wait.
    fn on_queued(&mut self, queued: Queued) {
        let Queued { id, position, eta_ms, blocked_by } = queued;
        let Some(Asked { sent, about: About::Acquire(number, acquire) }) = self.asked.get(&id)
        else {
            return;
        };
        let (sent, number, acquire) = (*sent, *number, *acquire);
        self.prove(id, sent);
        let eta = eta_ms.map(Duration::from_millis);
        self.queued(number, acquire, id, Progress { position, eta, blocked_by });
    }

    fn on_released(&mut self, id: RequestId) {
        let about = self.answered(id, |about| matches!(about, About::Release(..)));
        if let Some(About::Release(_, giving)) = about
            && let Some(lease) = giving.lease
        {
            self.released(lease, Ok(()));
        }
    }

    fn on_closed(&mut self, id: RequestId) {
        let about = self.answered(id, |about| matches!(about, About::Close(_)));
        if let Some(About::Close(number)) = about {
            self.forget(number);
        }
    }

    /// The peer is not this connection's any more, or an operator took some of its locks.
    fn on_taken_away(&mut self, now: Time, taken: &TakenAway) {
        let reason = match taken.reason.as_str() {
            "superseded" => LostReason::Superseded,
            "expired" => LostReason::Expired,
            _ => LostReason::Revoked,
        };
        if taken.bound {
            return self.lose_locks(now, taken, reason);
        }
        // Before the server has opened it, it can only be about somebody who had this number before.
        if self.peers.get(&taken.peer).is_some_and(|peer| matches!(peer.bound, Bound::By(_))) {
            let leases = self.leases_of(taken.peer, |_| true);
            self.unknown_to_the_server(now, taken.peer, reason);
            self.explain(&leases, taken.message.as_deref());
        }
    }

    /// A lease that has lost one of its locks is lost as a whole.
    fn lose_locks(&mut self, now: Time, taken: &TakenAway, reason: LostReason) {
        let concerned = self.leases_of(taken.peer, |name| taken.locks.contains_key(name));
        for lease in &concerned {
            self.lose(now, *lease, reason);
        }
        self.explain(&concerned, taken.message.as_deref());
    }

    /// A lease is lost with the first of its locks.
    fn on_yield(&mut self, now: Time, told: &Yield) {
        let until = Deadline(now.after(Duration::from_millis(told.within_ms)));
        for id in self.leases_of(told.peer, |name| told.locks.contains_key(name)) {
            let Some(lease) = self.leases.get_mut(&id) else { continue };
            if lease.notice.as_ref().is_none_or(|known| until < known.until) {
                lease.notice = Some(Notice { until, message: told.message.clone() });
                self.events.push_back(Event::Noticed { lease: id });
            }
        }
    }

    /// The server has no such peer. It is opened anew when it is needed.
    pub(super) fn unknown_to_the_server(
        &mut self,
        now: Time,
        number: PeerNumber,
        reason: LostReason,
    ) {
        self.lose_all(now, number, reason);
        let Some(peer) = self.peers.get_mut(&number) else { return };
        (peer.bound, peer.key, peer.proof) = (Bound::Not, None, None);
        if let Some(pending) = &mut peer.pending {
            (pending.sent, pending.granted) = (None, None);
        }
        let leases: Vec<_> = peer.unwanted.drain(..).filter_map(|giving| giving.lease).collect();
        for lease in leases {
            self.released(lease, Ok(()));
        }
        self.fail_reports(number, None);
        self.confirming.remove(&number);
        self.dirty.insert(number);
    }

    /// An operator is about to take the peer away. If that is because of what it has had before, whoever waits now may
    /// wait as somebody new.
    fn revoked(&mut self, now: Time, number: PeerNumber, refused: Box<Refused>) {
        match self.peers.get_mut(&number) {
            Some(peer) if peer.leases.is_empty() => {
                peer.stale = true;
                self.unknown_to_the_server(now, number, LostReason::Revoked);
            }
            Some(_) | None => self.fail_pending(number, Error::from(refused)),
        }
    }

    fn on_refused(&mut self, now: Time, id: RequestId, refused: Box<Refused>) {
        let Some(about) = self.answered(id, |_| true) else { return };
        let draining = refused.code == Code::Draining;
        match about {
            about if draining => self.put_back(about),
            About::Hello => self.trouble = Some(Gone::ForGood(Error::Refused(refused))),
            About::Open(number) => self.not_opened(now, number, id, refused),
            About::Acquire(number, acquire)
                if refused.code == Code::Revoked && self.is_sent(number, acquire, id) =>
            {
                self.revoked(now, number, refused);
            }
            About::Acquire(number, acquire) => {
                self.refused(number, acquire, id, Error::from(refused));
            }
            // Whoever is unknown, or does not exist, holds nothing.
            About::Release(_, giving) => {
                giving.lease.into_iter().for_each(|lease| self.released(lease, Ok(())));
            }
            About::Report(number, report) => self.not_reported(number, report, refused),
            About::Close(number) => self.forget(number),
            About::Ping => {}
        }
    }
}
