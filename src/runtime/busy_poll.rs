//! Keeps a thread awake between requests that follow each other closely (*busy polling*, as in Linux's
//! `net.core.busy_poll`).
//!
//! To fall asleep and to be woken costs a thread more than most requests do, in a virtual machine several times as
//! much. Where the next request depends on the last answer, as when a mutex is handed on, that is most of the time. So
//! the thread goes on looking at its sockets for a moment. It does so only as long as this finds something: who asks
//! rarely keeps nobody awake, and a server that nobody asks sleeps.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

/// Requests that are let pass after nothing came of polling, before it is tried again.
const LET_PASS: u32 = 16;

/// Knows when requests come. Whoever polls does so because of them.
#[derive(Default)]
pub(super) struct BusyPoll {
    requests: AtomicU64,
    /// Whether the next request is to be told.
    waits: AtomicBool,
    came: Notify,
}

impl BusyPoll {
    /// A request has come. Costs nothing worth mentioning while somebody polls.
    pub(super) fn note(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.waits.load(Ordering::Relaxed) && self.waits.swap(false, Ordering::Relaxed) {
            self.came.notify_one();
        }
    }

    /// Polls for `longest` after each request that came soon after the one before.
    pub(super) async fn run(&self, longest: Duration) -> Infallible {
        if longest.is_zero() {
            return pending().await;
        }
        // Between two requests that find the thread asleep, there is also the time that it takes to wake it.
        let soon = 2 * longest;
        let mut last = Instant::now();
        let mut let_pass = 0;
        loop {
            self.request().await;
            let came = Instant::now();
            if came - last > soon {
                last = came;
            } else if let_pass > 0 {
                (last, let_pass) = (came, let_pass - 1);
            } else {
                let more = self.poll(longest).await;
                last = Instant::now();
                let_pass = if more { 0 } else { LET_PASS };
            }
        }
    }

    /// Waits for a request.
    async fn request(&self) {
        self.waits.store(true, Ordering::Relaxed);
        self.came.notified().await;
    }

    /// Keeps the thread awake until nothing has come for `longest`. Returns whether anything has come.
    async fn poll(&self, longest: Duration) -> bool {
        let mut seen = self.requests.load(Ordering::Relaxed);
        let mut more = false;
        let mut last = Instant::now();
        while last.elapsed() < longest {
            // Lets everybody else run, and then looks at the sockets without sleeping.
            yield_now().await;
            let requests = self.requests.load(Ordering::Relaxed);
            if requests != seen {
                (seen, more, last) = (requests, true, Instant::now());
            }
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::advance;

    use super::*;

    const LONGEST: Duration = Duration::from_micros(100);

    /// Polls in a task of its own, while the test keeps the clock.
    async fn polling() -> Arc<BusyPoll> {
        let busy_poll = Arc::new(BusyPoll::default());
        let task = Arc::clone(&busy_poll);
        tokio::spawn(async move { task.run(LONGEST).await });
        after(Duration::ZERO).await;
        busy_poll
    }

    async fn after(micros: Duration) {
        advance(micros).await;
        for _ in 0..3 {
            yield_now().await;
        }
    }

    /// A request comes that much later. Returns whether it keeps the thread awake.
    async fn request(busy_poll: &BusyPoll, later: Duration) -> bool {
        after(later).await;
        busy_poll.note();
        after(Duration::ZERO).await;
        is_awake(busy_poll)
    }

    fn is_awake(busy_poll: &BusyPoll) -> bool {
        !busy_poll.waits.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_rarely_keeps_nobody_awake() {
        let busy_poll = polling().await;
        for _ in 0..50 {
            assert!(!request(&busy_poll, 3 * LONGEST).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_follow_each_other_keep_the_thread_awake() {
        let busy_poll = polling().await;
        assert!(!request(&busy_poll, 10 * LONGEST).await, "the first after a while");
        for _ in 0..50 {
            assert!(request(&busy_poll, LONGEST / 2).await);
        }
        after(LONGEST).await;
        assert!(!is_awake(&busy_poll), "nothing comes any more");
    }

    #[tokio::test(start_paused = true)]
    async fn polling_in_vain_is_seldom_tried_again() {
        let busy_poll = polling().await;
        let mut tried = 0;
        for _ in 0..50 {
            // Too late to be found by polling, soon enough for it to be tried.
            tried += u32::from(request(&busy_poll, LONGEST * 3 / 2).await);
        }
        assert!((1..=50 / LET_PASS).contains(&tried), "{tried}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_nothing_is_told() {
        let busy_poll = BusyPoll::default();
        let run = busy_poll.run(Duration::ZERO);
        assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err());
        assert!(!busy_poll.waits.load(Ordering::Relaxed));
    }
}
