//! What an engine is made of, as the configuration or a journal says it.

use super::ids::{Count, Fence, Level};
use super::text::SemaphoreName;
use super::time::{Span, Time};

/// All that a fresh engine needs to know. Two engines with equal settings that get equal commands are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The semaphores, each name once.
    pub semaphores: Vec<SemaphoreSettings>,
    /// What the engine refuses.
    pub limits: Limits,
    /// The first grant gets the fence after this one.
    pub last_fence: Fence,
    /// Before this time nothing new is granted: whoever held something before a restart comes back first, by
    /// restoring or resuming. Whoever acquires waits in line, although there may be room.
    pub grants_from: Time,
}

/// One semaphore.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreSettings {
    /// Its name.
    pub name: SemaphoreName,
    /// How much of it may be held at once.
    pub max: Count,
    /// Its place in the lock hierarchy.
    pub level: Level,
}

/// Bounds on what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time to live and longest timeout.
    pub max_expires_in: Span,
    /// Most peers at once.
    pub max_peers: usize,
    /// Most semaphores at once, of those that operators make.
    pub max_semaphores: usize,
}

impl Default for Limits {
    /// A year, a million peers, and ten thousand semaphores.
    fn default() -> Self {
        Self {
            max_expires_in: Span::from_secs(365 * 86_400),
            max_peers: 1_000_000,
            max_semaphores: 10_000,
        }
    }
}
