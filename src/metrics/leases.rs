//! What the engine does, counted as it happens, and what it holds, read at the scrape.

use std::sync::Arc;

use ahash::HashMap;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use super::{register, seconds_since};
use crate::engine::{
    Effect, Outcome, Refusal, ReleaseReason, Reply, SemaphoreName, SemaphoreSettings,
    SemaphoreView, Time,
};
use crate::runtime::Observer;

/// Upper bounds in seconds: from hand-offs within a machine to jobs of an hour.
const BUCKETS: [f64; 12] =
    [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

/// In the order of [`slot`].
const RELEASE_REASONS: [&str; 4] = ["released", "closed", "expired", "disconnected"];

type BySemaphore<T> = HashMap<SemaphoreName, T>;

/// Counters of what happens.
#[derive(Debug)]
pub(super) struct LeaseMetrics {
    semaphores: BySemaphore<Counters>,
    expirations: IntCounter,
    restores: IntCounter,
    /// In the order of [`Refusal::CODES`].
    refusals: [IntCounter; Refusal::CODES.len()],
}

/// Those of one semaphore.
#[derive(Debug)]
struct Counters {
    grants: IntCounter,
    releases: [IntCounter; RELEASE_REASONS.len()],
    wait: Histogram,
    hold: Histogram,
}

impl LeaseMetrics {
    pub(super) fn new(
        registry: &Registry,
        semaphores: &[SemaphoreSettings],
    ) -> prometheus::Result<Self> {
        let grants =
            counters(registry, "throttle_grants_total", "Locks that were granted", &["semaphore"])?;
        let releases = counters(
            registry,
            "throttle_releases_total",
            "Locks that ended, by why",
            &["semaphore", "reason"],
        )?;
        let wait = histogram(
            registry,
            "throttle_wait_seconds",
            "From acquire to grant; zero when at once",
        )?;
        let hold = histogram(registry, "throttle_hold_seconds", "From grant to release")?;
        let refusals = counters(
            registry,
            "throttle_refusals_total",
            "Commands that were refused, by why",
            &["code"],
        )?;
        let counters_of = |name: &str| Counters {
            grants: grants.with_label_values(&[name]),
            releases: RELEASE_REASONS.map(|reason| releases.with_label_values(&[name, reason])),
            wait: wait.with_label_values(&[name]),
            hold: hold.with_label_values(&[name]),
        };
        let semaphores = semaphores.iter().map(|semaphore| &semaphore.name);
        Ok(Self {
            semaphores: semaphores.map(|name| (name.clone(), counters_of(name.as_str()))).collect(),
            expirations: counter(registry, "throttle_expirations_total", "Peers that expired")?,
            restores: counter(
                registry,
                "throttle_restores_total",
                "Restores of peers that were accepted, repeated ones included",
            )?,
            refusals: Refusal::CODES.map(|code| refusals.with_label_values(&[code])),
        })
    }

    fn count_reply(&self, reply: &Result<Reply, Refusal>) {
        match reply {
            Ok(Reply::Restored { .. }) => self.restores.inc(),
            Err(refusal) => {
                if let Ok(code) = Refusal::CODES.binary_search(&refusal.code()) {
                    self.refusals[code].inc();
                }
            }
            Ok(
                Reply::Opened
                | Reply::KeptAlive
                | Reply::Bound { .. }
                | Reply::Disconnected { .. }
                | Reply::Closed
                | Reply::Held { .. }
                | Reply::Queued { .. }
                | Reply::Released { .. }
                | Reply::Cancelled { .. }
                | Reply::Expired { .. },
            ) => {}
        }
    }

    fn count_effect(&self, effect: &Effect) {
        match effect {
            Effect::Granted { locks, waited, .. } => {
                for counters in locks.iter().filter_map(|lock| self.semaphores.get(&lock.name)) {
                    counters.grants.inc();
                    counters.wait.observe(waited.as_secs_f64());
                }
            }
            Effect::Released { lock, held, reason, .. } => {
                if let Some(counters) = self.semaphores.get(&lock.name) {
                    counters.releases[slot(*reason)].inc();
                    counters.hold.observe(held.as_secs_f64());
                }
            }
            Effect::Expired { .. } => self.expirations.inc(),
            Effect::Ended { .. }
            | Effect::Restored { .. }
            | Effect::Closed { .. }
            | Effect::Superseded { .. } => {}
        }
    }
}

impl Observer for Arc<LeaseMetrics> {
    fn observe(&mut self, outcome: &Outcome) {
        self.count_reply(&outcome.reply);
        for effect in &outcome.effects {
            self.count_effect(effect);
        }
    }
}

const fn slot(reason: ReleaseReason) -> usize {
    match reason {
        ReleaseReason::Released => 0,
        ReleaseReason::Closed => 1,
        ReleaseReason::Expired => 2,
        ReleaseReason::Disconnected => 3,
    }
}

/// Gauges of what is.
#[derive(Debug)]
pub(super) struct Levels(BySemaphore<Gauges>);

/// Those of one semaphore.
#[derive(Debug)]
struct Gauges {
    max: IntGauge,
    acquired: IntGauge,
    pending: IntGauge,
    waiters: IntGauge,
    overcommitted: IntGauge,
    longest_pending: Gauge,
}

impl Levels {
    pub(super) fn new(
        registry: &Registry,
        semaphores: &[SemaphoreSettings],
    ) -> prometheus::Result<Self> {
        let gauges = |name, help| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), &["semaphore"])?;
            register(registry, &gauges)?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let max = gauges("throttle_max", "How much of a semaphore may be held at once")?;
        let acquired = gauges("throttle_acquired", "How much of a semaphore is held")?;
        let pending = gauges("throttle_pending", "How much of a semaphore is waited for")?;
        let waiters = gauges("throttle_waiters", "How many peers wait for a semaphore")?;
        let overcommitted = gauges(
            "throttle_overcommitted",
            "How much of a semaphore is held above its max, after restores",
        )?;
        let longest = Opts::new(
            "throttle_longest_pending_sec",
            "How long the longest wait for a semaphore is",
        );
        let longest = GaugeVec::new(longest, &["semaphore"])?;
        register(registry, &longest)?;
        let gauges_of = |name: &str| Gauges {
            max: max.with_label_values(&[name]),
            acquired: acquired.with_label_values(&[name]),
            pending: pending.with_label_values(&[name]),
            waiters: waiters.with_label_values(&[name]),
            overcommitted: overcommitted.with_label_values(&[name]),
            longest_pending: longest.with_label_values(&[name]),
        };
        let semaphores = semaphores.iter().map(|semaphore| &semaphore.name);
        Ok(Self(semaphores.map(|name| (name.clone(), gauges_of(name.as_str()))).collect()))
    }

    /// Makes the gauges show what the engine says.
    pub(super) fn set(&self, semaphores: &[SemaphoreView], now: Time) {
        for view in semaphores {
            let Some(gauges) = self.0.get(&view.name) else { continue };
            gauges.max.set(i64::from(view.max.get()));
            gauges.acquired.set(i64::try_from(view.held).unwrap_or(i64::MAX));
            gauges.pending.set(i64::try_from(view.pending).unwrap_or(i64::MAX));
            gauges.waiters.set(i64::try_from(view.waiters).unwrap_or(i64::MAX));
            gauges.overcommitted.set(view.remainder().min(0).saturating_neg());
            gauges.longest_pending.set(seconds_since(view.waiting_since, now));
        }
    }
}

fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    let counter = IntCounter::new(name, help)?;
    register(registry, &counter)?;
    Ok(counter)
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    register(registry, &counters)?;
    Ok(counters)
}

fn histogram(registry: &Registry, name: &str, help: &str) -> prometheus::Result<HistogramVec> {
    let opts = HistogramOpts::new(name, help).buckets(BUCKETS.into());
    let histogram = HistogramVec::new(opts, &["semaphore"])?;
    register(registry, &histogram)?;
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_can_be_searched() {
        assert!(Refusal::CODES.is_sorted());
    }
}
