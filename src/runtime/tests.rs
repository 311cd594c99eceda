//! The driver with a clock that stands still until a test waits for it, and with stores that are slow or fail.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore as Gate;
use tokio::task::yield_now;

use super::*;
use crate::engine::{
    Command, Count, EndReason, Engine, Fence, Level, Limits, Outcome, PeerId, Priority, Reply,
    SemaphoreName, SemaphoreSettings, Settings, Span, Time, Want,
};
use crate::store::{Committed, Memory, Store};

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _outcome: &Outcome) {}
}

fn name() -> SemaphoreName {
    SemaphoreName::new("A").unwrap()
}

fn engine() -> Engine {
    let max = Count::new(1).unwrap();
    Engine::new(Settings {
        semaphores: vec![SemaphoreSettings::semaphore(name(), max, Level(0))],
        limits: Limits::default(),
        last_fence: Fence(0),
        grants_from: Time::default(),
    })
}

fn spawn(store: impl Store) -> Handle {
    let (handle, task) = start(engine(), Clock::start(), store, Nobody);
    tokio::spawn(task);
    handle
}

fn open(peer: u64) -> Command {
    Command::Open { peer: PeerId::Rest(peer), expires_in: Span::from_secs(60), session: None }
}

fn acquire(peer: u64, timeout: Option<Span>) -> Command {
    Command::Acquire {
        peer: PeerId::Rest(peer),
        want: Want::one(name(), 1),
        priority: Priority::default(),
        timeout,
        max_wait: None,
        declared: [].into(),
        expires_in: None,
    }
}

/// A handle to an engine in which peer 1 holds the only lock and peer 2 is there too.
async fn held_by_1(store: impl Store) -> Handle {
    let handle = spawn(store);
    for command in [open(1), open(2), acquire(1, None)] {
        assert!(handle.apply(command).await.unwrap().is_ok());
    }
    handle
}

#[tokio::test(start_paused = true)]
async fn a_grant_reaches_all_who_watch_the_wait() {
    let handle = held_by_1(Memory).await;
    let first = handle.apply_and_watch(acquire(2, None)).await.unwrap().verdict.unwrap();
    let second = handle.apply_and_watch(acquire(2, None)).await.unwrap().verdict.unwrap();
    handle.apply(Command::Close { peer: PeerId::Rest(1) }).await.unwrap().unwrap();
    for verdict in [first, second] {
        assert!(matches!(verdict.await, Ok(Verdict::Granted { locks, .. }) if locks.len() == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_due_happens_without_anybody_asking() {
    let handle = held_by_1(Memory).await;
    let wait = acquire(2, Some(Span::from_secs(5)));
    let verdict = handle.apply_and_watch(wait).await.unwrap().verdict.unwrap();
    assert_eq!(verdict.await.unwrap(), Verdict::Ended(EndReason::TimedOut));

    // The peer's own time is over later; a wait in its place is granted then.
    handle
        .apply(Command::KeepAlive { peer: PeerId::Rest(2), expires_in: Span::from_secs(600) })
        .await
        .unwrap()
        .unwrap();
    let verdict = handle.apply_and_watch(acquire(2, None)).await.unwrap().verdict.unwrap();
    assert!(matches!(verdict.await.unwrap(), Verdict::Granted { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_reader_sees_the_present() {
    let handle = held_by_1(Memory).await;
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(handle.read(Engine::peer_count).await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn only_a_queued_answer_has_a_verdict() {
    let handle = held_by_1(Memory).await;
    let answer = handle.apply_and_watch(acquire(1, None)).await.unwrap();
    assert!(matches!(answer.reply, Ok(Reply::Held { .. })) && answer.verdict.is_none());
    let answer = handle.apply_and_watch(acquire(9, None)).await.unwrap();
    assert!(answer.reply.is_err() && answer.verdict.is_none());
}

/// Commits a batch when it is let through the gate.
struct Gated(Arc<Gate>);

impl Store for Gated {
    fn commit(&mut self, _batch: &[(Time, Command)]) -> io::Result<Committed> {
        let gate = Arc::clone(&self.0);
        Ok(Committed::Later(Box::pin(async move {
            gate.acquire().await.map_err(io::Error::other)?.forget();
            Ok(())
        })))
    }
}

#[tokio::test]
async fn nothing_leaves_before_the_store_has_it() {
    let gate = Arc::new(Gate::new(0));
    let handle = spawn(Gated(Arc::clone(&gate)));
    let asking = tokio::spawn({
        let handle = handle.clone();
        async move { handle.apply(open(1)).await }
    });
    let reading = tokio::spawn(async move { handle.read(Engine::peer_count).await });
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!asking.is_finished() && !reading.is_finished());
    gate.add_permits(2);
    assert_eq!(asking.await.unwrap(), Ok(Ok(Reply::Opened)));
    assert_eq!(reading.await.unwrap(), Ok(1));
}

struct Broken;

impl Store for Broken {
    fn commit(&mut self, _batch: &[(Time, Command)]) -> io::Result<Committed> {
        Err(io::Error::other("the disk is full"))
    }
}

#[tokio::test]
async fn without_a_store_nothing_is_promised() {
    let handle = spawn(Broken);
    assert_eq!(handle.apply(open(1)).await, Err(EngineGone));
    assert_eq!(handle.read(Engine::peer_count).await, Err(EngineGone));
}

mod combining;
mod lines;
