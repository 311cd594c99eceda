//! The engine's time: the wall clock at the start, and from then on a monotonic one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::engine::{Span, Time};

/// Tells the time in microseconds since the Unix epoch. It never goes back, and does not jump when somebody
/// sets the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_at: Time,
}

impl Clock {
    /// A clock that shows the wall clock's time now.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_at: Time::default().after(Span::from(since_epoch)) }
    }

    /// When the clock was started.
    pub const fn started_at(&self) -> Time {
        self.started_at
    }

    /// The time now.
    pub fn now(&self) -> Time {
        self.started_at.after(Span::from(self.started.elapsed()))
    }

    /// The instant at which this clock shows `time`. A time too far away to tell is a day from now: whoever
    /// sleeps until then looks again.
    pub fn instant(&self, time: Time) -> Instant {
        const FAR: Duration = Duration::from_secs(86_400);
        let ahead = Duration::from(time.since(self.now()));
        Instant::now() + ahead.min(FAR)
    }
}
