//! The client's clock. It never goes back, and where the system has such a clock it counts the time that the machine
//! is asleep: the server's leases run out meanwhile.

use std::fmt;
use std::time::Duration;

/// A point in time, as far as the client needs it: how long after a beginning that stays the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(Duration);

impl Time {
    /// The time that is `since` after the beginning.
    pub(super) const fn after_start(since: Duration) -> Self {
        Self(since)
    }

    /// The time `span` later; the end of time when that is not representable.
    pub(super) const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// The time `span` earlier, but not before the beginning.
    pub(super) const fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }

    /// How long ago `earlier` was, seen from here; zero when it is still to come.
    pub(super) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The time now, by the clock of this machine.
#[cfg(unix)]
pub(super) fn now() -> Time {
    use nix::time::{ClockId, clock_gettime};

    // Elsewhere, such as on macOS, the monotonic clock counts sleep.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

    // A system without its clock cannot be told from one in which no time passes: everything is over then.
    clock_gettime(CLOCK).map_or(Time(Duration::MAX), |time| Time(time.into()))
}

/// The time now, by the clock of this machine.
#[cfg(not(unix))]
pub(super) fn now() -> Time {
    use std::sync::LazyLock;
    use std::time::Instant;

    // On Windows it counts sleep.
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Time(START.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_both_ends() {
        let (start, end) = (Time::default(), Time::after_start(Duration::MAX));
        assert_eq!(end.after(Duration::from_secs(1)), end);
        assert_eq!(start.before(Duration::from_secs(1)), start);
        assert_eq!((start.since(end), end.since(start)), (Duration::ZERO, Duration::MAX));
    }

    #[test]
    fn time_passes() {
        let before = now();
        while now() == before {}
        assert!(now() > before && now().since(before) < Duration::from_secs(3_600));
    }
}
