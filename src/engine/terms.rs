//! What somebody writes about a bucket, in words that are the same in the configuration and in all interfaces.

use super::ids::Count;
use super::rate::Rate;
use super::time::Span;

/// Which of these are there says what it is: a `min_interval` makes it a pacer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How many tokens it holds when it is full.
    pub capacity: Option<Count>,
    /// How many come back in each `every`. `None`: one.
    pub refill: Option<Count>,
    /// In which time they come back.
    pub every: Option<Span>,
    /// The time between two tokens of a pacer.
    pub min_interval: Option<Span>,
    /// How many may be promised and not yet due. `None`: as many as of any bucket.
    pub max_reserved: Option<u32>,
    /// How long after it became valid a permit may be used. `None`: a tenth of the time between two tokens.
    pub slop: Option<Span>,
}

/// A bucket's `capacity`, `refill` and `every`, as far as they are there.
pub type BucketParts = (Option<Count>, Option<Count>, Option<Span>);

impl Terms {
    /// What is said of `capacity`, `refill` and `every`, of a pacer in the terms of a bucket.
    ///
    /// # Errors
    /// Why it makes no sense, as the end of a sentence.
    pub const fn parts(&self) -> Result<BucketParts, &'static str> {
        match *self {
            Self { min_interval: None, capacity, refill, every, .. } => {
                Ok((capacity, refill, every))
            }
            Self {
                min_interval: Some(interval),
                capacity: None,
                refill: None,
                every: None,
                ..
            } => Ok((Some(Count::ONE), Some(Count::ONE), Some(interval))),
            Self { .. } => Err(
                "\"min_interval\" makes it a pacer, which has no \"capacity\", \"refill\" and \"every\"",
            ),
        }
    }

    /// The bucket that is meant: its capacity and its rate.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence.
    pub fn bucket(&self) -> Result<(Count, Rate), &'static str> {
        let (capacity, refill, every) = self.parts()?;
        let capacity = capacity.ok_or("\"capacity\" is missing")?;
        let every = every.ok_or("\"every\" is missing")?;
        // They may come back one by one.
        let rate = Rate::new(refill.unwrap_or(Count::ONE), every);
        let mut rate =
            rate.filter(|_| capacity > Count::ZERO).ok_or("nothing would ever come back")?;
        rate.slop = self.slop.unwrap_or(rate.slop);
        rate.max_reserved = self.max_reserved.unwrap_or(rate.max_reserved);
        Ok((capacity, rate))
    }
}
