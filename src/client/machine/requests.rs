//! What there is to say becomes messages. For each dirty peer, what the server has to know is compared with what it was
//! told on this connection. The order matters: first the peer, then what is given back, then what is wanted.

use std::collections::BTreeMap;

use super::connection::Link;
use super::frame::Frame;
use super::peer::{Bound, Giving, Pending};
use super::{About, Asked, Machine, PeerNumber, RequestId, Time};
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
        self.tell_open(number, frame, now);
        self.tell_unwanted(number, frame, now);
        self.tell_acquire(number, frame, now);
        self.tell_close(number, frame, now);
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
        let held = (!self.is_known(number)).then(|| self.counts(number));
        let Some(peer) = self.peers.get_mut(&number) else { return };
        peer.bound = Bound::Asked(id);
        let on_disconnect = match peer.on_disconnect {
            OnDisconnect::Expire => None,
            OnDisconnect::Release => Some("release"),
        };
        let held = held.unwrap_or_default();
        let held = held.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        frame.push(&Request::Open {
            id,
            peer: number,
            expires_in_ms: u64::try_from(peer.expires_in.as_millis()).unwrap_or(u64::MAX),
            label: &peer.label,
            on_disconnect,
            resume: peer.key.as_ref().map(|key| key.resume.as_str()),
            held: peer.key.is_some().then_some(held),
        });
    }

    fn tell_unwanted(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if peer.bound == Bound::Not || peer.closing {
            return;
        }
        for giving in std::mem::take(&mut peer.unwanted) {
            if giving.cancel {
                frame.push(&Request::Cancel { peer: number });
            }
            if !giving.names.is_empty() {
                let id = self.next_request();
                let names = giving.names.iter().map(String::as_str).collect();
                frame.push(&Request::Release { id, peer: number, names });
                self.note(id, now, About::Release(number, giving));
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
            want: &pending.want,
            timeout_ms: timeout_ms(pending, now),
            priority: pending.priority,
            progress: pending.progress,
        });
        let acquire = pending.acquire;
        self.note(id, now, About::Acquire(number, acquire));
    }

    fn tell_close(&mut self, number: PeerNumber, frame: &mut Frame, now: Time) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if peer.bound == Bound::Not || !peer.closing {
            return;
        }
        // All that the peer holds or waits for is given back with it.
        let leases: Vec<_> = peer.unwanted.drain(..).filter_map(|giving| giving.lease).collect();
        let id = self.ask(now, About::Close(number));
        frame.push(&Request::Close { id, peer: number });
        for lease in leases {
            self.released(lease, Ok(()));
        }
    }

    /// What a peer holds by leases that are not lost.
    fn counts(&self, number: PeerNumber) -> BTreeMap<String, u32> {
        let Some(peer) = self.peers.get(&number) else { return BTreeMap::new() };
        let leases = peer.leases.iter().filter_map(|lease| self.leases.get(lease));
        let locks = leases.flat_map(|lease| &lease.locks);
        locks.map(|(name, lock)| (name.clone(), lock.count)).collect()
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

/// How long the server is to let the peer wait. When a wait is repeated, 0 would not join it.
fn timeout_ms(pending: &Pending, now: Time) -> Option<u64> {
    if pending.only_try {
        return Some(0);
    }
    let left = pending.until?.since(now).as_micros().div_ceil(1_000);
    Some(u64::try_from(left).unwrap_or(u64::MAX).clamp(1, MAX_INTEGER))
}

impl Giving {
    /// Names, one at a time.
    pub(super) fn one_by_one(self) -> impl Iterator<Item = Self> {
        let Self { names, cancel: _, lease } = self;
        let last = names.len().saturating_sub(1);
        names.into_iter().enumerate().map(move |(at, name)| Self {
            names: vec![name],
            cancel: false,
            lease: lease.filter(|_| at == last),
        })
    }
}
