//! What an engine is made of, as the configuration or a journal says it.

use std::fmt;

use super::ids::{Count, Fence, Level};
use super::manners::Manners;
use super::operation::SemaphoreState;
use super::rate::{MAX_RESERVED, Rate};
use super::text::SemaphoreName;
use super::time::{Span, Time};

/// All that a fresh engine needs to know. Two engines with equal settings that get equal commands are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The semaphores and buckets, each name once.
    pub semaphores: Vec<SemaphoreSettings>,
    /// What the engine refuses.
    pub limits: Limits,
    /// The first grant gets the fence after this one.
    pub last_fence: Fence,
    /// Before this time nothing new is granted: whoever held something before a restart comes back first, by
    /// restoring or resuming. Whoever acquires waits in line, although there may be room.
    pub grants_from: Time,
}

/// What one name stands for: a semaphore or, with a rate, a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreSettings {
    /// Its name.
    pub name: SemaphoreName,
    /// How much of it may be held at once; of a bucket: its capacity, how much may be taken at once.
    pub max: Count,
    /// Its place in the lock hierarchy, which buckets are not in: waiting for time alone ends by itself.
    pub level: Level,
    /// How fast a bucket's tokens come back. `None`: it is a semaphore.
    pub rate: Option<Rate>,
    /// How it treats those who wait.
    pub manners: Manners,
}

impl fmt::Display for SemaphoreSettings {
    /// What there is of it: `5`, `5, level 1`, or `10, 10 every 60s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.max.fmt(f)?;
        let Self { level, rate, manners, .. } = self;
        match (rate, level) {
            (Some(rate), _) => write!(f, ", {} every {}", rate.refill(), rate.every())?,
            (None, Level(0)) => {}
            (None, level) => write!(f, ", level {level}")?,
        }
        manners.fmt(f)
    }
}

impl SemaphoreSettings {
    /// A semaphore.
    pub const fn semaphore(name: SemaphoreName, max: Count, level: Level) -> Self {
        Self { name, max, level, rate: None, manners: Manners::NONE }
    }

    /// What can be changed about it.
    pub(super) fn state(&self, paused: bool) -> SemaphoreState {
        let Self { max, level, rate, manners, .. } = *self;
        SemaphoreState { max, level, paused, rate, manners }
    }

    /// What it is, in words.
    pub(super) fn described(&self) -> String {
        match self.rate {
            None => format!("a semaphore of {}", self.max),
            Some(rate) if rate.max_reserved != MAX_RESERVED => {
                format!("a bucket of {self}, max_reserved {}", rate.max_reserved)
            }
            Some(_) => format!("a bucket of {self}"),
        }
    }

    /// Whether what a client declares is what there is. Its name and its place in the hierarchy are not declared, and
    /// how much may be reserved only if it says so.
    pub(super) fn declares(&self, actual: &Self) -> bool {
        let same = |declared: Rate, actual: Rate| {
            let rates = (declared.refill(), declared.every()) == (actual.refill(), actual.every());
            rates && [MAX_RESERVED, actual.max_reserved].contains(&declared.max_reserved)
        };
        self.max == actual.max
            && match (self.rate, actual.rate) {
                (Some(declared), Some(actual)) => same(declared, actual),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    /// A bucket.
    pub const fn bucket(name: SemaphoreName, capacity: Count, rate: Rate) -> Self {
        let (level, manners) = (Level(0), Manners::NONE);
        Self { name, max: capacity, level, rate: Some(rate), manners }
    }
}

/// Bounds on what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time to live and longest timeout.
    pub max_expires_in: Span,
    /// Most peers at once.
    pub max_peers: usize,
    /// Most semaphores and buckets that operators may bring it to. A configuration may list more.
    pub max_semaphores: usize,
    /// Most keys at once.
    pub max_keyed: usize,
    /// How long a key is remembered that nobody uses.
    pub idle_ttl: Span,
    /// Whether clients may declare names that nobody has listed.
    pub dynamic: bool,
}

impl Default for Limits {
    /// A year, a million peers, ten thousand semaphores and a million keys that are remembered for ten minutes, of
    /// patterns only.
    fn default() -> Self {
        Self {
            max_expires_in: Span::from_secs(365 * 86_400),
            max_peers: 1_000_000,
            max_semaphores: 10_000,
            max_keyed: 1_000_000,
            idle_ttl: Span::from_secs(600),
            dynamic: false,
        }
    }
}
