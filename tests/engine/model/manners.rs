//! How semaphores treat those who wait, in the naive model.

use throttle::engine::{Count, Refusal, SemaphoreName, Span};

use super::Model;

impl Model {
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
