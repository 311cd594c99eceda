//! Queues with manners: how a semaphore treats those who wait for it.

use std::fmt;

use super::bucket::RETRY;
use super::core::Engine;
use super::ids::Count;
use super::refusal::Refusal;
use super::semaphores::SemaphoreIndex;
use super::time::Span;

/// What a semaphore is told beyond how much there is of it. A bucket has none of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Manners {
    /// How much of it may be waited for at once. Who would wait for more is refused. `None`: there is no bound.
    pub max_pending: Option<u32>,
    /// For so long a lock may be held; then it is taken away. `None`: for as long as its peer lives.
    pub max_hold: Option<Span>,
    /// For so long nobody else gets what was held by a peer that has expired.
    pub lock_delay: Span,
    /// Whether each lock also gets distinct numbers.
    pub slots: bool,
}

/// Longest time for which a lock may be held, or stay blocked.
pub const LONGEST_HOLD: Span = Span::from_secs(365 * 86_400);

impl Manners {
    /// None of it: whoever wants waits.
    pub const NONE: Self =
        Self { max_pending: None, max_hold: None, lock_delay: Span::ZERO, slots: false };
}

impl fmt::Display for Manners {
    /// Behind what else there is to say: `, max_pending 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_pending, max_hold, lock_delay, slots } = self;
        if let Some(most) = max_pending {
            write!(f, ", max_pending {most}")?;
        }
        if let Some(longest) = max_hold {
            write!(f, ", max_hold {longest}")?;
        }
        if *lock_delay > Span::ZERO {
            write!(f, ", lock_delay {lock_delay}")?;
        }
        if *slots { f.write_str(", slots") } else { Ok(()) }
    }
}

impl Engine {
    /// Whether so much more may be waited for.
    pub(super) fn check_line(&self, index: SemaphoreIndex, count: Count) -> Result<(), Refusal> {
        let semaphore = self.semaphores.get(index);
        let bucket = semaphore.bucket.as_ref();
        let most = bucket.map_or(semaphore.manners.max_pending, |it| Some(it.rate.max_reserved));
        let reserved = bucket.map_or(0, |bucket| bucket.reserved());
        let ahead = reserved + semaphore.pending + u64::from(count.get());
        if most.is_none_or(|most| ahead <= u64::from(most)) {
            return Ok(());
        }
        let first =
            semaphore.queue.first().and_then(|(_, slot)| self.peers.get(slot).ticket.as_ref());
        let turn = first.and_then(|ticket| ticket.turn);
        let reserved = bucket.and_then(|bucket| bucket.next_reserved());
        let retry_after = turn.into_iter().chain(reserved).min();
        let retry_after = retry_after.map_or(RETRY, |at| at.since(self.now));
        Err(Refusal::Busy { name: semaphore.name.clone(), retry_after })
    }
}
