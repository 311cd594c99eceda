//! Whoever ceases to wait leaves nothing behind, at whatever moment.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

use crate::connect;
use crate::proxy::Proxy;
use crate::server::{TestServer, eventually};

const ROUNDS: u64 = 300;

/// The lock goes back and forth while somebody asks for it and gives up after a random time, from before the request
/// is sent until after it is granted.
#[tokio::test]
async fn a_dropped_acquire_leaves_nothing() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (first, second) = (connect(server.address).await, connect(server.address).await);
    let holder = first.peer("").await.unwrap();
    let fickle = second.peer("").await.unwrap();
    let (mut got, mut gave_up) = (0, 0);
    for round in 0..ROUNDS {
        let held = holder.acquire("A").await.unwrap();
        let releasing = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_micros(fastrand::u64(..400))).await;
            held.release().await.unwrap();
        });
        let patience = Duration::from_micros(fastrand::u64(..1_500));
        match timeout(patience, fickle.acquire("A").into_future()).await {
            Ok(lease) => {
                got += 1;
                if round % 2 == 0 { lease.unwrap().release().await.unwrap() } else { drop(lease) }
            }
            Err(_) => gave_up += 1,
        }
        releasing.await.unwrap();
    }
    assert!(gave_up > 0, "{got} {gave_up}");
    // Somebody else gets it, and nobody waits or holds any more.
    holder.acquire("A").await.unwrap().release().await.unwrap();
    server.metric_becomes("throttle_waiters{semaphore=\"A\"}", 0.0).await;
    server.metric_becomes("throttle_acquired{semaphore=\"A\"}", 0.0).await;
}

/// The grant is there, and whoever asked for it never looks again.
#[tokio::test]
async fn a_grant_that_nobody_takes_is_given_back() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let client = connect(server.address).await;
    let peer = client.peer("").await.unwrap();
    for _ in 0..10 {
        let mut acquiring = peer.acquire("A").into_future();
        assert!(acquiring.as_mut().now_or_never().is_none());
        eventually("it is granted", || async { server.remainder("A").await == "0" }).await;
        drop(acquiring);
        eventually("it is given back", || async { server.remainder("A").await == "1" }).await;
    }
}

/// As the first, with several peers that want several locks, over a network that is cut all the time.
#[tokio::test]
async fn a_dropped_acquire_leaves_nothing_when_connections_break() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 2, 0)]).await;
    let proxy = Proxy::start(server.address).await;
    let client = connect(proxy.address).await;
    let mut fickle = Vec::new();
    for number in 0..4 {
        let peer = client.peer(number.to_string()).await.unwrap();
        fickle.push(tokio::spawn(async move {
            for _ in 0..60 {
                let patience = Duration::from_micros(fastrand::u64(..3_000));
                let want = [("A", 1), ("B", 1)];
                let _ = timeout(patience, peer.acquire(want).into_future()).await;
            }
            peer
        }));
    }
    let mut peers = Vec::new();
    for task in fickle {
        while !task.is_finished() {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(5..60))).await;
            proxy.cut();
        }
        peers.push(task.await.unwrap());
    }
    // The peers are there still, and have nothing.
    server.metric_becomes("throttle_sessions", 1.0).await;
    for name in ["A", "B"] {
        server.metric_becomes(&format!("throttle_waiters{{semaphore=\"{name}\"}}"), 0.0).await;
        server.metric_becomes(&format!("throttle_acquired{{semaphore=\"{name}\"}}"), 0.0).await;
    }
    let everything = peers[0].acquire([("A", 1), ("B", 2)]).await.unwrap();
    everything.release().await.unwrap();
    assert_eq!(server.metric("throttle_overcommitted{semaphore=\"A\"}").await, Some(0.0));
}
