//! Leases: what was granted and handed out, until it is given back or lost.

use super::peer::Giving;
use super::{Ask, Error, Event, LeaseId, Limits, Locks, Machine, PeerNumber, Time};
use crate::client::lost::{Deadline, Lost, LostReason, Notice};

/// What was handed out.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) peer: PeerNumber,
    pub(super) locks: Locks,
    /// What of it was declared: a server that has lost its memory does not know these names.
    pub(super) declare: Limits,
    /// Tokens, and nothing else. It is never lost: nobody else gets them. But the server may hold it no longer, and
    /// then the peer does not have it.
    pub(super) permit: bool,
    pub(super) lost: Option<Lost>,
    /// What was said last about when it will be.
    pub(super) notice: Option<Notice>,
}

impl Machine {
    /// Whether a lease is lost. It is by the time alone, whether somebody has noticed or not.
    pub(in crate::client) fn lost(&mut self, lease: LeaseId, now: Time) -> Option<Lost> {
        self.lose_overdue(now);
        self.leases.get(&lease)?.lost.clone()
    }

    /// Whether an operator is going to take a lease away.
    pub(in crate::client) fn notice(&self, lease: LeaseId) -> Option<Notice> {
        self.leases.get(&lease)?.notice.clone()
    }

    /// The locks of a lease, as the server numbers them now.
    pub(in crate::client) fn locks(&self, lease: LeaseId) -> Option<&Locks> {
        self.leases.get(&lease).map(|lease| &lease.locks)
    }

    /// From when on a lease is lost, and from when on its locks may be given to others, as far as is known now.
    pub(in crate::client) fn deadlines(&self, lease: LeaseId) -> Option<(Time, Time)> {
        let Lease { peer, lost, .. } = self.leases.get(&lease)?;
        match lost {
            Some(Lost { deadline: Deadline(at), .. }) => Some((*at, *at)),
            None => Some((self.lost_at(*peer)?, self.lease_free_at(lease)?)),
        }
    }

    /// The program gives a lease back. [`Event::Released`] follows.
    pub(in crate::client) fn release(&mut self, lease: LeaseId, now: Time) {
        self.give_back(lease, now, false);
    }

    /// Nobody has taken what was granted.
    pub(in crate::client) fn release_unused(&mut self, lease: LeaseId, now: Time) {
        self.give_back(lease, now, true);
    }

    fn give_back(&mut self, lease: LeaseId, now: Time, unused: bool) {
        self.lose_overdue(now);
        let Some(Lease { peer: number, locks, lost, permit, .. }) = self.leases.remove(&lease)
        else {
            return;
        };
        let over = lost.map(Error::Lost).or_else(|| self.over());
        let peer = self.peers.get_mut(&number);
        match (peer.filter(|peer| peer.leases.contains(&lease)), over) {
            (Some(peer), None) => {
                peer.leases.remove(&lease);
                let names = locks.into_keys().collect();
                let (unused, lease) = (unused && permit, Some(lease));
                peer.unwanted.push(Giving { names, cancel: false, unused, lease });
                self.dirty.insert(number);
                self.look_at(self.free_at(number));
            }
            // A permit that the server does not hold any more.
            (_, None) if permit => self.released(lease, Ok(())),
            // Of a peer that is no more, nothing is held.
            (_, over) => self.released(lease, Err(over.unwrap_or(Error::Ended))),
        }
        self.repace(number);
    }

    /// Hands out what was granted.
    pub(super) fn hand_out(&mut self, number: PeerNumber, locks: Locks, ask: &Ask) -> LeaseId {
        let id = LeaseId(self.next_id());
        let (declare, permit) = (ask.declare.clone(), ask.permit);
        let lease = Lease { peer: number, locks, declare, permit, lost: None, notice: None };
        self.leases.insert(id, lease);
        if let Some(peer) = self.peers.get_mut(&number) {
            peer.leases.insert(id);
        }
        self.look_at(self.lost_at(number));
        id
    }

    pub(super) fn lose_all(&mut self, now: Time, number: PeerNumber, reason: LostReason) {
        let Some(peer) = self.peers.get(&number) else { return };
        for lease in peer.leases.clone() {
            self.lose(now, lease, reason);
        }
    }

    /// A lease is lost. What the server may still hold of it is given back. A permit is not lost, but there is nothing
    /// to be told about it any more; silence alone does not mean that the server has forgotten it.
    pub(super) fn lose(&mut self, now: Time, lease: LeaseId, reason: LostReason) {
        let at = match reason {
            LostReason::Silence => self.lease_free_at(lease),
            LostReason::Ended if !self.closing => self.lease_free_at(lease),
            LostReason::Ended
            | LostReason::Disconnected
            | LostReason::NotHeld
            | LostReason::Superseded
            | LostReason::Revoked
            | LostReason::Expired => None,
        };
        let deadline = Deadline(at.unwrap_or(now));
        let Some(Lease { peer: number, locks, lost, permit, .. }) = self.leases.get_mut(&lease)
        else {
            return;
        };
        let (number, permit) = (*number, *permit);
        if lost.is_some() || (permit && reason == LostReason::Silence) {
            return;
        }
        let names: Vec<_> = locks.keys().cloned().collect();
        if !permit {
            *lost = Some(Lost { reason, deadline, message: None });
            self.events.push_back(Event::Lost { lease });
        }
        self.take_away(number, lease, names);
    }

    fn take_away(&mut self, number: PeerNumber, lease: LeaseId, names: Vec<String>) {
        if let Some(peer) = self.peers.get_mut(&number)
            && peer.leases.remove(&lease)
        {
            peer.unwanted.push(Giving { names, ..Giving::default() });
            self.dirty.insert(number);
            self.repace(number);
        }
    }

    /// The leases of a peer that are not lost and have a lock on one of these.
    pub(super) fn leases_of(
        &self,
        number: PeerNumber,
        concerned: impl Fn(&str) -> bool,
    ) -> Vec<LeaseId> {
        let leases = self.peers.get(&number).into_iter().flat_map(|peer| &peer.leases).copied();
        let is_concerned = |id: &LeaseId| {
            let mut held = self.leases.get(id).into_iter().flat_map(|lease| lease.locks.keys());
            held.any(|name| concerned(name))
        };
        leases.filter(is_concerned).collect()
    }

    /// Says what the server has said about leases that were lost just now.
    pub(super) fn explain(&mut self, leases: &[LeaseId], said: Option<&str>) {
        for lease in leases {
            let lost = self.leases.get_mut(lease).and_then(|lease| lease.lost.as_mut());
            lost.into_iter().for_each(|lost| lost.message = said.map(str::to_owned));
        }
    }

    pub(super) fn released(&mut self, lease: LeaseId, result: Result<(), Error>) {
        self.events.push_back(Event::Released { lease, result });
    }
}
