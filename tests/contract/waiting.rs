//! `block_for`: the answer comes with the grant, or when the time is up, and a place in the queue outlives the request.

use std::time::Duration;

use throttle_client::Client;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::server::Server;
use crate::{AT_ONCE, MINUTE, acquire, eventually, is_acquired, new_peer, remainder};

/// Lets a peer wait for `A` in the background.
async fn wait_for_a(client: &Client, peer: u64) -> JoinHandle<bool> {
    let waiter = client.clone();
    let waiting = tokio::spawn(async move {
        waiter.acquire(peer, "A", 1, None, Some(Duration::from_secs(15))).await.unwrap()
    });
    eventually("the peer is in the queue", async || !is_acquired(client, peer).await).await;
    waiting
}

#[tokio::test]
async fn a_blocked_acquire_returns_as_soon_as_there_is_room() {
    let server = Server::start("A = 1");
    let client = server.client();
    let mut holder = new_peer(&client).await;
    assert!(acquire(&client, holder, "A", 1).await);
    for way in ["release", "release_lock", "heartbeat"] {
        let waiter = new_peer(&client).await;
        let waiting = wait_for_a(&client, waiter).await;
        match way {
            "release" => client.release(holder).await.unwrap(),
            "release_lock" => client.release_lock(holder, "A").await.unwrap(),
            _ => client.heartbeat(holder, Duration::ZERO).await.unwrap(),
        }
        assert!(timeout(AT_ONCE, waiting).await.expect(way).unwrap(), "{way}");
        holder = waiter;
    }
}

#[tokio::test]
async fn a_blocked_acquire_that_is_given_up_returns_at_once() {
    let server = Server::start("A = 1");
    let client = server.client();
    let (holder, waiter) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, holder, "A", 1).await);
    let waiting = wait_for_a(&client, waiter).await;
    client.release_lock(waiter, "A").await.unwrap();
    assert!(!timeout(AT_ONCE, waiting).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_blocked_acquire_answers_pending_when_its_time_is_over() {
    let server = Server::start("A = 1");
    let client = server.client();
    let (holder, waiter) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, holder, "A", 1).await);
    let start = Instant::now();
    let block_for = Duration::from_millis(250);
    assert!(!client.acquire(waiter, "A", 1, Some(MINUTE), Some(block_for)).await.unwrap());
    assert!((block_for..block_for + AT_ONCE).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn who_hangs_up_keeps_its_place() {
    let server = Server::start("A = 1");
    let client = server.client();
    let (holder, waiter, later) =
        (new_peer(&client).await, new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, holder, "A", 1).await);
    let waiting = wait_for_a(&client, waiter).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert!(!acquire(&client, later, "A", 1).await);

    client.release(holder).await.unwrap();
    assert!(acquire(&client, waiter, "A", 1).await);
    assert!(!is_acquired(&client, later).await);
}

#[tokio::test]
async fn a_large_lock_is_not_starved_by_small_ones() {
    let server = Server::start("A = 5");
    let client = server.client();
    let (small, large, late) =
        (new_peer(&client).await, new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, small, "A", 1).await);
    assert!(!acquire(&client, large, "A", 5).await);
    assert!(!acquire(&client, late, "A", 1).await);
    assert_eq!(remainder(&client, "A").await, 4);

    client.release(small).await.unwrap();
    assert!(is_acquired(&client, large).await);
    assert!(!is_acquired(&client, late).await);
    client.release(large).await.unwrap();
    assert!(is_acquired(&client, late).await);
}
