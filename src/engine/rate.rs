//! How fast the tokens of a bucket come back.

use super::ids::Count;
use super::time::Span;

/// A bucket's rate: `refill` tokens come back in each `every`, evenly, until it is full.
///
/// A pacer is a bucket of capacity 1: its tokens are at least `every / refill` apart, and idle time earns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    refill: Count,
    every: Span,
    /// How long after it became valid a permit may be used.
    pub slop: Span,
    /// How many tokens may be promised and not yet due.
    pub max_reserved: u32,
}

/// Longest time in which a bucket is refilled.
pub const MAX_EVERY: Span = Span::from_secs(365 * 86_400);

/// So many tokens may be reserved ahead unless the settings say otherwise.
pub const MAX_RESERVED: u32 = 1_000;

impl Rate {
    /// A rate, unless nothing would ever come back: neither number may be zero, nor `every` above [`MAX_EVERY`]. Its
    /// slop is a tenth of the time between two tokens.
    ///
    /// # Examples
    /// ```
    /// use throttle::engine::{Count, Rate, Span};
    ///
    /// let rate = Rate::new(Count::new(10).unwrap(), Span::from_secs(60)).unwrap();
    /// assert_eq!(rate.interval(), Span::from_secs(6));
    /// assert_eq!(rate.slop, Span::from_millis(600));
    /// assert_eq!(Rate::new(Count::new(10).unwrap(), Span::ZERO), None);
    /// ```
    pub fn new(refill: Count, every: Span) -> Option<Self> {
        let possible = refill.get() > 0 && every > Span::ZERO && every <= MAX_EVERY;
        let slop = Span::from_micros(every.as_micros() / u64::from(refill.get().max(1)) / 10);
        possible.then_some(Self { refill, every, slop, max_reserved: MAX_RESERVED })
    }

    /// How many tokens come back in each [`Rate::every`].
    pub const fn refill(self) -> Count {
        self.refill
    }

    /// In which time they come back.
    pub const fn every(self) -> Span {
        self.every
    }

    /// The time between two tokens, cut off to microseconds.
    pub fn interval(self) -> Span {
        Span::from_micros(self.every.as_micros() / u64::from(self.refill.get()))
    }
}
