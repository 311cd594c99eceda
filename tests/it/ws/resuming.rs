//! Connections that go away, and what becomes of their peers.

use std::time::Duration;

use serde_json::json;

use super::client::{Client, holder, waiter};
use crate::server::{TestServer, config, eventually};

#[tokio::test]
async fn a_resumed_peer_has_its_lock_and_its_place() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (first, held) = holder(&server, "A").await;
    let (second, waits) = waiter(&server, "A").await;
    let (mut third, _) = waiter(&server, "A").await;
    first.cut();
    second.cut();
    server.metric_becomes("throttle_sessions", 1.0).await;

    let mut back = Client::connect(server.address).await;
    back.send(json!([
        {"type": "hello"},
        {"type": "open", "id": 1, "peer": 1, "expires_in_ms": 300_000, "resume": held.resume(), "held": {"A": 1}},
        {"type": "open", "id": 2, "peer": 2, "expires_in_ms": 300_000, "resume": waits.resume(), "held": {}},
        {"type": "acquire", "id": 3, "peer": 2, "want": {"A": 1}},
        {"type": "release", "id": 4, "peer": 1},
    ]))
    .await;
    assert_eq!(back.next().await["type"], "welcome");
    let opened = back.next().await;
    assert_eq!((&opened["held"]["A"]["count"], &opened["restored"]), (&json!(1), &json!(false)));
    let opened = back.next().await;
    assert_eq!((&opened["held"], &opened["pending"]), (&json!({}), &json!(true)));
    let queued = back.next().await;
    assert_eq!((&queued["type"], &queued["position"]), (&json!("queued"), &json!(1)));
    assert_eq!(back.next().await["type"], "released");
    let granted = back.next().await;
    assert_eq!((&granted["type"], &granted["id"]), (&json!("granted"), &json!(3)));
    back.send(json!({"type": "release", "peer": 2})).await;
    assert_eq!(third.next().await["type"], "granted");
}

#[tokio::test]
async fn whoever_resumes_takes_over() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut first, opened) = holder(&server, "A").await;
    let mut second = Client::greeted(&server).await;
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 300_000, "resume": opened.resume()});
    assert_eq!(second.ask(open).await["held"]["A"]["count"], 1);
    let lost = first.next().await;
    assert_eq!((&lost["type"], &lost["reason"]), (&json!("lost"), &json!("superseded")));
    assert_eq!(lost["locks"]["A"]["count"], 1);
    let refused = first.ask(json!({"type": "release", "id": 9, "peer": 1})).await;
    assert_eq!(refused["code"], "unknown_peer");
    // The end of the old connection does nothing to the peer.
    first.cut();
    server.metric_becomes("throttle_sessions", 1.0).await;
    assert_eq!(server.remainder("A").await, "0");
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (_first, opened) = holder(&server, "A").await;
    let (id, _) = opened.resume().split_once('-').unwrap();
    let resume = format!("{id}-{:032x}", 1);
    let mut second = Client::greeted(&server).await;
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 300_000, "resume": resume, "held": {"A": 1}});
    assert_eq!(second.ask(open).await["code"], "forbidden");
}

#[tokio::test]
async fn a_peer_that_goes_with_its_connection_frees_its_locks_at_once() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let mut first = Client::greeted(&server).await;
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 300_000, "on_disconnect": "release"});
    assert_eq!(first.ask(open).await["type"], "opened");
    assert_eq!(first.acquire(1, "A", 1).await["type"], "granted");
    let (mut second, _) = waiter(&server, "A").await;
    first.cut();
    assert_eq!(second.next().await["type"], "granted");
}

#[tokio::test]
async fn a_peer_that_does_not_come_back_expires() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let mut first = Client::greeted(&server).await;
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 50});
    assert_eq!(first.ask(open).await["type"], "opened");
    assert_eq!(first.acquire(1, "A", 1).await["type"], "granted");
    let (mut second, _) = waiter(&server, "A").await;
    first.cut();
    assert_eq!(second.next().await["type"], "granted");
    assert_eq!(server.metric("throttle_expirations_total").await, Some(1.0));
}

#[tokio::test]
async fn after_a_restart_locks_come_back_even_above_max() {
    let mut old = TestServer::start(&[("A", 1, 0)]).await;
    let (mut client, opened) = holder(&old, "A").await;
    old.stop();
    let draining = client.next().await;
    assert_eq!(draining["type"], "draining");
    assert!(draining["reconnect_in_ms"].is_u64());
    assert_eq!(client.close_code().await, 1012);
    old.ended().await;

    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (_other, _) = holder(&server, "A").await;
    let mut back = Client::connect(server.address).await;
    back.send(json!([
        {"type": "hello"},
        {"type": "open", "id": 1, "peer": 1, "expires_in_ms": 300_000, "resume": opened.resume(), "held": {"A": 1}},
        {"type": "acquire", "id": 2, "peer": 1, "want": {"A": 1}},
    ]))
    .await;
    assert_eq!(back.next().await["type"], "welcome");
    let restored = back.next().await;
    assert_eq!(
        (&restored["restored"], &restored["resume"]),
        (&json!(true), &json!(opened.resume()))
    );
    assert_eq!(restored["held"]["A"]["count"], 1);
    assert_eq!(back.next().await["type"], "granted");
    assert_eq!(server.remainder("A").await, "-1");
    assert_eq!(server.metric("throttle_restores_total").await, Some(1.0));
}

#[tokio::test]
async fn a_rest_peer_can_be_adopted() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 1, 0)]).await;
    let opened = server.post("/new_peer", r#"{"expires_in":"200ms"}"#).await;
    let peer: u64 = opened.body.parse().unwrap();
    let mut client = Client::greeted(&server).await;
    let adopt =
        json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 50, "adopt": peer.to_string()});
    let adopted = client.ask(adopt).await;
    // The machine may be so slow that the peer has expired. Then there is nothing to see.
    if adopted["type"] == "error" {
        return;
    }
    assert_eq!(adopted["peer_id"], peer.to_string());
    assert_eq!(server.acquire(peer, "A", 1).await, 200);
    let told = client.next().await;
    assert_eq!((&told["type"], &told["id"]), (&json!("granted"), &json!(null)));
    assert_eq!(told["locks"]["A"]["count"], 1);
    // The connection is its heartbeat: it expires only when that is gone.
    client.cut();
    eventually("it expires", || async { server.remainder("A").await == "1" }).await;
}

#[tokio::test]
async fn a_connection_has_only_so_many_peers() {
    let mut config = config(&[]);
    config.sessions.max_peers_per_connection = 2;
    config.sessions.heartbeat = Duration::from_secs(1);
    let server = TestServer::with(&config).await;
    let mut client = Client::greeted(&server).await;
    client.open(1).await;
    client.open(2).await;
    let open = json!({"type": "open", "id": 3, "peer": 3, "expires_in_ms": 1000});
    let refused = client.ask(open.clone()).await;
    assert_eq!((&refused["code"], &refused["limit"]), (&json!("limit_exceeded"), &json!(2)));
    assert_eq!(client.ask(json!({"type": "close", "id": 4, "peer": 1})).await["type"], "closed");
    assert_eq!(client.ask(open).await["type"], "opened");
}
