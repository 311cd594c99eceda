//! Peers and their time to live, in all the ways in which this client writes a duration.

use std::time::Duration;

use crate::refusals::UNKNOWN_PEER;
use crate::server::Server;
use crate::{MINUTE, acquire, is_acquired, new_peer, refusal, remainder};

const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_heartbeat_keeps_a_lock_beyond_its_expiry() {
    let server = Server::start("A = 1");
    let client = server.client();
    let (peer, other) = (client.new_peer(SHORT).await.unwrap(), new_peer(&client).await);
    assert!(acquire(&client, peer, "A", 1).await);
    for _ in 0..10 {
        client.heartbeat(peer, SHORT).await.unwrap();
        assert!(!client.acquire(other, "A", 1, None, Some(SHORT / 5)).await.unwrap());
    }
    assert!(is_acquired(&client, peer).await);
    assert!(client.acquire(other, "A", 1, None, Some(MINUTE)).await.unwrap());
    assert_eq!(refusal(client.heartbeat(peer, MINUTE).await), UNKNOWN_PEER);
}

#[tokio::test]
async fn acquiring_sets_the_time_to_live() {
    let server = Server::start("A = 1");
    let client = server.client();
    let (holder, waiter) = (new_peer(&client).await, client.new_peer(SHORT).await.unwrap());
    assert!(acquire(&client, holder, "A", 1).await);
    assert!(!client.acquire(waiter, "A", 1, Some(MINUTE), Some(SHORT * 2)).await.unwrap());
    assert!(!is_acquired(&client, waiter).await);

    assert!(client.acquire(holder, "A", 1, Some(Duration::ZERO), None).await.is_ok());
    assert_eq!(refusal(client.is_acquired(holder).await), UNKNOWN_PEER);
    assert!(is_acquired(&client, waiter).await);
}

#[tokio::test]
async fn durations_of_several_units_are_understood_in_bodies_and_queries() {
    let server = Server::start("A = 1");
    let client = server.client();
    let day = Duration::from_secs(24 * 60 * 60);
    let long = day * 300 + Duration::new(3_723, 4_005_006);
    for expires_in in [Duration::from_micros(60_500_001), long, day * 365] {
        let peer = client.new_peer(expires_in).await.unwrap();
        assert!(client.acquire(peer, "A", 1, Some(expires_in), Some(expires_in)).await.unwrap());
        client.heartbeat(peer, expires_in).await.unwrap();
        assert!(is_acquired(&client, peer).await);
        client.release(peer).await.unwrap();
    }
    assert_eq!(remainder(&client, "A").await, 1);
}

#[tokio::test]
async fn peers_are_listed_while_they_live() {
    let server = Server::start("A = 1");
    let client = server.client();
    assert_eq!(client.list_of_peers().await.unwrap().len(), 0);
    let (one, two) = (new_peer(&client).await, new_peer(&client).await);
    assert_ne!(one, two);
    assert!(one < 1 << 53 && two < 1 << 53, "a browser cannot hold {one} or {two}");
    assert!(acquire(&client, one, "A", 1).await);
    assert!(!acquire(&client, two, "A", 1).await);
    assert_eq!(client.list_of_peers().await.unwrap().len(), 2);

    client.heartbeat(one, Duration::ZERO).await.unwrap();
    assert_eq!(client.list_of_peers().await.unwrap().len(), 1);
    client.release(two).await.unwrap();
    assert_eq!(client.list_of_peers().await.unwrap().len(), 0);
}
