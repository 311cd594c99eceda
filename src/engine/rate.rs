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

/// So many may be reserved ahead whatever the settings say.
pub const MOST_RESERVED: u32 = 1_000_000;

/// What is to be different about a bucket. What is not there stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RateWish {
    /// How many tokens it holds when it is full.
    pub capacity: Option<Count>,
    refill: Option<Count>,
    every: Option<Span>,
    /// `Some(None)`: a tenth of the time between two tokens.
    pub slop: Option<Option<Span>>,
    /// How many tokens may be promised and not yet due.
    pub max_reserved: Option<u32>,
}

impl RateWish {
    /// Nothing but this is to be different, unless nothing would ever come back.
    pub fn new(refill: Option<Count>, every: Option<Span>) -> Option<Self> {
        Rate::new(refill.unwrap_or(Count::ONE), every.unwrap_or(MAX_EVERY))?;
        Some(Self { refill, every, ..Self::default() })
    }

    /// How many tokens are to come back in each [`Rate::every`].
    pub const fn refill(self) -> Option<Count> {
        self.refill
    }

    /// In which time they are to come back.
    pub const fn every(self) -> Option<Span> {
        self.every
    }
}

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
        let slop = usual_slop(refill, every);
        possible.then_some(Self { refill, every, slop, max_reserved: MAX_RESERVED })
    }

    /// What it is when something is different. A slop that nobody has chosen follows the rate.
    pub(super) fn changed(self, wish: RateWish) -> Self {
        let (refill, every) =
            (wish.refill.unwrap_or(self.refill), wish.every.unwrap_or(self.every));
        let chosen = Some(self.slop).filter(|slop| *slop != usual_slop(self.refill, self.every));
        let slop = wish.slop.unwrap_or(chosen).unwrap_or_else(|| usual_slop(refill, every));
        let max_reserved = wish.max_reserved.unwrap_or(self.max_reserved);
        Self { refill, every, slop, max_reserved }
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

fn usual_slop(refill: Count, every: Span) -> Span {
    Span::from_micros(every.as_micros() / u64::from(refill.get().max(1)) / 10)
}
