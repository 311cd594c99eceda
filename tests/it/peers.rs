//! Peers: opened, kept alive, closed, listed, expired.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json as value};

use crate::server::{TestServer, config, eventually, json, text};

#[tokio::test]
async fn a_new_peer_has_an_id_that_a_browser_can_hold() {
    let server = TestServer::start(&[]).await;
    let opened = server.post("/new_peer", r#"{"expires_in":"5m"}"#).await;
    let id: u64 = opened.body.parse().unwrap();
    assert_eq!(opened, json(200, id));
    assert!((1..1 << 53).contains(&id));
    assert_ne!(server.new_peer().await, id);
}

#[tokio::test]
async fn a_heartbeat_is_for_known_peers() {
    let server = TestServer::start(&[]).await;
    let peer = server.new_peer().await;
    let beat = r#"{"expires_in":"1h 30m"}"#;
    assert_eq!(server.put(&format!("/peers/{peer}"), beat).await, text(200, "Ok"));
    assert_eq!(server.put("/peers/0", beat).await, text(400, "Unknown peer"));
}

#[tokio::test]
async fn a_heartbeat_of_zero_expires_at_once() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "A", 1).await, 200);
    let path = format!("/peers/{peer}");
    assert_eq!(server.put(&path, r#"{"expires_in":"0ms"}"#).await, text(200, "Ok"));
    assert_eq!(server.put(&path, r#"{"expires_in":"5m"}"#).await, text(400, "Unknown peer"));
    assert_eq!(server.remainder("A").await, "1");
}

#[tokio::test]
async fn a_peer_without_heartbeat_expires() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let peer = server.post("/new_peer", r#"{"expires_in":"50ms"}"#).await.body.parse().unwrap();
    // It may be gone already on a slow machine.
    let acquired = server.acquire(peer, "A", 1).await;
    assert!([200, 400].contains(&acquired), "{acquired}");
    eventually("the peer expires", || async { server.is_acquired(peer).await.status == 400 }).await;
    assert_eq!(server.is_acquired(peer).await, text(400, "Unknown peer"));
    assert_eq!(server.remainder("A").await, "1");
    assert_eq!(server.metric("throttle_expirations_total").await, Some(1.0));
}

/// Clients whose heartbeat comes just when their peer expires are given time, but not more than anybody may have.
#[tokio::test]
async fn a_grace_prolongs_whatever_is_asked_for() {
    let mut config = config(&[("A", 1, 0)]);
    config.expiry_grace = Duration::from_secs(3_600);
    let server = TestServer::with(&config).await;
    let left = || async {
        let peers: Value = serde_json::from_str(&server.get("/peers/").await.body).unwrap();
        peers[0]["expires_in_ms"].as_u64().unwrap()
    };
    let peer = server.new_peer().await;
    let (hour, year) = (3_600_000, 365 * 86_400_000);
    assert!((hour + 1..=hour + 300_000).contains(&left().await));
    let path = format!("/peers/{peer}");
    server.put(&path, r#"{"expires_in":"10m"}"#).await;
    assert!((hour + 300_001..=hour + 600_000).contains(&left().await));
    server.put(&format!("{path}/A?expires_in=20m"), "1").await;
    assert!((hour + 600_001..=hour + 1_200_000).contains(&left().await));
    server.put(&path, r#"{"expires_in":"365days"}"#).await;
    assert!((year - hour..=year).contains(&left().await));
    // Now is now.
    server.put(&path, r#"{"expires_in":"0s"}"#).await;
    assert_eq!(server.get("/peers/").await.body, "[]");
}

#[tokio::test]
async fn a_closed_peer_leaves_nothing_behind() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (holder, waiter) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    assert_eq!(server.acquire(waiter, "A", 1).await, 202);
    assert_eq!(server.delete(&format!("/peers/{waiter}")).await, json(200, "\"Peer released\""));
    assert_eq!(server.delete(&format!("/peers/{holder}")).await, json(200, "\"Peer released\""));
    assert_eq!(server.delete(&format!("/peers/{holder}")).await, json(200, "\"Peer not found\""));
    assert_eq!(server.remainder("A").await, "1");
    assert_eq!(server.get("/peers/").await, json(200, "[]"));
}

#[tokio::test]
async fn the_list_shows_what_peers_hold_and_wait_for() {
    let server = TestServer::start(&[("A", 5, 1), ("B", 1, 0), ("/\"&", 1, 0)]).await;
    assert_eq!(server.get("/peers/").await, json(200, "[]"));
    let (holder, waiter) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "B", 1).await, 200);
    assert_eq!(server.acquire(waiter, "A", 3).await, 200);
    assert_eq!(server.acquire(waiter, "B", 1).await, 202);
    let listed = server.get("/peers/").await;
    assert_eq!((listed.status, listed.content_type.as_str()), (200, "application/json"));
    let mut entries: Vec<Value> = serde_json::from_str(&listed.body).unwrap();
    for entry in &mut entries {
        let entry = entry.as_object_mut().unwrap();
        let left = entry.remove("expires_in_ms").unwrap().as_u64().unwrap();
        assert!((1..=300_000).contains(&left), "{left}");
        for lock in entry["locks"].as_object_mut().unwrap().values_mut() {
            assert!(lock.as_object_mut().unwrap().remove("fence").unwrap().as_u64() > Some(0));
        }
    }
    assert_eq!(entries.len(), 2);
    let held = value!({"id": holder, "locks": {"B": {"count": 1}}, "pending": null});
    assert!(entries.contains(&held), "{entries:?}");
    let waits = value!({"id": waiter, "locks": {"A": {"count": 3}}, "pending": {"B": 1}});
    assert!(entries.contains(&waits), "{entries:?}");
}

#[tokio::test]
async fn a_long_list_has_everybody_once() {
    let server = TestServer::start(&[]).await;
    let mut opened = BTreeSet::new();
    for id in 0..2_500_u64 {
        let body = format!(r#"{{"expires_in":"5m","peer_id":{id},"acquired":{{}}}}"#);
        assert_eq!(server.post("/restore", &body).await.status, 200);
        opened.insert(id);
    }
    let listed: Vec<Value> = serde_json::from_str(&server.get("/peers/").await.body).unwrap();
    assert_eq!(listed.len(), opened.len());
    let listed: BTreeSet<u64> = listed.iter().map(|peer| peer["id"].as_u64().unwrap()).collect();
    assert_eq!(listed, opened);
}

#[tokio::test]
async fn there_are_not_more_peers_than_allowed() {
    let mut config = config(&[]);
    config.limits.max_peers = 1;
    let server = TestServer::with(&config).await;
    let peer = server.new_peer().await;
    let refused = server.post("/new_peer", r#"{"expires_in":"5m"}"#).await;
    let expected = "There are 1 peers already, which is the limit. Try again later.";
    assert_eq!(refused, text(503, expected));
    assert_eq!(server.delete(&format!("/peers/{peer}")).await.status, 200);
    server.new_peer().await;
}
