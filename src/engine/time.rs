//! Time as data: whole microseconds, with checked arithmetic.
//!
//! The engine never asks what time it is. It is told, with every command, so that a script can write time down,
//! a journal can hold it and two nodes can agree on it. Nothing here may read a clock.

use std::fmt;
use std::time::Duration;

/// A point in time, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

/// A length of time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Time {
    /// The time that is `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time `span` later; the end of time (in the year 586,512) when that is not representable.
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// How long ago `earlier` was, seen from here; zero when it is still to come.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A length of `millis` milliseconds; the longest span when that is not representable.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// A length of `secs` seconds; the longest span when that is not representable.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Both lengths together; the longest span when that is not representable.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// How many milliseconds it is, not less than it is: who comes again after them is not too early.
    pub const fn millis_up(self) -> u64 {
        self.0.div_ceil(1_000)
    }

    /// The length in whole milliseconds, not less than it is.
    pub const fn in_millis(self) -> Self {
        Self::from_millis(self.millis_up())
    }

    /// The length in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The length in seconds, as metrics want it.
    pub fn as_secs_f64(self) -> f64 {
        Duration::from(self).as_secs_f64()
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_micros(span.0)
    }
}

/// Parts of a microsecond are cut off; what does not fit becomes the longest span, which every limit refuses.
impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}us", self.0)
    }
}

impl fmt::Display for Span {
    /// In the largest unit that divides the length without a rest: `90s`, `250ms`, `1d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 5] = [
            (86_400_000_000, "d"),
            (3_600_000_000, "h"),
            (60_000_000, "m"),
            (1_000_000, "s"),
            (1_000, "ms"),
        ];
        let unit = UNITS.iter().find(|(micros, _)| self.0 > 0 && self.0.is_multiple_of(*micros));
        let (micros, name) = unit.unwrap_or(&(1, "us"));
        write!(f, "{}{name}", self.0 / micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_both_ends() {
        let last = Time::from_micros(u64::MAX);
        assert_eq!(last.after(Span::from_secs(1)), last);
        assert_eq!(Time::default().since(last), Span::ZERO);
        assert_eq!(last.since(Time::default()), Span::from_micros(u64::MAX));
        assert_eq!(Span::from_secs(u64::MAX), Span::from_micros(u64::MAX));
        assert_eq!(Span::from_secs(1).plus(Span::from_millis(1)), Span::from_millis(1_001));
        assert_eq!(Span::from_secs(1).plus(Span::from_micros(u64::MAX)).as_micros(), u64::MAX);
        assert_eq!(Span::from(Duration::MAX), Span::from_micros(u64::MAX));
    }

    #[test]
    fn a_span_is_written_in_its_largest_whole_unit() {
        let written = |micros| Span::from_micros(micros).to_string();
        assert_eq!(written(0), "0us");
        assert_eq!(written(1_500), "1500us");
        assert_eq!(written(250_000), "250ms");
        assert_eq!(written(90_000_000), "90s");
        assert_eq!(written(300_000_000), "5m");
        assert_eq!(written(31_536_000_000_000), "365d");
    }
}
