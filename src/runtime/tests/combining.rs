//! Who drives: nothing is left lying, and what ends the engine ends nobody else.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures_util::FutureExt;

use super::*;

/// While it commits a batch, another thread asks for something and finds the driver taken.
#[derive(Clone, Default)]
struct Contended(Arc<Mutex<Option<Handle>>>);

impl Store for Contended {
    fn commit(&mut self, _batch: &[(Time, Command)]) -> io::Result<Committed> {
        let handle = self.0.lock().unwrap().take();
        if let Some(handle) = handle {
            let asking = thread::spawn(move || handle.apply(open(2)).now_or_never());
            assert_eq!(asking.join().unwrap(), None, "nobody has answered yet");
        }
        Ok(Committed::Now)
    }
}

#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Observer for Counting {
    fn observe(&mut self, _outcome: &Outcome) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn what_came_during_a_turn_is_taken_along() {
    let seen = Counting::default();
    let store = Contended::default();
    // Nobody runs the task: it cannot help.
    let (handle, _task) = start(engine(), Clock::start(), store.clone(), seen.clone());
    *store.0.lock().unwrap() = Some(handle.clone());
    handle.apply(open(1)).await.unwrap().unwrap();
    assert_eq!(seen.0.load(Ordering::Relaxed), 2);
}

/// Takes its time for every other batch.
struct Fickle(u64);

impl Store for Fickle {
    fn commit(&mut self, _batch: &[(Time, Command)]) -> io::Result<Committed> {
        self.0 += 1;
        if self.0.is_multiple_of(2) {
            return Ok(Committed::Now);
        }
        Ok(Committed::Later(Box::pin(async {
            yield_now().await;
            Ok(())
        })))
    }
}

/// From many threads, each of which waits for each of its answers: one that is left lying would hang the test.
async fn everybody_is_answered(store: impl Store) {
    const CALLERS: u64 = 32;
    const CALLS: u64 = 2_000;
    let handle = spawn(store);
    let callers = (0..CALLERS).map(|peer| {
        let handle = handle.clone();
        tokio::spawn(async move {
            handle.apply(open(peer)).await.unwrap().unwrap();
            for _ in 0..CALLS {
                let keep = Command::KeepAlive {
                    peer: PeerId::Rest(peer),
                    expires_in: Span::from_secs(60),
                };
                handle.apply(keep).await.unwrap().unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert_eq!(handle.read(Engine::peer_count).await, Ok(32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn no_request_is_left_lying() {
    everybody_is_answered(Memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn no_request_is_left_lying_when_the_store_takes_its_time() {
    everybody_is_answered(Fickle(0)).await;
}

/// A bug.
struct Panicking;

impl Observer for Panicking {
    fn observe(&mut self, _outcome: &Outcome) {
        panic!("a bug, as the test wants it");
    }
}

#[tokio::test]
async fn a_panic_ends_the_engine_and_not_the_caller() {
    let (handle, task) = start(engine(), Clock::start(), Memory, Panicking);
    let task = tokio::spawn(task);
    let (_line, mut events) = handle.connect();
    assert_eq!(handle.apply(open(1)).await, Err(EngineGone));
    assert_eq!(handle.apply(open(1)).await, Err(EngineGone));
    assert_eq!(events.recv().await, None);
    let ended = task.await.unwrap().unwrap_err();
    assert_eq!(ended.to_string(), "the lease engine panicked");
}

#[tokio::test]
async fn the_task_ends_with_the_last_handle() {
    let (handle, task) = start(engine(), Clock::start(), Memory, Nobody);
    let task = tokio::spawn(task);
    let another = handle.clone();
    drop(handle);
    another.apply(open(1)).await.unwrap().unwrap();
    drop(another);
    task.await.unwrap().unwrap();
}

/// Without the task nothing would expire.
#[tokio::test]
async fn the_engine_ends_with_its_task() {
    let (handle, task) = start(engine(), Clock::start(), Memory, Nobody);
    handle.apply(open(1)).await.unwrap().unwrap();
    drop(task);
    assert_eq!(handle.apply(open(2)).await, Err(EngineGone));
}

/// The task sleeps until the first deadline that it has seen; an earlier one that comes later must wake it.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_moves_forward_is_kept() {
    let handle = held_by_1(Memory).await;
    // The task has had its turn, and sleeps for a minute.
    for _ in 0..10 {
        yield_now().await;
    }
    let wait = acquire(2, Some(Span::from_secs(5)));
    let verdict = handle.apply_and_watch(wait).await.unwrap().verdict.unwrap();
    let asked = tokio::time::Instant::now();
    assert_eq!(verdict.await.unwrap(), Verdict::Ended(EndReason::TimedOut));
    assert_eq!(asked.elapsed().as_secs(), 5);
}
