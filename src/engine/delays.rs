//! What an expired peer held is not given to others at once: its program may still be running.

use std::collections::BTreeMap;

use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, Fence};
use super::peers::Hold;
use super::semaphores::SemaphoreIndex;
use super::time::{Span, Time};

/// What is blocked of one semaphore, by the fences of the locks that it was held with.
#[derive(Debug, Default, Hash)]
pub(super) struct Delays {
    /// Sum of the counts.
    sum: u64,
    by_fence: BTreeMap<Fence, (Count, Time)>,
}

impl Delays {
    pub(super) const fn sum(&self) -> u64 {
        self.sum
    }

    /// Each with its count and its end, in the order of the fences.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Fence, Count, Time)> {
        self.by_fence.iter().map(|(fence, (count, until))| (*fence, *count, *until))
    }

    fn add(&mut self, fence: Fence, count: Count, until: Time) {
        self.sum += u64::from(count.get());
        self.by_fence.insert(fence, (count, until));
    }

    fn remove(&mut self, fence: Fence) -> Option<Count> {
        let (count, _) = self.by_fence.remove(&fence)?;
        self.sum -= u64::from(count.get());
        Some(count)
    }
}

impl Engine {
    /// Blocks what was held, numbers included, if the semaphore is one of those that want it.
    pub(super) fn delay(&mut self, hold: &Hold) -> bool {
        let semaphore = self.semaphores.get_mut(hold.semaphore);
        let lock_delay = semaphore.manners.lock_delay;
        if lock_delay == Span::ZERO {
            return false;
        }
        let until = self.now.after(lock_delay);
        semaphore.delays.add(hold.fence, hold.count, until);
        self.deadlines.add(until, Due::Delay(hold.fence, hold.semaphore));
        let count = u64::from(hold.count.get());
        self.semaphores.tally(hold.semaphore, self.now, |sums| sums.delayed += count);
        true
    }

    pub(super) fn delay_due(&mut self, fence: Fence, index: SemaphoreIndex) {
        let semaphore = self.semaphores.get_mut(index);
        let Some(count) = semaphore.delays.remove(fence) else { return };
        semaphore.take_numbers_back(fence, 0);
        let count = u64::from(count.get());
        self.semaphores.tally(index, self.now, |sums| sums.delayed -= count);
        self.semaphores.stir(index);
    }

    /// Nothing is blocked any more: the semaphore goes.
    pub(super) fn forget_delays(&mut self, index: SemaphoreIndex) {
        let delays: Vec<_> = self.semaphores.get(index).delays.iter().collect();
        for (fence, _, until) in delays {
            self.deadlines.remove(until, Due::Delay(fence, index));
            self.delay_due(fence, index);
        }
    }
}
