//! What operators want to be different about a semaphore or a bucket, and what it is then.

use super::ids::{Count, Level};
use super::manners::Manners;
use super::numbers::MAX_SLOTS;
use super::operation::SemaphoreState;
use super::rate::RateWish;
use super::refusal::Refusal;
use super::text::SemaphoreName;
use super::time::Span;

/// What is to be different. What is not there stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wish {
    /// How much of it may be held at once; of a bucket, its capacity.
    pub max: Option<Count>,
    /// Its place in the lock hierarchy. A bucket has none.
    pub level: Option<Level>,
    /// Whether to grant nothing until it is resumed. To resume a bucket also opens it, if a client has closed it.
    pub paused: Option<bool>,
    /// How it treats those who wait. A bucket has none of it.
    pub manners: MannersWish,
    /// What only a bucket has.
    pub rate: RateWish,
}

/// What is to be different about [`Manners`]. What is not there stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MannersWish {
    /// `Some(None)`: there is no bound any more.
    pub max_pending: Option<Option<u32>>,
    /// `Some(None)`: there is no bound any more.
    pub max_hold: Option<Option<Span>>,
    /// Zero: nothing is blocked any more.
    pub lock_delay: Option<Span>,
    /// Whether locks get numbers.
    pub slots: Option<bool>,
}

impl Wish {
    /// What it is then.
    pub(super) fn on(
        &self,
        name: &SemaphoreName,
        before: SemaphoreState,
    ) -> Result<SemaphoreState, Refusal> {
        let Self { max, level, paused, manners, rate: wanted } = *self;
        let rate = match before.rate {
            None if wanted == RateWish::default() => None,
            None => return Err(Refusal::NotABucket(name.clone())),
            Some(_) if level.is_some() || manners != MannersWish::default() => {
                return Err(Refusal::NotASemaphore(name.clone()));
            }
            Some(rate) => Some(rate.changed(wanted)),
        };
        let after = SemaphoreState {
            max: wanted.capacity.or(max).unwrap_or(before.max),
            level: level.unwrap_or(before.level),
            paused: paused.unwrap_or(before.paused),
            rate,
            manners: before.manners.changed(manners),
        };
        check_slots(name, after.max, after.manners)?;
        Ok(after)
    }
}

impl Manners {
    /// What they are when something is different.
    #[must_use]
    pub fn changed(self, wish: MannersWish) -> Self {
        let MannersWish { max_pending, max_hold, lock_delay, slots } = wish;
        Self {
            max_pending: max_pending.unwrap_or(self.max_pending),
            max_hold: max_hold.unwrap_or(self.max_hold),
            lock_delay: lock_delay.unwrap_or(self.lock_delay),
            slots: slots.unwrap_or(self.slots),
        }
    }
}

/// There must be a number for each lock.
pub(super) fn check_slots(
    name: &SemaphoreName,
    max: Count,
    manners: Manners,
) -> Result<(), Refusal> {
    if manners.slots && max.get() > MAX_SLOTS {
        return Err(Refusal::TooManySlots { name: name.clone(), max });
    }
    Ok(())
}
