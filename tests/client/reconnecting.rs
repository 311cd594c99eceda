//! Connections that go away and come back, and servers that do.

use std::collections::BTreeMap;
use std::time::Duration;

use throttle::client::Error;

use crate::proxy::Proxy;
use crate::server::{TestServer, config, eventually};
use crate::{builder, connect};

const WAITERS: &str = "throttle_waiters{semaphore=\"A\"}";

#[tokio::test]
async fn locks_and_places_outlive_the_connection() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 1, 0)]).await;
    let proxy = Proxy::start(server.address).await;
    let (far, near) = (connect(proxy.address).await, connect(server.address).await);
    let kept = far.peer("").await.unwrap().acquire("B").await.unwrap();
    let fence = kept.fence("B");
    let held = near.peer("").await.unwrap().acquire("A").await.unwrap();
    let first = tokio::spawn(far.peer("").await.unwrap().acquire("A").into_future());
    server.metric_becomes(WAITERS, 1.0).await;
    let second = tokio::spawn(near.peer("").await.unwrap().acquire("A").into_future());
    server.metric_becomes(WAITERS, 2.0).await;
    for _ in 0..5 {
        proxy.freeze();
        proxy.cut();
        server.metric_becomes("throttle_sessions", 1.0).await;
        proxy.thaw();
        server.metric_becomes("throttle_sessions", 2.0).await;
    }
    held.release().await.unwrap();
    let first = first.await.unwrap().unwrap();
    assert!(!second.is_finished());
    assert_eq!((kept.is_lost(), kept.fence("B")), (false, fence));
    first.release().await.unwrap();
    second.await.unwrap().unwrap();
    kept.release().await.unwrap();
}

#[tokio::test]
async fn what_is_given_back_without_a_connection_is_given_back_later() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    let peer = client.peer("").await.unwrap();
    for _ in 0..5 {
        let lease = peer.acquire("A").await.unwrap();
        proxy.freeze();
        let releasing = tokio::spawn(lease.release());
        proxy.cut();
        server.metric_becomes("throttle_sessions", 0.0).await;
        assert_eq!(server.remainder("A").await, "0");
        proxy.thaw();
        releasing.await.unwrap().unwrap();
        assert_eq!(server.remainder("A").await, "1");
    }
}

#[tokio::test]
async fn after_a_restart_holders_come_back_before_anybody_is_granted_something() {
    let mut old = TestServer::start(&[("A", 1, 0)]).await;
    let proxy = Proxy::start(old.address).await;
    // It is back within a second: the server may ask for up to five, but whoever holds locks comes in time for them.
    let client = builder(proxy.address).expires_in(Duration::from_secs(8)).connect().await.unwrap();
    let holder = client.peer("").await.unwrap();
    let lease = holder.acquire("A").await.unwrap();
    let fence = lease.fence("A");
    let waiting = tokio::spawn(client.peer("").await.unwrap().acquire("A").into_future());
    old.metric_becomes(WAITERS, 1.0).await;
    let mut config = config(&[("A", 1, 0)]);
    config.recovery_grace = Duration::from_secs(6);
    let new = TestServer::with(&config).await;
    // Somebody who knows only the new server is there first.
    let stranger = connect(new.address).await;
    let other = tokio::spawn(stranger.peer("").await.unwrap().acquire("A").into_future());
    new.metric_becomes(WAITERS, 1.0).await;
    proxy.lead_to(new.address);
    old.stop();
    old.ended().await;
    new.metric_becomes("throttle_restores_total", 2.0).await;
    eventually("the fence is the new one", || async { lease.fence("A") > fence }).await;
    assert!(!lease.is_lost() && !other.is_finished());
    lease.release().await.unwrap();
    other.await.unwrap().unwrap().release().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(new.metric("throttle_overcommitted{semaphore=\"A\"}").await, Some(0.0));
}

/// Whoever was there before with one of them keeps it: then there are others.
#[tokio::test]
async fn after_a_restart_holders_have_the_numbers_of_before() {
    let mut config = config(&[("gpu", 4, 1), ("A", 1, 0)]);
    config.semaphores[0].manners.slots = true;
    for taken in [false, true] {
        let mut old = TestServer::with(&config).await;
        let proxy = Proxy::start(old.address).await;
        let client = connect(proxy.address).await;
        let first = client.peer("").await.unwrap().acquire(("gpu", 2)).await.unwrap();
        let peer = client.peer("").await.unwrap();
        let kept = peer.acquire([("gpu", 2), ("A", 1)]).await.unwrap();
        let slots = |numbers: &[u32]| BTreeMap::from([("gpu".to_owned(), numbers.to_vec())]);
        assert_eq!((first.slots(), kept.slots()), (slots(&[0, 1]), slots(&[2, 3])));
        first.release().await.unwrap();
        let new = TestServer::with(&config).await;
        let stranger = connect(new.address).await;
        let count = if taken { 3 } else { 1 };
        let other = stranger.peer("").await.unwrap().acquire(("gpu", count)).await.unwrap();
        let fence = kept.fence("gpu");
        proxy.lead_to(new.address);
        old.stop();
        old.ended().await;
        eventually("it is back", || async { kept.fence("gpu") > fence }).await;
        let after = if taken { slots(&[3, 4]) } else { slots(&[2, 3]) };
        assert_eq!((kept.slots(), kept.is_lost()), (after, false));
        drop(other);
    }
}

#[tokio::test]
async fn a_slow_network_is_no_reason_to_lose_anything() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let proxy = Proxy::start(server.address).await;
    proxy.delay(Duration::from_millis(100));
    let client = builder(proxy.address).expires_in(Duration::from_secs(6)).connect().await.unwrap();
    let lease = client.peer("").await.unwrap().acquire("A").await.unwrap();
    // Over two of the times after which it would be lost, were nobody to say that it is not.
    let deadline = lease.deadline();
    eventually("twice that time has passed", || async {
        lease.deadline().earlier_by(Duration::from_secs(7)) > deadline
    })
    .await;
    assert_eq!(server.metric("throttle_sessions").await, Some(1.0));
    lease.release().await.unwrap();
}

#[tokio::test]
async fn a_wait_without_a_server_has_an_end() {
    let mut server = TestServer::start(&[("A", 1, 0)]).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    server.stop();
    server.ended().await;
    let missed = peer.acquire("A").timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(missed, Error::Disconnected { .. }), "{missed:?}");
}
