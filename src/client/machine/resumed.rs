//! A peer is open, for the first time or again: what the server says that it holds is compared with its leases.

use super::peer::{Bound, Giving, Key};
use super::{About, Error, Event, LeaseId, Locks, Machine, PeerNumber, RequestId, Time};
use crate::client::lost::LostReason;
use crate::client::refused::{Code, Refused};
use crate::client::wire::Opened;

impl Machine {
    pub(super) fn on_opened(&mut self, now: Time, opened: Opened) {
        let Opened { id, peer_id, resume, held, pending, restored } = opened;
        let Some(About::Open(number)) = self.answered(id, |about| matches!(about, About::Open(_)))
        else {
            return;
        };
        let Some(epoch) = self.epoch.clone() else { return };
        let known = self.is_known(number);
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if peer.bound != Bound::Asked(id) {
            return;
        }
        peer.bound = Bound::By(id);
        peer.key = Some(Key { resume, peer_id, epoch });
        if !std::mem::replace(&mut peer.told, true) {
            self.events.push_back(Event::Opened { peer: number, result: Ok(()) });
        }
        self.compare(now, number, &held, restored && known);
        self.give_back_the_rest(number, &held, pending);
        self.look_at(self.lost_at(number));
    }

    /// It could not be opened: whatever it held on an earlier connection is lost.
    pub(super) fn not_opened(
        &mut self,
        now: Time,
        number: PeerNumber,
        id: RequestId,
        refused: Box<Refused>,
    ) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        if peer.bound != Bound::Asked(id) {
            return;
        }
        let told = peer.told;
        if refused.code == Code::Revoked {
            // What it held is lost, but whoever waits may wait as somebody new.
            let leases = self.leases_of(number, |_| true);
            self.unknown_to_the_server(now, number, LostReason::Revoked);
            return self.explain(&leases, Some(&refused.message));
        }
        let leases = self.leases_of(number, |_| true);
        self.unknown_to_the_server(now, number, LostReason::NotHeld);
        self.explain(&leases, Some(&refused.message));
        let error = Error::Refused(refused);
        self.fail_pending(number, error.clone());
        if !told {
            let result = Err(error);
            self.events.push_back(Event::Opened { peer: number, result });
            self.forget(number);
        }
    }

    /// A grant of which this client knows nothing, because nobody waits for it here.
    pub(super) fn on_granted_unasked(&mut self, number: PeerNumber, locks: &Locks) {
        self.give_back_the_rest(number, locks, false);
    }

    /// Leases whose locks are there go on with their fences of now; others are lost. `expired`: the server knew the
    /// peer once and has taken the client's word now, so that others may have had the locks meanwhile.
    fn compare(&mut self, now: Time, number: PeerNumber, held: &Locks, expired: bool) {
        let Some(peer) = self.peers.get(&number) else { return };
        for id in peer.leases.clone() {
            if expired || !self.is_held(number, id, held) {
                let reason = if expired { LostReason::Expired } else { LostReason::NotHeld };
                self.lose(now, id, reason);
                continue;
            }
            let Some(lease) = self.leases.get_mut(&id) else { continue };
            for (name, lock) in &mut lease.locks {
                if let Some(there) = held.get(name) {
                    lock.clone_from(there);
                }
            }
        }
    }

    /// Whether the server holds what a lease has, or has corrected it as it was told. Nothing is held of what was not
    /// used.
    fn is_held(&self, number: PeerNumber, id: LeaseId, held: &Locks) -> bool {
        let locks = self.leases.get(&id).into_iter().flat_map(|lease| &lease.locks);
        let mut pairs = locks.map(|(name, lock)| (name, lock.count, held.get(name)));
        pairs.all(|(name, count, there)| match there {
            Some(there) if there.count == count => true,
            Some(there) => self.may_be_settled(number, id, name, there.count),
            None => count == 0,
        })
    }

    /// What the server holds for a peer without a lease, and nobody waits for. What is given back anyhow is given
    /// back once more at most.
    fn give_back_the_rest(&mut self, number: PeerNumber, held: &Locks, pending: bool) {
        let Some(peer) = self.peers.get(&number) else { return };
        let leases = peer.leases.iter().filter_map(|lease| self.leases.get(lease));
        let owned: Vec<_> = leases.flat_map(|lease| lease.locks.keys()).collect();
        let want = peer.pending.as_ref().map(|pending| &pending.ask.want);
        let is_wanted = |name: &str| want.is_some_and(|want| want.has(name));
        let names = held.keys().filter(|name| !owned.contains(name) && !is_wanted(name));
        let giving = Giving {
            names: names.cloned().collect(),
            cancel: pending && want.is_none(),
            ..Giving::default()
        };
        if giving.cancel || !giving.names.is_empty() {
            if let Some(peer) = self.peers.get_mut(&number) {
                peer.unwanted.push(giving);
            }
            self.dirty.insert(number);
        }
    }
}
