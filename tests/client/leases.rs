//! Acquiring, waiting and giving back.

use std::collections::BTreeMap;
use std::time::Duration;

use throttle::client::{Code, Error};
use tokio::sync::mpsc;

use crate::connect;
use crate::server::{TestServer, eventually};

#[tokio::test]
async fn leases_are_nested_downwards() {
    let server = TestServer::start(&[("A", 1, 2), ("B", 3, 1), ("C", 5, 1), ("D", 1, 0)]).await;
    let client = connect(server.address).await;
    let peer = client.peer("nested").await.unwrap();
    let outer = peer.acquire("A").await.unwrap();
    let inner = peer.acquire([("C", 4), ("B", 2)]).await.unwrap();
    let counts = BTreeMap::from([("B".to_owned(), 2), ("C".to_owned(), 4)]);
    assert_eq!(inner.counts(), counts);
    assert_eq!(inner.fences().len(), 2);
    assert!(inner.fence("B").unwrap() > outer.fence("A").unwrap());
    assert_eq!((inner.fence("A"), outer.is_lost()), (None, false));
    assert!(outer.lost_at() < outer.deadline());
    drop(outer);
    eventually("A is free", || async { server.remainder("A").await == "1" }).await;
    assert_eq!(server.remainder("B").await, "1");
    let innermost = peer.acquire("D").await.unwrap();
    inner.release().await.unwrap();
    assert_eq!(server.remainder("C").await, "5");
    assert!(!innermost.is_lost());
}

#[tokio::test]
async fn refusals_say_why() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 2, 0), ("C", 1, 1)]).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    let unknown = peer.acquire("unheard of").await.unwrap_err();
    assert_eq!(unknown.code(), Some(Code::UnknownSemaphore));
    let Err(Error::Refused(never)) = peer.acquire(("B", 3)).await else { panic!() };
    let explanation = &never.explanation;
    assert_eq!((&never.code, never.retryable), (&Code::Never, false));
    assert_eq!(
        (explanation.semaphore.as_deref(), explanation.asked, explanation.max),
        (Some("B"), Some(3), Some(2))
    );
    assert_eq!(peer.acquire(("B", 0)).await.unwrap_err().code(), Some(Code::InvalidCount));
    let lease = peer.acquire("A").await.unwrap();
    let Err(Error::Refused(upwards)) = peer.acquire("C").await else { panic!() };
    assert_eq!(
        (&upwards.code, upwards.explanation.held_semaphore.as_deref()),
        (&Code::Hierarchy, Some("A"))
    );
    let again = peer.acquire("A").await.unwrap_err();
    assert_eq!(again, Error::AlreadyHeld { semaphore: "A".to_owned() });
    lease.release().await.unwrap();
    peer.acquire("C").await.unwrap();
}

#[tokio::test]
async fn a_wait_has_an_end() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let client = connect(server.address).await;
    let held = client.peer("").await.unwrap().acquire("A").await.unwrap();
    let peer = client.peer("").await.unwrap();
    for timeout in [0, 30] {
        let missed = peer.acquire("A").timeout(Duration::from_millis(timeout)).await.unwrap_err();
        assert_eq!(missed, Error::Timeout { eta: None });
    }
    assert_eq!(server.metric("throttle_waiters{semaphore=\"A\"}").await, Some(0.0));
    // Whoever only tries gets what is free.
    drop(held);
    eventually("it is free", || async { server.remainder("A").await == "1" }).await;
    peer.acquire("A").timeout(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn whoever_waits_is_told_where_it_stands() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let client = connect(server.address).await;
    let held = client.peer("the holder").await.unwrap().acquire("A").await.unwrap();
    let (told, mut places) = mpsc::unbounded_channel();
    let waiter = client.peer("").await.unwrap();
    let waiting = waiter.acquire("A").on_progress(move |progress| drop(told.send(progress)));
    let waiting = tokio::spawn(waiting.into_future());
    let first = places.recv().await.unwrap();
    assert_eq!((first.position, first.blocked_by.as_slice()), (1, &["the holder".to_owned()][..]));
    // Whoever asks with a higher priority stands before it.
    let urgent = client.peer("").await.unwrap();
    let urgent = tokio::spawn(urgent.acquire("A").priority(7).into_future());
    let second = places.recv().await.unwrap();
    assert_eq!(second.position, 2);
    held.release().await.unwrap();
    urgent.await.unwrap().unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_of_a_client_leaves_nothing() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let client = connect(server.address).await;
    let lease = client.peer("").await.unwrap().acquire("A").await.unwrap();
    // Handles keep each other going.
    drop(client);
    server.metric_becomes("throttle_peers", 1.0).await;
    assert!(!lease.is_lost());
    drop(lease);
    server.metric_becomes("throttle_sessions", 0.0).await;
    assert_eq!(server.metric("throttle_peers").await, Some(0.0));
    assert_eq!(server.remainder("A").await, "1");
}

#[tokio::test]
async fn to_close_a_client_is_to_give_back_what_it_has() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    let lease = peer.acquire("A").await.unwrap();
    client.close().await;
    assert_eq!(server.remainder("A").await, "1");
    assert!(lease.is_lost());
    assert!(matches!(lease.release().await, Err(Error::Lost(_))));
    assert_eq!(peer.acquire("A").await.unwrap_err(), Error::Ended);
}
