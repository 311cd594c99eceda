//! Acquires: one at a time for each peer, until it is granted, refused or given up.

use std::time::Duration;

use super::peer::{Giving, Pending};
use super::{
    AcquireId, Ask, Error, Event, LeaseId, Locks, Machine, PeerNumber, Progress, RequestId, Time,
};
use crate::client::limit::{Limit, Limits};
use crate::client::want::Want;

impl Machine {
    /// A peer wants something. [`Event::Acquired`] follows, unless it is cancelled.
    ///
    /// # Errors
    /// What can be said without the server: there is no use in asking.
    pub(in crate::client) fn acquire(
        &mut self,
        now: Time,
        number: PeerNumber,
        ask: Ask,
    ) -> Result<AcquireId, Error> {
        if let Some(error) = self.over() {
            return Err(error);
        }
        ask.check()?;
        self.lose_overdue(now);
        let peer = self.peers.get(&number).ok_or(Error::Ended)?;
        if peer.pending.is_some() {
            return Err(Error::AlreadyPending);
        }
        if let Some(semaphore) = self.held_of(number, &ask.want) {
            return Err(Error::AlreadyHeld { semaphore });
        }
        Ok(self.begin(now, number, ask))
    }

    /// Nobody waits for an acquire any more. Nothing of it is left on the server.
    pub(in crate::client) fn cancel(&mut self, acquire: AcquireId) {
        let Some(number) = self.acquires.remove(&acquire) else { return };
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let Some(pending) = peer.pending.take_if(|it| it.acquire == acquire) else { return };
        // An earlier connection may have asked for it as well.
        if peer.told || pending.sent.is_some() {
            let Ask { want, permit: unused, .. } = &pending.ask;
            let names = want.names().map(str::to_owned).collect();
            peer.unwanted.push(Giving { names, cancel: true, unused: *unused, lease: None });
            self.dirty.insert(number);
        }
        self.ended(number, &pending);
    }

    fn begin(&mut self, now: Time, number: PeerNumber, ask: Ask) -> AcquireId {
        let acquire = AcquireId(self.next_id());
        let until = ask.patience().map(|patience| now.after(patience));
        let pending = Pending { acquire, ask, since: now, until, sent: None, granted: None };
        if let Some(peer) = self.peers.get_mut(&number) {
            peer.pending = Some(pending);
        }
        self.acquires.insert(acquire, number);
        self.give_up.extend(until.map(|until| (until, acquire)));
        self.dirty.insert(number);
        self.repace(number);
        acquire
    }

    /// A name that one of the peer's leases has.
    fn held_of(&self, number: PeerNumber, want: &Want) -> Option<String> {
        let leases = self.peers.get(&number)?.leases.iter().filter_map(|it| self.leases.get(it));
        let mut names = leases.flat_map(|lease| lease.locks.keys());
        names.find(|name| want.has(name)).cloned()
    }

    pub(super) fn pending_mut(
        &mut self,
        number: PeerNumber,
        acquire: AcquireId,
    ) -> Option<&mut Pending> {
        let pending = self.peers.get_mut(&number)?.pending.as_mut()?;
        (pending.acquire == acquire).then_some(pending)
    }

    /// The acquire that was sent with this request, if somebody still waits for it.
    fn sent_as(
        &mut self,
        number: PeerNumber,
        acquire: AcquireId,
        id: RequestId,
    ) -> Option<&mut Pending> {
        self.pending_mut(number, acquire).filter(|pending| pending.sent == Some(id))
    }

    /// Whether somebody still waits for the acquire that was sent with this request.
    pub(super) fn is_sent(
        &mut self,
        number: PeerNumber,
        acquire: AcquireId,
        id: RequestId,
    ) -> bool {
        self.sent_as(number, acquire, id).is_some()
    }

    /// The server says that it is granted. It is handed out as soon as it is known to be good for long enough.
    pub(super) fn granted(
        &mut self,
        number: PeerNumber,
        acquire: AcquireId,
        id: RequestId,
        locks: Locks,
    ) {
        let Some(pending) = self.sent_as(number, acquire, id) else { return };
        let want = &pending.ask.want;
        let as_wanted = want
            .iter()
            .all(|(name, count)| locks.get(name).is_some_and(|lock| lock.count == count));
        if as_wanted {
            let locks = locks.into_iter().filter(|(name, _)| want.has(name)).collect();
            pending.granted = Some(locks);
            self.confirming.insert(number);
        } else {
            self.cancel(acquire);
            let error = Error::Protocol("it has granted something else than was wanted");
            self.events.push_back(Event::Acquired { acquire, result: Err(error) });
        }
    }

    /// Hands out what is granted and good.
    pub(super) fn confirm(&mut self, now: Time) {
        for number in std::mem::take(&mut self.confirming) {
            let is_good = self.is_good(number, now);
            let Some(peer) = self.peers.get_mut(&number) else { continue };
            // Nobody else gets tokens that were granted.
            if !is_good && !peer.pending.as_ref().is_some_and(|pending| pending.ask.permit) {
                self.confirming.insert(number);
                continue;
            }
            let Some(mut pending) = peer.pending.take_if(|it| it.granted.is_some()) else {
                continue;
            };
            let Some(locks) = pending.granted.take() else { continue };
            let lease: LeaseId = self.hand_out(number, locks, &pending.ask);
            self.ended(number, &pending);
            let (acquire, result) = (pending.acquire, Ok(lease));
            self.events.push_back(Event::Acquired { acquire, result });
        }
    }

    pub(super) fn queued(
        &mut self,
        number: PeerNumber,
        acquire: AcquireId,
        id: RequestId,
        progress: Progress,
    ) {
        if self.sent_as(number, acquire, id).is_some() {
            self.events.push_back(Event::Progress { acquire, progress });
        }
    }

    /// The server does not grant it.
    pub(super) fn refused(
        &mut self,
        number: PeerNumber,
        acquire: AcquireId,
        id: RequestId,
        error: Error,
    ) {
        if self.sent_as(number, acquire, id).is_some() {
            self.fail_pending(number, error);
        }
    }

    /// What a peer waits for does not come.
    pub(super) fn fail_pending(&mut self, number: PeerNumber, error: Error) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let Some(pending) = peer.pending.take() else { return };
        self.ended(number, &pending);
        let (acquire, result) = (pending.acquire, Err(error));
        self.events.push_back(Event::Acquired { acquire, result });
    }

    fn ended(&mut self, number: PeerNumber, pending: &Pending) {
        self.acquires.remove(&pending.acquire);
        self.confirming.remove(&number);
        if let Some(until) = pending.until {
            self.give_up.remove(&(until, pending.acquire));
            self.give_up.remove(&(until.after(super::deadlines::FOR_AN_ANSWER), pending.acquire));
        }
        self.repace(number);
    }
}

impl Ask {
    /// For ever, and without anything special.
    pub(in crate::client) const fn new(want: Want) -> Self {
        Self {
            want,
            timeout: None,
            max_wait: None,
            priority: 0,
            progress: false,
            declare: Limits::new(),
            permit: false,
        }
    }

    /// How long it may wait. `None`: for ever.
    pub(in crate::client) fn patience(&self) -> Option<Duration> {
        self.timeout.into_iter().chain(self.max_wait).min()
    }

    fn check(&self) -> Result<(), Error> {
        self.want.check()?;
        if !self.declare.keys().all(|name| self.want.has(name)) {
            return Err(Error::InvalidWant("only what is wanted can be declared"));
        }
        self.declare.values().try_for_each(Limit::check)
    }
}
