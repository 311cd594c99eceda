//! What there is to say becomes messages. For each dirty peer, what the server has to know is compared with what it was
//! told on this connection. The order matters: first the peer, then what is given back, then what is wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use super::connection::Link;
use super::frame::Frame;
use super::peer::{Bound, Giving, Pending};
use super::{About, Asked, Limits, Locks, Machine, PeerNumber, RequestId, Time};
use crate::client::settings::OnDisconnect;
use crate::client::wire::{MAX_INTEGER, Request};

impl Machine {
    /// The next frame to send. It must be asked for right before it is sent: `now` counts as the time of sending.
    pub(in crate::client) fn pop_frame(&mut self, now: Time) -> Option<String> {
        let mut frame = Frame::new(self.max_frame_bytes, std::mem::take(&mut self.left_over));
        match &self.link {
            Link::Up(connection) if connection.welcomed => self.fill(&mut frame, now),
            Link::Up(connection) if !connection.greeted => self.greet(&mut frame, now),
            Link::Up(_) | Link::Down { .. } | Link::Over(_) => {}
        }
        let (text, left_over) = frame.finish();
        self.left_over = left_over;
        text
    }

    fn greet(&mut self, frame: &mut Frame, now: Time) {
        let id = self.ask(now, About::Hello);
        let (client, token) = (self.settings.name.as_str(), self.settings.token.as_ref());
        frame.push(&Request::Hello { id, client, token });
        if let Some(connection) = self.connection_mut() {
            connection.greeted = true;
        }
    }

    fn fill(&mut self, frame: &mut Frame, now: Time) {
        while self.can_ask() && !frame.is_full() {
            let Some(number) = self.dirty.pop_first() else { break };
            self.tell(number, frame, now);
        }
        if !frame.is_full() && self.ping_due().is_some_and(|due| due <= now) {
            let id = self.ask(now, About::Ping);
            frame.push(&Request::Ping { id });
        }
    }

    /// Says all there is to say about a peer.
    fn tell(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        self.tell_stale(number, frame);
        self.tell_open(number, frame, now);
        self.tell_reports(number, frame, now);
        self.tell_unwanted(number, frame, now);
        self.tell_acquire(number, frame, now);
        self.tell_close(number, frame, now);
    }

    /// Whoever had this number before is of no use any more.
    fn tell_stale(&mut self, number: PeerNumber, frame: &mut Frame) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if std::mem::take(&mut peer.stale) {
            frame.push(&Request::Close { id: None, peer: number });
        }
    }

    fn tell_open(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        let gone = self.free_at(number).is_none_or(|free| free <= now);
        let Some(peer) = self.peers.get(&number) else { return };
        if peer.bound != Bound::Not {
            return;
        }
        if peer.closing && (gone || !self.is_known(number)) {
            return self.forget(number);
        }
        if !peer.is_needed() {
            return;
        }
        let id = self.ask(now, About::Open(number));
        // Who is known has expired if the server does not know it, and must not be restored with what it held.
        let held = (!self.is_known(number)).then(|| self.claims(number, now));
        let locks = held.unwrap_or_default();
        let declare = self.declared(number, &locks);
        let Some(peer) = self.peers.get_mut(&number) else { return };
        peer.bound = Bound::Asked(id);
        let on_disconnect = match peer.on_disconnect {
            OnDisconnect::Expire => None,
            OnDisconnect::Release => Some("release"),
        };
        let held = locks.iter().map(|(name, lock)| (name.as_str(), lock.count)).collect();
        let slots = numbers(&locks, self.max_frame_bytes);
        frame.push(&Request::Open {
            id,
            peer: number,
            expires_in_ms: u64::try_from(peer.expires_in.as_millis()).unwrap_or(u64::MAX),
            label: &peer.label,
            on_disconnect,
            resume: peer.key.as_ref().map(|key| key.resume.as_str()),
            held: peer.key.is_some().then_some(held),
            slots,
            declare,
        });
    }

    /// It comes before what it is about is given back.
    fn tell_reports(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        for report in self.unsaid_reports(number) {
            let id = self.next_request();
            let Some(peer) = self.peers.get_mut(&number) else { return };
            if peer.bound == Bound::Not {
                return;
            }
            let Some(told) = peer.reports.get_mut(&report) else { continue };
            frame.push(&told.say(id, number));
            self.note(id, now, About::Report(number, report));
        }
    }

    fn tell_unwanted(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if peer.bound == Bound::Not || peer.closing {
            return;
        }
        for giving in std::mem::take(&mut peer.unwanted) {
            giving.tell(number, frame);
            for (name, giving) in giving.one_by_one() {
                let id = self.ask(now, About::Release(number, giving));
                frame.push(&Request::Release { id, peer: number, names: [&name] });
            }
        }
    }

    fn tell_acquire(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        let id = self.next_request();
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let Some(pending) = &mut peer.pending else { return };
        if peer.bound == Bound::Not || peer.closing || pending.sent.is_some() {
            return;
        }
        pending.sent = Some(id);
        frame.push(&Request::Acquire {
            id,
            peer: number,
            want: &pending.ask.want,
            timeout_ms: pending.left_ms(pending.ask.timeout, now),
            max_wait_ms: pending.left_ms(pending.ask.max_wait, now),
            priority: pending.ask.priority,
            progress: pending.ask.progress,
            declare: &pending.ask.declare,
        });
        let acquire = pending.acquire;
        self.note(id, now, About::Acquire(number, acquire));
    }

    fn tell_close(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if peer.bound == Bound::Not || !peer.closing {
            return;
        }
        // All that the peer holds or waits for is given back with it, but for tokens.
        let unwanted = std::mem::take(&mut peer.unwanted);
        unwanted.iter().filter(|giving| giving.unused).for_each(|it| it.tell(number, frame));
        let leases: Vec<_> = unwanted.into_iter().filter_map(|giving| giving.lease).collect();
        let id = Some(self.ask(now, About::Close(number)));
        frame.push(&Request::Close { id, peer: number });
        for lease in leases {
            self.released(lease, Ok(()));
        }
    }

    /// What a peer holds by leases that are not lost. A server that has lost its memory takes the tokens of a permit
    /// once more; so it should only be told of those that it would still hold otherwise.
    fn claims(&self, number: PeerNumber, now: Time) -> Locks {
        let Some(peer) = self.peers.get(&number) else { return Locks::new() };
        let certain = self.is_good(number, now);
        let leases = peer.leases.iter().filter_map(|lease| self.leases.get(lease));
        let locks = leases.filter(|lease| certain || !lease.permit).flat_map(|lease| &lease.locks);
        let held = locks.filter(|(_, lock)| lock.count > 0);
        held.map(|(name, lock)| (name.clone(), lock.clone())).collect()
    }

    /// What the claimed names stand for, as far as that was declared.
    fn declared(&self, number: PeerNumber, claimed: &Locks) -> Limits {
        let leases = self.peers.get(&number).into_iter().flat_map(|peer| &peer.leases);
        let leases = leases.filter_map(|lease| self.leases.get(lease));
        let declared = leases.flat_map(|lease| &lease.declare);
        let claimed = declared.filter(|(name, _)| claimed.contains_key(*name));
        claimed.map(|(name, limit)| (name.clone(), *limit)).collect()
    }

    /// Whether the server has known the peer with the memory that it has now.
    pub(super) fn is_known(&self, number: PeerNumber) -> bool {
        let key = self.peers.get(&number).and_then(|peer| peer.key.as_ref());
        key.is_some_and(|key| self.epoch.as_ref() == Some(&key.epoch))
    }

    const fn next_request(&mut self) -> RequestId {
        RequestId(self.next_id())
    }

    fn ask(&mut self, now: Time, about: About) -> RequestId {
        let id = self.next_request();
        self.note(id, now, about);
        id
    }

    fn note(&mut self, id: RequestId, now: Time, about: About) {
        self.asked.insert(id, Asked { sent: now, about });
        if let Some(connection) = self.connection_mut() {
            connection.asked(now);
        }
    }
}

/// Which ones are held of what has numbers. None if they would not leave room for the rest in a frame: the server gives
/// others then, but with too large a frame it would end the session.
fn numbers(locks: &Locks, max_frame_bytes: usize) -> BTreeMap<&str, &[u32]> {
    const BYTES_EACH: usize = ",9999".len();
    let numbered = locks.iter().filter(|(_, lock)| !lock.slots.is_empty());
    let slots: BTreeMap<_, _> =
        numbered.map(|(name, lock)| (name.as_str(), lock.slots.as_slice())).collect();
    let count: usize = slots.values().map(|numbers| numbers.len()).sum();
    if count.saturating_mul(2 * BYTES_EACH) > max_frame_bytes { BTreeMap::new() } else { slots }
}

impl Pending {
    /// What is left of a time that the wait may take. When a wait is repeated, 0 would not join it.
    fn left_ms(&self, limit: Option<Duration>, now: Time) -> Option<u64> {
        let limit = limit?;
        if limit.is_zero() {
            return Some(0);
        }
        let left = self.since.after(limit).since(now).as_micros().div_ceil(1_000);
        Some(u64::try_from(left).unwrap_or(u64::MAX).clamp(1, MAX_INTEGER))
    }
}

impl Giving {
    /// What is said before it is released.
    fn tell(&self, peer: PeerNumber, frame: &mut Frame) {
        if self.cancel {
            frame.push(&Request::Cancel { peer });
        }
        if self.unused {
            let used = self.names.iter().map(|name| (name.as_str(), 0)).collect();
            frame.push(&Request::Settle { id: None, peer, used });
        }
    }

    /// Its names, each with what has to be said again about it if it is not answered.
    fn one_by_one(self) -> impl Iterator<Item = (String, Self)> {
        let Self { names, cancel, unused, lease } = self;
        let last = names.len().saturating_sub(1);
        names.into_iter().enumerate().map(move |(at, name)| {
            let (cancel, lease) = (cancel && at == 0, lease.filter(|_| at == last));
            (name.clone(), Self { names: vec![name], cancel, unused, lease })
        })
    }
}
