//! What is, of each semaphore: read off the engine at the scrape.

use std::sync::{Mutex, PoisonError};

use ahash::HashMap;
use prometheus::{Gauge, GaugeVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::{register, seconds_since};
use crate::engine::{SemaphoreName, SemaphoreSettings, SemaphoreView, Time};

/// Gauges of what is.
#[derive(Debug)]
pub(super) struct Levels {
    families: Families,
    semaphores: Mutex<HashMap<SemaphoreName, Gauges>>,
}

#[derive(Debug)]
struct Families {
    max: IntGaugeVec,
    acquired: IntGaugeVec,
    pending: IntGaugeVec,
    waiters: IntGaugeVec,
    overcommitted: IntGaugeVec,
    paused: IntGaugeVec,
    longest_pending: GaugeVec,
    reserved: IntGaugeVec,
}

/// Those of one semaphore.
#[derive(Debug)]
struct Gauges {
    max: IntGauge,
    acquired: IntGauge,
    pending: IntGauge,
    waiters: IntGauge,
    overcommitted: IntGauge,
    paused: IntGauge,
    longest_pending: Gauge,
    /// Of a bucket.
    reserved: Option<IntGauge>,
}

impl Levels {
    pub(super) fn new(
        registry: &Registry,
        semaphores: &[SemaphoreSettings],
    ) -> prometheus::Result<Self> {
        let families = Families::new(registry)?;
        let gauges = semaphores.iter().map(|SemaphoreSettings { name, rate, .. }| {
            let is_bucket = rate.is_some() && !name.is_pattern();
            (name.clone(), families.of(name, is_bucket))
        });
        let gauges = gauges.collect();
        Ok(Self { families, semaphores: Mutex::new(gauges) })
    }

    /// Makes the gauges show what the engine says.
    pub(super) fn set(&self, semaphores: &[SemaphoreView], now: Time) {
        // No panic is possible while it is locked that leaves it half done.
        let mut before = self.semaphores.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after = HashMap::default();
        for view in semaphores {
            let known = before.remove_entry(&view.name);
            // What is promised of the keys of a pattern is not known of all together.
            let bucket = view.bucket.as_ref().filter(|_| view.keys.is_none());
            let (name, mut gauges) = known.unwrap_or_else(|| {
                (view.name.clone(), self.families.of(&view.name, bucket.is_some()))
            });
            if gauges.reserved.is_some() != bucket.is_some() {
                self.families.forget(&name);
                gauges = self.families.of(&name, bucket.is_some());
            }
            gauges.set(view, now);
            after.insert(name, gauges);
        }
        #[allow(clippy::iter_over_hash_type, reason = "all are forgotten, in whatever order")]
        for name in before.keys() {
            self.families.forget(name);
        }
        *before = after;
    }
}

impl Families {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let gauges = |name, help| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), &["semaphore"])?;
            register(registry, &gauges)?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let longest = Opts::new(
            "throttle_longest_pending_sec",
            "How long the longest wait for a semaphore is",
        );
        let longest_pending = GaugeVec::new(longest, &["semaphore"])?;
        register(registry, &longest_pending)?;
        Ok(Self {
            max: gauges("throttle_max", "How much of a semaphore may be held at once")?,
            acquired: gauges("throttle_acquired", "How much of a semaphore is held")?,
            pending: gauges("throttle_pending", "How much of a semaphore is waited for")?,
            waiters: gauges("throttle_waiters", "How many peers wait for a semaphore")?,
            overcommitted: gauges(
                "throttle_overcommitted",
                "How much of a semaphore is held above its max: after restores, or since an operator lowered it",
            )?,
            paused: gauges("throttle_paused", "Whether an operator has paused a semaphore")?,
            reserved: gauges(
                "throttle_reserved",
                "How many tokens of a bucket are promised over REST, and not yet due",
            )?,
            longest_pending,
        })
    }

    fn of(&self, name: &SemaphoreName, is_bucket: bool) -> Gauges {
        let name = &[name.as_str()];
        Gauges {
            max: self.max.with_label_values(name),
            acquired: self.acquired.with_label_values(name),
            pending: self.pending.with_label_values(name),
            waiters: self.waiters.with_label_values(name),
            overcommitted: self.overcommitted.with_label_values(name),
            paused: self.paused.with_label_values(name),
            longest_pending: self.longest_pending.with_label_values(name),
            reserved: is_bucket.then(|| self.reserved.with_label_values(name)),
        }
    }

    /// The semaphore is no more. What is not there need not be removed.
    fn forget(&self, name: &SemaphoreName) {
        let name = &[name.as_str()];
        let Self { max, acquired, pending, waiters, overcommitted, paused, .. } = self;
        for gauges in [max, acquired, pending, waiters, overcommitted, paused, &self.reserved] {
            let _ = gauges.remove_label_values(name);
        }
        let _ = self.longest_pending.remove_label_values(name);
    }
}

impl Gauges {
    fn set(&self, view: &SemaphoreView, now: Time) {
        self.max.set(i64::from(view.max.get()));
        self.acquired.set(i64::try_from(view.held).unwrap_or(i64::MAX));
        self.pending.set(i64::try_from(view.pending).unwrap_or(i64::MAX));
        self.waiters.set(i64::try_from(view.waiters).unwrap_or(i64::MAX));
        self.overcommitted.set(view.remainder().min(0).saturating_neg());
        self.paused.set(i64::from(view.paused));
        self.longest_pending.set(seconds_since(view.waiting_since, now));
        if let (Some(reserved), Some(bucket)) = (&self.reserved, &view.bucket) {
            reserved.set(i64::try_from(bucket.reserved).unwrap_or(i64::MAX));
        }
    }
}
