//! What the engine does, counted as it happens, and what it holds, read at the scrape.

use ahash::HashMap;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};

use super::register;
use crate::engine::{
    Change, Effect, Outcome, Refusal, ReleaseReason, Reply, SemaphoreName, SemaphoreSettings,
    most_specific,
};
use crate::runtime::Observer;

/// Upper bounds in seconds: from hand-offs within a machine to jobs of an hour.
const BUCKETS: [f64; 12] =
    [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

/// In the order of [`slot`].
const RELEASE_REASONS: [&str; 5] = ["released", "closed", "expired", "disconnected", "revoked"];

type BySemaphore<T> = HashMap<SemaphoreName, T>;

/// Counters of what happens.
#[derive(Debug)]
pub(super) struct LeaseMetrics {
    families: Families,
    semaphores: BySemaphore<Counters>,
    /// Those of the names above that stand for many.
    patterns: Vec<SemaphoreName>,
    expirations: IntCounter,
    restores: IntCounter,
    reservations: IntCounter,
    /// In the order of [`Refusal::CODES`].
    refusals: [IntCounter; Refusal::CODES.len()],
}

/// Those that each semaphore has a part of.
#[derive(Debug)]
struct Families {
    grants: IntCounterVec,
    releases: IntCounterVec,
    wait: HistogramVec,
    hold: HistogramVec,
}

/// Those of one semaphore.
#[derive(Debug)]
struct Counters {
    grants: IntCounter,
    releases: [IntCounter; RELEASE_REASONS.len()],
    wait: Histogram,
    hold: Histogram,
}

impl Families {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            grants: counters(
                registry,
                "throttle_grants_total",
                "Locks that were granted",
                &["semaphore"],
            )?,
            releases: counters(
                registry,
                "throttle_releases_total",
                "Locks that ended, by why",
                &["semaphore", "reason"],
            )?,
            wait: histogram(
                registry,
                "throttle_wait_seconds",
                "From acquire to grant; zero when at once",
            )?,
            hold: histogram(registry, "throttle_hold_seconds", "From grant to release")?,
        })
    }

    fn of(&self, name: &SemaphoreName) -> Counters {
        let name = name.as_str();
        Counters {
            grants: self.grants.with_label_values(&[name]),
            releases: RELEASE_REASONS
                .map(|reason| self.releases.with_label_values(&[name, reason])),
            wait: self.wait.with_label_values(&[name]),
            hold: self.hold.with_label_values(&[name]),
        }
    }

    /// The semaphore is no more. What is not there need not be removed.
    fn forget(&self, name: &SemaphoreName) {
        let name = name.as_str();
        let _ = self.grants.remove_label_values(&[name]);
        let _ = self.wait.remove_label_values(&[name]);
        let _ = self.hold.remove_label_values(&[name]);
        for reason in RELEASE_REASONS {
            let _ = self.releases.remove_label_values(&[name, reason]);
        }
    }
}

impl LeaseMetrics {
    pub(super) fn new(
        registry: &Registry,
        semaphores: &[SemaphoreSettings],
    ) -> prometheus::Result<Self> {
        let families = Families::new(registry)?;
        let refusals = counters(
            registry,
            "throttle_refusals_total",
            "Commands that were refused, by why",
            &["code"],
        )?;
        let names: Vec<_> = semaphores.iter().map(|semaphore| semaphore.name.clone()).collect();
        Ok(Self {
            patterns: names.iter().filter(|name| name.is_pattern()).cloned().collect(),
            semaphores: names.into_iter().map(|name| (name.clone(), families.of(&name))).collect(),
            families,
            expirations: counter(registry, "throttle_expirations_total", "Peers that expired")?,
            restores: counter(
                registry,
                "throttle_restores_total",
                "Restores of peers that were accepted, repeated ones included",
            )?,
            reservations: counter(
                registry,
                "throttle_reservations_total",
                "Permits that were promised over REST, those that were due at once included",
            )?,
            refusals: Refusal::CODES.map(|code| refusals.with_label_values(&[code])),
        })
    }

    fn count_reply(&mut self, reply: &Result<Reply, Refusal>) {
        match reply {
            Ok(Reply::Restored { .. }) => self.restores.inc(),
            Ok(Reply::Reserved { .. }) => self.reservations.inc(),
            Ok(Reply::Changed(changes)) => changes.iter().for_each(|change| self.change(change)),
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
                | Reply::Settled
                | Reply::BackedOff { .. }
                | Reply::Revoked { .. }
                | Reply::Expired { .. },
            ) => {}
        }
    }

    fn change(&mut self, Change { name, before, after }: &Change) {
        match (before, after) {
            (None, Some(_)) => {
                self.semaphores.insert(name.clone(), self.families.of(name));
                self.patterns.extend(name.is_pattern().then(|| name.clone()));
            }
            (_, None) => {
                self.semaphores.remove(name);
                self.patterns.retain(|pattern| pattern != name);
                self.families.forget(name);
            }
            (Some(_), Some(_)) => {}
        }
    }

    /// A key counts as its pattern: there may be any number of them, and clients choose their names.
    fn of(&self, name: &SemaphoreName) -> Option<&Counters> {
        let listed = self.semaphores.get(name);
        listed.or_else(|| self.semaphores.get(most_specific(self.patterns.iter(), name)?))
    }

    fn count_effect(&self, effect: &Effect) {
        match effect {
            Effect::Granted { locks, waited, .. } => {
                for counters in locks.iter().filter_map(|lock| self.of(&lock.name)) {
                    counters.grants.inc();
                    counters.wait.observe(waited.as_secs_f64());
                }
            }
            Effect::Released { lock, held, reason, .. } => {
                if let Some(counters) = self.of(&lock.name) {
                    counters.releases[slot(*reason)].inc();
                    counters.hold.observe(held.as_secs_f64());
                }
            }
            Effect::Expired { .. } => self.expirations.inc(),
            Effect::Ended { .. }
            | Effect::Restored { .. }
            | Effect::Closed { .. }
            | Effect::Yield { .. }
            | Effect::Revoked { .. }
            | Effect::Superseded { .. } => {}
        }
    }
}

impl Observer for LeaseMetrics {
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
        ReleaseReason::Revoked => 4,
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
