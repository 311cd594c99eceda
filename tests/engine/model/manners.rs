//! How semaphores treat those who wait, in the naive model.

use std::collections::BTreeSet;

use throttle::engine::{
    Claims, Count, Fence, Label, Lock, Manners, PeerId, Refusal, SemaphoreName, Span, Time,
};

use super::{Model, Over};

/// What an expired peer held, and nobody gets yet.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    name: SemaphoreName,
    fence: Fence,
    count: Count,
    until: Time,
    slots: Box<[u32]>,
}

impl Model {
    pub(super) fn delay(&mut self, lock: &Lock) {
        let delay = self.semaphore(&lock.name).unwrap().manners.lock_delay;
        if delay > Span::ZERO {
            let (name, until) = (lock.name.clone(), self.now.after(delay));
            let (fence, count, slots) = (lock.fence, lock.count, lock.slots.clone());
            self.delays.push(Delay { name, fence, count, until, slots });
        }
    }

    /// How long before the end a holder is told.
    fn notice(max_hold: Span) -> Span {
        Span::from_micros(max_hold.as_micros().div_ceil(10).min(10_000_000))
    }

    fn max_hold(&self, name: &SemaphoreName) -> Option<Span> {
        self.semaphore(name).ok()?.manners.max_hold
    }

    fn tell_at(&self, lock: &Lock) -> Option<Time> {
        let max_hold = self.max_hold(&lock.name)?;
        let told_after = max_hold.as_micros() - Self::notice(max_hold).as_micros();
        Some(lock.since.after(Span::from_micros(told_after.max(1))))
    }

    /// When holders have to be told who were not told yet.
    pub(super) fn overdue_deadlines(&self) -> impl Iterator<Item = (Time, Over, PeerId)> {
        self.peers.iter().flat_map(move |peer| {
            let locks = peer.locks.iter().filter(|lock| !self.told.contains(&lock.fence));
            locks.filter_map(|lock| Some((self.tell_at(lock)?, Over::TooLong(lock.fence), peer.id)))
        })
    }

    pub(super) fn overdue(&mut self, fence: Fence, id: PeerId) {
        let Some(peer) = self.peer(id) else { return };
        let Some(lock) = peer.locks.iter().find(|lock| lock.fence == fence).cloned() else {
            return;
        };
        let Some(max_hold) = self.max_hold(&lock.name) else { return };
        self.told.push(fence);
        let why = Label::new(&format!("it may be held for {max_hold} at most")).unwrap();
        self.revoke_later(id, Some(fence), Self::notice(max_hold), Some(&why));
    }

    /// There is another bound: who should have been told is told, and the others later.
    pub(super) fn set_manners(&mut self, name: &SemaphoreName, before: Manners, now: Manners) {
        if before.max_hold == now.max_hold {
            return;
        }
        for (peer, _, lock) in self.holders(name) {
            self.told.retain(|fence| *fence != lock.fence);
            if self.tell_at(&lock).is_some_and(|at| at <= self.now) {
                self.overdue(lock.fence, peer);
            }
        }
    }

    /// The smallest numbers that nobody has, those that are claimed before others.
    pub(super) fn slots(&self, name: &SemaphoreName, count: Count, claims: &Claims) -> Box<[u32]> {
        if !self.semaphore(name).unwrap().manners.slots {
            return Box::default();
        }
        let locks = self.peers.iter().filter_map(|peer| peer.lock(name));
        let locks = locks.flat_map(|lock| lock.slots.iter().copied());
        let delays = self.delays.iter().filter(|delay| delay.name == *name);
        let taken: BTreeSet<u32> =
            locks.chain(delays.flat_map(|delay| delay.slots.iter().copied())).collect();
        let claimed = claims.iter().filter(|(claimed, _)| *claimed == name);
        let claimed =
            claimed.flat_map(|(_, slots)| slots.iter().copied().filter(|it| *it < 10_000));
        let mut slots = BTreeSet::new();
        for slot in claimed.chain(0..10_000).filter(|slot| !taken.contains(slot)) {
            if slots.len() == count.get() as usize {
                break;
            }
            slots.insert(slot);
        }
        slots.into_iter().collect()
    }

    pub(crate) fn delayed(&self, name: &SemaphoreName) -> u64 {
        let delays = self.delays.iter().filter(|delay| delay.name == *name);
        delays.map(|delay| u64::from(delay.count.get())).sum()
    }

    pub(super) fn delay_deadlines(&self) -> impl Iterator<Item = (Time, Over, PeerId)> {
        let nobody = PeerId::Rest(0);
        self.delays.iter().map(move |delay| (delay.until, Over::Delay(delay.fence), nobody))
    }

    pub(super) fn delay_due(&mut self, fence: Fence) {
        let Some(at) = self.delays.iter().position(|delay| delay.fence == fence) else { return };
        let delay = self.delays.remove(at);
        self.touch(&delay.name);
    }

    pub(super) fn forget_delays(&mut self, name: &SemaphoreName) {
        self.delays.retain(|delay| delay.name != *name);
    }

    pub(super) fn check_line(&self, name: &SemaphoreName, count: Count) -> Result<(), Refusal> {
        let bucket = self.bucket(name);
        let most = match bucket {
            Some(bucket) => bucket.max_reserved(),
            None => match self.semaphore(name)?.manners.max_pending {
                Some(most) => most.into(),
                None => return Ok(()),
            },
        };
        let promised = bucket.map_or(0, |bucket| bucket.promised());
        if promised + self.pending(name) + u64::from(count.get()) <= most {
            return Ok(());
        }
        let waiting = self.peers.iter().filter(|peer| peer.waits_for(name));
        let first = waiting.filter(|peer| self.stands(peer, name));
        let first = first.min_by_key(|peer| peer.place());
        let turn =
            first.and_then(|peer| self.turn(peer.place(), &peer.ticket.as_ref().unwrap().parts));
        let kept = bucket.and_then(|bucket| bucket.next_promise());
        let retry_after = turn.into_iter().chain(kept).min();
        let retry_after = retry_after.map_or(Span::from_secs(1), |at| at.since(self.now));
        Err(Refusal::Busy { name: name.clone(), retry_after })
    }
}
