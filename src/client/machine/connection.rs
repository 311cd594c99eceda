//! The connection comes and goes: when to try again, and after what never again.

use std::time::Duration;

use super::peer::{Bound, Peer};
use super::{About, Asked, Error, Event, Machine, PeerNumber, RequestId, Time};
use crate::client::lost::LostReason;
use crate::client::settings::OnDisconnect;
use crate::client::wire::Welcome;

/// What there is to the server.
#[derive(Debug)]
pub(super) enum Link {
    /// Nothing. To be tried again.
    Down { retry_at: Time, reason: String },
    /// A connection.
    Up(Connection),
    /// Nothing, and it is not to be tried again.
    Over(Error),
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) since: Time,
    /// Whether `hello` is on its way.
    pub(super) greeted: bool,
    pub(super) welcomed: bool,
    /// The server is going away, and wants to see this client so much later.
    pub(super) draining: Option<Duration>,
    /// When something was asked last.
    pub(super) asked_at: Time,
    /// When the first thing was asked since the server was heard.
    pub(super) unheard_since: Option<Time>,
    /// The latest request that was answered, and when it was sent.
    pub(super) proof: Option<(RequestId, Time)>,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) enum Gone {
    /// It broke, or could not be made. The next attempt may be better.
    Broken(String),
    /// The server has too much to do: the next attempt should be later.
    Busy(String),
    /// There is no use in another attempt.
    ForGood(Error),
}

impl Gone {
    /// What a close code means.
    pub(in crate::client) fn of_close(code: u16, reason: &str) -> Self {
        let said = if reason.is_empty() { "the server has closed the connection" } else { reason };
        match code {
            1002 | 1003 | 1007 | 1009 | 4400 | 4401 | 4403 => {
                Self::ForGood(Error::Closed { code, reason: said.to_owned() })
            }
            1013 | 4429 => Self::Busy(said.to_owned()),
            _ => Self::Broken(said.to_owned()),
        }
    }

    /// What it means that a handshake was answered with a status other than 101.
    pub(in crate::client) fn of_status(status: u16) -> Self {
        match status {
            // A proxy says these while the server behind it is away.
            404 | 408 | 500..=502 | 504..=599 => {
                Self::Broken(format!("the handshake was answered with HTTP status {status}"))
            }
            429 | 503 => {
                Self::Busy(format!("the server has too much to do (HTTP status {status})"))
            }
            code => {
                let reason = "it is no throttle server, or does not let this client in".to_owned();
                Self::ForGood(Error::Closed { code, reason })
            }
        }
    }
}

impl Link {
    /// Before the first connection.
    pub(super) const fn new() -> Self {
        Self::Down { retry_at: Time::after_start(Duration::ZERO), reason: String::new() }
    }
}

impl Connection {
    const fn new(now: Time) -> Self {
        Self {
            since: now,
            greeted: false,
            welcomed: false,
            draining: None,
            asked_at: now,
            unheard_since: None,
            proof: None,
        }
    }

    pub(super) fn asked(&mut self, now: Time) {
        self.asked_at = now;
        self.unheard_since.get_or_insert(now);
    }
}

impl Machine {
    /// When to connect. `None`: there is a connection, or none is needed any more.
    pub(in crate::client) fn connect_at(&self) -> Option<Time> {
        match &self.link {
            Link::Down { retry_at, .. } if !self.closing => Some(*retry_at),
            Link::Down { .. } | Link::Up(_) | Link::Over(_) => None,
        }
    }

    /// There is a connection, on which nothing was said yet.
    pub(in crate::client) fn connected(&mut self, now: Time) {
        if matches!(self.link, Link::Down { .. }) {
            self.link = Link::Up(Connection::new(now));
        }
    }

    /// Something came over the connection, whatever it was.
    pub(in crate::client) fn heard(&mut self) {
        if let Some(connection) = self.connection_mut() {
            connection.unheard_since = None;
        }
    }

    /// What speaks against the connection there is: it should be dropped.
    pub(in crate::client) fn trouble(&self) -> Option<&Gone> {
        self.trouble.as_ref()
    }

    /// There is no connection any more, or none could be made. `dice` is a random number from 0 to 1.
    pub(in crate::client) fn disconnected(&mut self, now: Time, gone: Gone, dice: f64) {
        let gone = self.trouble.take().unwrap_or(gone);
        self.lose_overdue(now);
        self.forget_connection(now);
        if let Gone::ForGood(error) = gone {
            self.fail_all(now, &error);
            self.link = Link::Over(error);
            return;
        }
        self.attempts = if self.has_lasted(now) { 1 } else { self.attempts.saturating_add(1) };
        let (wait, reason) = self.wait_before_retry(gone, dice);
        self.link = Link::Down { retry_at: now.after(wait), reason };
    }

    pub(super) fn on_welcome(&mut self, now: Time, welcome: Welcome) {
        // The least that a server may ask for without being called all the time.
        const SHORTEST: Duration = Duration::from_millis(100);
        let Some(connection) = self.connection_mut() else { return };
        if std::mem::replace(&mut connection.welcomed, true) {
            return;
        }
        self.epoch = Some(welcome.epoch.into());
        self.heartbeat = Duration::from_millis(welcome.heartbeat_ms).max(SHORTEST);
        if let Some(bytes) = welcome.limits.max_frame_bytes {
            self.max_frame_bytes = bytes;
        }
        // The heartbeat may be another one, and with it what is certain.
        self.look_again = Some(now);
    }

    fn has_lasted(&self, now: Time) -> bool {
        let (_, longest) = self.settings.backoff;
        self.connection().is_some_and(|it| it.welcomed && now.since(it.since) >= longest)
    }

    /// Full jitter: anything from nothing to a bound that doubles with each attempt. Whoever holds locks comes in time
    /// to keep them, whatever the bound is; unless the server has too much to do.
    fn wait_before_retry(&self, gone: Gone, dice: f64) -> (Duration, String) {
        let (shortest, longest) = self.settings.backoff;
        let doubled = 1_u32.checked_shl(self.attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let bound = shortest.saturating_mul(doubled);
        let bound = bound.min(longest);
        let in_time = self.pace.shortest().map_or(longest, |validity| validity / 8);
        let asked_for = self.connection().and_then(|connection| connection.draining);
        match (gone, asked_for) {
            (Gone::Busy(reason), _) => (longest.min(bound.saturating_mul(4)).mul_f64(dice), reason),
            (Gone::Broken(reason), Some(wait)) => (wait.min(in_time), reason),
            (Gone::Broken(reason), None) => (bound.min(in_time).mul_f64(dice), reason),
            (Gone::ForGood(error), _) => (longest, error.to_string()),
        }
    }

    /// What was asked on the connection is not answered any more, and whatever matters has to be said again.
    fn forget_connection(&mut self, now: Time) {
        self.keep_proofs();
        for Asked { about, .. } in std::mem::take(&mut self.asked).into_values() {
            self.put_back(about);
        }
        self.left_over.clear();
        self.confirming.clear();
        let numbers: Vec<_> = self.peers.keys().copied().collect();
        for number in numbers {
            self.unbind(now, number);
        }
    }

    fn unbind(&mut self, now: Time, number: PeerNumber) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        (peer.bound, peer.stale) = (Bound::Not, false);
        if let Some(pending) = &mut peer.pending {
            (pending.sent, pending.granted) = (None, None);
        }
        let gone = peer.on_disconnect == OnDisconnect::Release;
        self.dirty.insert(number);
        if gone {
            self.lose_all(now, number, LostReason::Disconnected);
        }
    }

    /// A request was not handled, as far as is known.
    pub(super) fn put_back(&mut self, about: About) {
        match about {
            About::Release(number, giving) => {
                if let Some(peer) = self.peers.get_mut(&number) {
                    // It may be that the cancel before it was not handled either.
                    peer.unwanted.push(giving);
                    self.dirty.insert(number);
                }
            }
            About::Acquire(number, acquire) => {
                if let Some(pending) = self.pending_mut(number, acquire) {
                    pending.sent = None;
                    self.dirty.insert(number);
                }
            }
            About::Report(number, report) => {
                let peer = self.peers.get_mut(&number);
                if let Some(report) = peer.and_then(|peer| peer.reports.get_mut(&report)) {
                    report.sent = None;
                    self.dirty.insert(number);
                }
            }
            About::Close(number) | About::Open(number) => {
                self.dirty.insert(number);
            }
            About::Hello | About::Ping => {}
        }
    }

    /// There is nobody to ask any more.
    pub(super) fn fail_all(&mut self, now: Time, error: &Error) {
        let numbers: Vec<_> = self.peers.keys().copied().collect();
        for number in numbers {
            self.lose_all(now, number, LostReason::Ended);
            self.fail_pending(number, error.clone());
            let Some(peer) = self.peers.get_mut(&number) else { continue };
            if !std::mem::replace(&mut peer.told, true) {
                let result = Err(error.clone());
                self.events.push_back(Event::Opened { peer: number, result });
            }
            self.fail_releases(number, error);
        }
    }

    /// Nobody will confirm what is being given back, or answer what is told about it.
    pub(super) fn fail_releases(&mut self, number: PeerNumber, error: &Error) {
        self.fail_reports(number, Some(error));
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let leases: Vec<_> = peer.unwanted.iter_mut().filter_map(|it| it.lease.take()).collect();
        for lease in leases {
            self.released(lease, Err(error.clone()));
        }
    }

    /// Removes a peer of which the server need not know any more.
    pub(super) fn forget(&mut self, number: PeerNumber) {
        self.fail_releases(number, &Error::Ended);
        self.dirty.remove(&number);
        self.confirming.remove(&number);
        if let Some(Peer { paced, .. }) = self.peers.remove(&number) {
            self.pace.change(paced, None);
        }
    }
}
