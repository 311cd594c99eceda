//! How semaphores treat those who wait, in the naive model.

use throttle::engine::{Count, Fence, Lock, PeerId, Refusal, SemaphoreName, Span, Time};

use super::{Model, Over};

/// What an expired peer held, and nobody gets yet.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    name: SemaphoreName,
    fence: Fence,
    count: Count,
    until: Time,
}

impl Model {
    pub(super) fn delay(&mut self, lock: &Lock) {
        let delay = self.semaphore(&lock.name).unwrap().manners.lock_delay;
        if delay > Span::ZERO {
            let (name, until) = (lock.name.clone(), self.now.after(delay));
            self.delays.push(Delay { name, fence: lock.fence, count: lock.count, until });
        }
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
        let first = self.peers.iter().filter(|peer| peer.waits_for(name));
        let first = first.min_by_key(|peer| peer.place());
        let turn =
            first.and_then(|peer| self.turn(peer.place(), &peer.ticket.as_ref().unwrap().parts));
        let kept = bucket.and_then(|bucket| bucket.next_promise());
        let retry_after = turn.into_iter().chain(kept).min();
        let retry_after = retry_after.map_or(Span::from_secs(1), |at| at.since(self.now));
        Err(Refusal::Busy { name: name.clone(), retry_after })
    }
}
