//! The timer by which hyper limits how long the head of a request may take.
//!
//! hyper starts it as soon as the request before is answered. With a plain timer, every connection that is idle for
//! as long as a head may take would be closed, often just when its client sends the next request. This one knows
//! whether a head has begun: a head has `limit`, a connection that is silent between two requests has [`IDLE`].
//! A new connection has `limit` for its first head, silent or not.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// How long a connection may be silent between two requests. Longer than common clients keep theirs: the side that
/// sends knows best when to close.
const IDLE: Duration = Duration::from_secs(120);

/// The timer of one connection. Clones are the same timer.
#[derive(Clone)]
pub(super) struct HeadTimer(Arc<State>);

struct State {
    opened: Instant,
    limit: Duration,
    /// When the first byte of a head came, in microseconds after `opened`, and 1 more: 0 is silence.
    heard_at: AtomicU64,
    /// Rings at least every `limit` while a head is waited for. One for all heads: setting up a new one for each
    /// request would take the lock of the runtime's timers twice.
    alarm: Mutex<Pin<Box<tokio::time::Sleep>>>,
}

impl HeadTimer {
    pub(super) fn new(limit: Duration) -> Self {
        Self(Arc::new(State {
            opened: Instant::now(),
            limit,
            heard_at: AtomicU64::new(1),
            alarm: Mutex::new(Box::pin(tokio::time::sleep(limit))),
        }))
    }

    /// Bytes came in.
    pub(super) fn heard(&self) {
        if self.0.heard_at.load(Ordering::Relaxed) == 0 {
            let micros = u64::try_from(self.0.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.0.heard_at.store(micros.saturating_add(1), Ordering::Relaxed);
        }
    }

    /// What came in until now belongs to a request that is being served.
    pub(super) fn rest(&self) {
        self.0.heard_at.store(0, Ordering::Relaxed);
    }
}

impl State {
    /// When waiting for a head is over, as it looks now.
    fn due(&self, idle_until: Instant) -> Instant {
        match self.heard_at.load(Ordering::Relaxed).checked_sub(1) {
            Some(micros) => self.opened + Duration::from_micros(micros) + self.limit,
            None => idle_until,
        }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    /// hyper says when a head must be there that is waited for from now on: `limit` from now.
    fn sleep_until(&self, head_due: Instant) -> Pin<Box<dyn Sleep>> {
        let idle_until = head_due + IDLE.saturating_sub(self.0.limit);
        Box::pin(HeadSleep { state: Arc::clone(&self.0), idle_until })
    }
}

struct HeadSleep {
    state: Arc<State>,
    idle_until: Instant,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.state.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            let due = self.state.due(self.idle_until);
            if due <= now {
                return Poll::Ready(());
            }
            // In silence a head may begin at any time: look again before it would be over.
            alarm.as_mut().reset(due.min(now + self.state.limit).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    fn overdue(timer: &HeadTimer, seconds: u64) -> bool {
        let idle_until = timer.0.opened + IDLE;
        timer.0.due(idle_until) <= timer.0.opened + Duration::from_secs(seconds)
    }

    #[test]
    fn a_head_has_less_time_than_silence() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let timer = HeadTimer::new(LIMIT);
        assert!(!overdue(&timer, 4), "the first head has its time");
        assert!(overdue(&timer, 5), "and not more");
        timer.rest();
        assert!(!overdue(&timer, 119), "silence between requests is fine");
        assert!(overdue(&timer, 120), "but not for ever");
        timer.heard();
        assert!(overdue(&timer, 6), "a head that began has the limit");
        assert_eq!(timer.sleep(LIMIT).now_or_never(), None);
    }
}
