//! Who drives the engine: whoever asks for something and finds nobody at it. Otherwise the request is queued, and whoever
//! gets to the engine takes along all that is queued (*flat combining*; Hendler, Incze, Shavit and Tzafrir, 2010). So a
//! request is answered without any task being woken, and under load each turn still serves many.
//!
//! A task of its own remains for what no caller can wait for: deadlines, and stores that take their time.
//!
//! Nothing is left lying: who fails to get the driver has put its request into the queue before, and who has the
//! driver looks into the queue again after giving it back.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{hint, io};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::clock::Clock;
use super::driver::{Driver, Duty, Observer};
use super::handle::Handle;
use super::queue::{Queue, Request};
use crate::engine::Engine;
use crate::store::Store;

/// Most turns that a caller takes in a row. Then it has done enough for others, and the task goes on.
const TURNS_IN_A_ROW: usize = 16;

/// How often a caller looks whether the driver is free: a few microseconds in all.
const LOOKS: usize = 64;

/// Starts an engine. Returns the way to it, and the task that tends it, which must be spawned or awaited; it ends
/// when every handle is dropped or the store fails.
pub fn start(
    engine: Engine,
    clock: Clock,
    store: impl Store,
    observer: impl Observer,
) -> (Handle, impl Future<Output = io::Result<()>> + Send) {
    let combiner = Arc::new(Combiner {
        queue: Queue::new(),
        driver: Mutex::new(Driver::new(engine, clock, store, observer)),
        alarm: Notify::new(),
    });
    let handle = Handle::new(Arc::clone(&combiner) as Arc<dyn Combine>);
    (handle, Tending(combiner).run(clock))
}

/// A [`Combiner`] of whatever store and observer.
pub(super) trait Combine: Send + Sync {
    fn queue(&self) -> &Queue;

    /// Takes a request to the engine, if nobody is at it and nobody waits. Otherwise gives it back.
    fn serve(&self, request: Request) -> Option<Request>;

    /// Takes what is queued to the engine, unless somebody is at it who will.
    fn drive(&self);

    /// No handle is left.
    fn finish(&self);
}

struct Combiner<S, O> {
    queue: Queue,
    driver: Mutex<Driver<S, O>>,
    /// Calls the task.
    alarm: Notify,
}

impl<S: Store, O: Observer> Combine for Combiner<S, O> {
    fn queue(&self) -> &Queue {
        &self.queue
    }

    fn serve(&self, request: Request) -> Option<Request> {
        let Ok(driver) = self.driver.try_lock() else { return Some(request) };
        if !driver.is_free() || !self.queue.is_empty() {
            return Some(request);
        }
        self.work(driver, |driver| driver.serve([request]));
        // Who came meanwhile has queued.
        self.drive();
        None
    }

    fn drive(&self) {
        for _ in 0..TURNS_IN_A_ROW {
            if self.queue.is_empty() {
                return;
            }
            let Some(driver) = self.try_driver() else { return };
            if !self.work(driver, |driver| driver.turn(&self.queue)) {
                return;
            }
        }
        self.alarm.notify_one();
    }

    fn finish(&self) {
        self.queue.close();
        self.alarm.notify_one();
    }
}

impl<S: Store, O: Observer> Combiner<S, O> {
    /// Has the driver do something, and calls the task if there is something for it then. Returns what `work` does.
    fn work(
        &self,
        mut driver: MutexGuard<'_, Driver<S, O>>,
        work: impl FnOnce(&mut Driver<S, O>) -> bool,
    ) -> bool {
        let free = guard(&mut driver, work);
        let calls = driver.calls_the_task();
        drop(driver);
        if calls {
            self.alarm.notify_one();
        }
        free
    }

    /// The driver, if nobody is at it for longer. A turn is mostly over sooner than a task is woken: it pays to look
    /// again before the answer is left to whoever has the driver.
    fn try_driver(&self) -> Option<MutexGuard<'_, Driver<S, O>>> {
        for _ in 0..LOOKS {
            if let Ok(driver) = self.driver.try_lock() {
                return Some(driver);
            }
            hint::spin_loop();
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Driver<S, O>> {
        // Panics are caught while it is locked.
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A panic is a bug in the engine or in who observes it. It ends the engine, not whoever happens to drive it.
fn guard<S: Store, O: Observer>(
    driver: &mut Driver<S, O>,
    work: impl FnOnce(&mut Driver<S, O>) -> bool,
) -> bool {
    catch_unwind(AssertUnwindSafe(|| work(driver))).unwrap_or_else(|_| {
        driver.end(io::Error::other("the lease engine panicked"));
        false
    })
}

/// The task. Without it nothing would expire: when it ends, so does the engine.
struct Tending<S: Store, O: Observer>(Arc<Combiner<S, O>>);

impl<S: Store, O: Observer> Tending<S, O> {
    async fn run(self, clock: Clock) -> io::Result<()> {
        let combiner = &self.0;
        loop {
            let duty = combiner.lock().duty(&combiner.queue);
            match duty {
                Duty::Sleep(due) => tokio::select! {
                    () = combiner.alarm.notified() => {}
                    () = until(due.map(|due| clock.instant(due))) => combiner.queue.tell(Request::Expire),
                },
                Duty::Commit(commit) => {
                    let committed = commit.await;
                    guard(&mut combiner.lock(), |driver| driver.committed(committed));
                }
                Duty::End(ended) => return ended,
            }
            combiner.drive();
        }
    }
}

impl<S: Store, O: Observer> Drop for Tending<S, O> {
    fn drop(&mut self) {
        self.0.queue.abandon();
        self.0.lock().end(io::Error::other("the lease engine was stopped"));
    }
}

/// Sleeps until `due`; without it, for ever.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
