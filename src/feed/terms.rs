//! What a semaphore or a bucket is told to be, as it is written: by the file, by operators, and as it is.

use serde::{Serialize, Serializer};

use super::shapes::is_false;
use crate::engine::{self, Rate, SemaphoreState, Span};

/// What an operator can change about a semaphore.
#[derive(Debug, Serialize)]
pub(crate) struct State {
    max: u32,
    level: i32,
    paused: bool,
    #[serde(flatten)]
    manners: Manners,
    /// Of a bucket.
    #[serde(flatten)]
    rate: Option<Rated>,
}

/// What the file says of one.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    max: u32,
    level: i32,
    #[serde(flatten)]
    manners: Manners,
    /// Of a bucket.
    #[serde(flatten)]
    rate: Option<Rated>,
}

/// What it is told besides.
#[derive(Debug, Serialize)]
pub(super) struct Manners {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_pending: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_hold_ms: Option<ExactMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_delay_ms: Option<ExactMillis>,
    #[serde(skip_serializing_if = "is_false")]
    slots: bool,
}

/// What is only said of a bucket.
#[derive(Debug, Serialize)]
pub(super) struct Rated {
    refill: u32,
    every_ms: ExactMillis,
    max_reserved: u32,
    slop_ms: ExactMillis,
}

impl State {
    pub(crate) fn of(SemaphoreState { max, level, paused, rate, manners }: SemaphoreState) -> Self {
        Self {
            max: max.get(),
            level: level.0,
            paused,
            manners: Manners::of(manners),
            rate: rate.map(Rated::of),
        }
    }
}

impl Said {
    /// The file pauses nothing.
    pub(super) fn of(
        SemaphoreState { max, level, paused: _, rate, manners }: SemaphoreState,
    ) -> Self {
        Self {
            max: max.get(),
            level: level.0,
            manners: Manners::of(manners),
            rate: rate.map(Rated::of),
        }
    }
}

impl Manners {
    pub(super) fn of(manners: engine::Manners) -> Self {
        let engine::Manners { max_pending, max_hold, lock_delay, slots } = manners;
        Self {
            max_pending,
            max_hold_ms: max_hold.map(ExactMillis),
            lock_delay_ms: (lock_delay > Span::ZERO).then_some(ExactMillis(lock_delay)),
            slots,
        }
    }
}

impl Rated {
    pub(super) fn of(rate: Rate) -> Self {
        Self {
            refill: rate.refill().get(),
            every_ms: ExactMillis(rate.every()),
            max_reserved: rate.max_reserved,
            slop_ms: ExactMillis(rate.slop),
        }
    }
}

/// A length in milliseconds: a whole number where it is one, else with up to three decimals. Rounded, the rate of a
/// bucket would be another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExactMillis(pub(crate) Span);

impl Serialize for ExactMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = self.0.as_micros();
        if micros.is_multiple_of(1_000) {
            serializer.serialize_u64(micros / 1_000)
        } else {
            serializer.serialize_f64(micros as f64 / 1_000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes::json;
    use super::*;

    #[test]
    fn a_length_is_exact_and_whole_where_it_can_be() {
        for (micros, written) in [
            (0, "0"),
            (1, "0.001"),
            (1_500, "1.5"),
            (60_000_000, "60000"),
            (31_535_999_999_999, "31535999999.999"),
        ] {
            assert_eq!(json(&ExactMillis(Span::from_micros(micros))), written);
        }
    }
}
