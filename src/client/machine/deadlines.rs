//! How long leases are certainly one's own, and what is due although nothing happens.
//!
//! When a message was answered that was sent at `t` on a connection which had the peer by then, the server knew at
//! some moment after `t` that the connection lived. So the peer's time to live cannot have begun to run before `t`, and
//! nobody else is given its locks before `t` plus that time: before its *deadline*. Answers come in the order of their
//! requests, so that the latest request that was answered stands for all before it.
//!
//! A lease is lost a margin before that, in which whoever uses it can stop.

use std::collections::BTreeMap;
use std::time::Duration;

use super::connection::{Gone, Link};
use super::peer::Bound;
use super::{AcquireId, Error, LeaseId, Machine, PeerNumber, RequestId, Time};
use crate::client::lost::LostReason;

/// How much longer than a wait may take it is waited for the server's word about its end.
pub(in crate::client) const FOR_AN_ANSWER: Duration = Duration::from_secs(2);

/// How often leases are looked after: a machine that was asleep is noticed so soon.
const GLANCE: Duration = Duration::from_secs(1);

/// For how long the peers with something at stake are safe without a sign of life: how many of each.
#[derive(Debug, Default)]
pub(super) struct Pace(BTreeMap<Duration, usize>);

impl Pace {
    pub(super) fn change(&mut self, before: Option<Duration>, after: Option<Duration>) {
        if let Some(after) = after {
            *self.0.entry(after).or_default() += 1;
        }
        let Some(before) = before else { return };
        if let Some(peers) = self.0.get_mut(&before) {
            *peers -= 1;
            if *peers == 0 {
                self.0.remove(&before);
            }
        }
    }

    /// The least patient one.
    pub(super) fn shortest(&self) -> Option<Duration> {
        self.0.keys().next().copied()
    }
}

impl Machine {
    /// When [`Machine::tick`] has something to do, unless something happens before.
    pub(in crate::client) fn due(&self, now: Time) -> Option<Time> {
        let glance = (!self.leases.is_empty()).then(|| now.after(GLANCE));
        let give_up = self.give_up.first().map(|(at, _)| *at);
        let link = [self.ping_due(), self.silence_due()];
        link.into_iter().chain([self.look_again, glance, give_up]).flatten().min()
    }

    /// Time has passed.
    pub(in crate::client) fn tick(&mut self, now: Time) {
        self.lose_overdue(now);
        while let Some((at, acquire)) = self.give_up.first().copied().filter(|(at, _)| *at <= now) {
            self.give_up.remove(&(at, acquire));
            self.wait_is_over(now, acquire);
        }
        if self.trouble.is_none() && self.silence_due().is_some_and(|due| due <= now) {
            let said = if self.is_welcome() { "it is silent" } else { "it does not say welcome" };
            self.trouble = Some(Gone::Broken(said.to_owned()));
        }
    }

    /// How long an attempt to connect may take.
    pub(in crate::client) fn connect_timeout(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        let longest = self.settings.connect_timeout;
        self.pace.shortest().map_or(longest, |validity| longest.min((validity / 3).max(SHORTEST)))
    }

    /// From when on the server may give the peer's locks to others.
    pub(super) fn free_at(&self, number: PeerNumber) -> Option<Time> {
        let peer = self.peers.get(&number)?;
        Some(self.proof(number)?.after(peer.validity(self.heartbeat)))
    }

    /// From when on the peer's leases are lost.
    pub(super) fn lost_at(&self, number: PeerNumber) -> Option<Time> {
        let margin = self.peers.get(&number)?.margin(self.heartbeat);
        Some(self.free_at(number)?.before(margin))
    }

    /// The request with this number was answered, which was sent then.
    pub(super) fn prove(&mut self, id: RequestId, sent: Time) {
        if let Some(connection) = self.connection_mut() {
            connection.proof = connection.proof.max(Some((id, sent)));
        }
    }

    /// When the last message was sent that was answered on a connection which had the peer by then.
    fn proof(&self, number: PeerNumber) -> Option<Time> {
        let peer = self.peers.get(&number)?;
        let here = self.connection().and_then(|connection| connection.proof);
        let here = match (peer.bound, here) {
            (Bound::By(open), Some((answered, sent))) if answered >= open => Some(sent),
            (Bound::By(_) | Bound::Asked(_) | Bound::Not, _) => None,
        };
        peer.proof.max(here)
    }

    /// The connection is about to be forgotten; what it has proved is not.
    pub(super) fn keep_proofs(&mut self) {
        let numbers: Vec<_> = self.peers.keys().copied().collect();
        for number in numbers {
            let proof = self.proof(number);
            if let Some(peer) = self.peers.get_mut(&number) {
                peer.proof = proof;
            }
        }
    }

    /// Loses the leases whose time is over. It must come before anything that is heard prolongs them.
    pub(super) fn lose_overdue(&mut self, now: Time) {
        if self.look_again.is_none_or(|at| now < at) {
            return;
        }
        self.look_again = None;
        let numbers: Vec<_> = self.peers.keys().copied().collect();
        for number in numbers {
            if self.lost_at(number).is_some_and(|at| at <= now) {
                self.lose_all(now, number, LostReason::Silence);
            }
            if self.free_at(number).is_some_and(|at| at <= now) {
                // Nobody need confirm any more what is free by now.
                self.fail_releases(number, &self.disconnected_error());
            }
            self.look_at(self.next_look(number, now));
        }
    }

    fn next_look(&self, number: PeerNumber, now: Time) -> Option<Time> {
        let peer = self.peers.get(&number)?;
        let lost = (!peer.leases.is_empty()).then(|| self.lost_at(number)).flatten();
        let releasing = peer.unwanted.iter().any(|giving| giving.lease.is_some());
        let waited_for = releasing || !peer.reports.is_empty();
        let free = waited_for.then(|| self.free_at(number)).flatten();
        [lost, free].into_iter().flatten().filter(|at| *at > now).min()
    }

    /// Leases may be lost from then on.
    pub(super) fn look_at(&mut self, time: Option<Time>) {
        self.look_again = [self.look_again, time].into_iter().flatten().min();
    }

    /// Peers have begun to depend on the connection, or ceased to.
    pub(super) fn repace(&mut self, number: PeerNumber) {
        let heartbeat = self.heartbeat;
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let after = peer.is_active().then(|| peer.validity(heartbeat));
        let before = std::mem::replace(&mut peer.paced, after);
        self.pace.change(before, after);
    }

    /// A valid lease of this peer is one at this time.
    pub(super) fn is_good(&self, number: PeerNumber, now: Time) -> bool {
        self.lost_at(number).is_some_and(|lost| now < lost)
    }

    /// How often something is to be asked, so that leases do not come to their end.
    fn ask_every(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(5);
        let every = self.pace.shortest().map_or(self.heartbeat, |validity| validity / 6);
        every.min(self.heartbeat).max(SHORTEST)
    }

    pub(super) fn ping_due(&self) -> Option<Time> {
        let connection = self.connection().filter(|connection| connection.welcomed)?;
        if !self.confirming.is_empty() && connection.unheard_since.is_none() {
            // Whether they are good depends on an answer.
            return Some(connection.asked_at);
        }
        Some(connection.asked_at.after(self.ask_every()))
    }

    /// When a connection that has said nothing by then is given up.
    fn silence_due(&self) -> Option<Time> {
        let connection = self.connection()?;
        if !connection.welcomed {
            return Some(connection.since.after(self.connect_timeout()));
        }
        Some(connection.unheard_since?.after(self.ask_every() * 3 / 2))
    }

    /// An acquire has waited as long as it was to.
    fn wait_is_over(&mut self, now: Time, acquire: AcquireId) {
        let Some(number) = self.acquires.get(&acquire).copied() else { return };
        let can_ask = self.can_ask();
        let Some(pending) = self.pending_mut(number, acquire) else { return };
        let Some(until) = pending.until else { return };
        let last = until.after(FOR_AN_ANSWER);
        if can_ask && now < last {
            // The server is about to say it, or to be asked: whoever only tries has no time to lose before that.
            self.give_up.insert((last, acquire));
            return;
        }
        let timeout = Error::Timeout { eta: None };
        let error = if self.is_welcome() { timeout } else { self.disconnected_error() };
        self.cancel(acquire);
        self.events.push_back(super::Event::Acquired { acquire, result: Err(error) });
    }

    /// That the server cannot be asked.
    pub(in crate::client) fn disconnected_error(&self) -> Error {
        let reason = match &self.link {
            Link::Down { reason, .. } => reason.clone(),
            Link::Up(_) => "it does not answer".to_owned(),
            Link::Over(error) => return error.clone(),
        };
        Error::Disconnected { reason }
    }

    /// The deadline of a lease that is not lost.
    pub(super) fn lease_free_at(&self, lease: LeaseId) -> Option<Time> {
        self.free_at(self.leases.get(&lease)?.peer)
    }
}
