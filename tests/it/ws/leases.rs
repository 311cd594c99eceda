//! Locks over WebSocket: asked for in one frame, pushed, in one order with REST.

use serde_json::{Value, json};

use super::client::{Client, holder, waiter};
use crate::server::{TestServer, text};

#[tokio::test]
async fn one_frame_is_enough() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let mut client = Client::connect(server.address).await;
    client
        .send(json!([
            {"type": "hello", "id": 1, "client": "test/1"},
            {"type": "open", "id": 2, "peer": 7, "expires_in_ms": 30_000, "label": "me"},
            {"type": "acquire", "id": 3, "peer": 7, "want": {"A": 1}},
        ]))
        .await;
    let welcome = client.next().await;
    assert_eq!((&welcome["type"], &welcome["id"]), (&json!("welcome"), &json!(1)));
    assert_eq!(welcome["server"], concat!("throttle/", env!("CARGO_PKG_VERSION")));
    assert_eq!(welcome["role"], "operate");
    assert_eq!(welcome["heartbeat_ms"], 15_000);
    assert_eq!(welcome["limits"]["max_frame_bytes"], 65_536);
    assert_eq!(welcome["limits"]["max_peers"], 1024);
    assert!(welcome["epoch"].as_str().is_some_and(|epoch| !epoch.is_empty()));
    let opened = client.next().await;
    assert_eq!((&opened["type"], &opened["id"]), (&json!("opened"), &json!(2)));
    assert_eq!((&opened["held"], &opened["restored"]), (&json!({}), &json!(false)));
    let (id, key) = opened["resume"].as_str().unwrap().split_once('-').unwrap();
    assert_eq!((opened["peer_id"].as_str().unwrap(), key.len()), (id, 32));
    let granted = client.next().await;
    assert_eq!((&granted["type"], &granted["id"]), (&json!("granted"), &json!(3)));
    let fence = granted["locks"]["A"]["fence"].as_u64().unwrap();
    assert!(fence > 1_700_000_000_000_000 && fence < 1 << 53, "{fence}");
    assert_eq!(server.remainder("A").await, "0");
    assert_eq!(server.metric("throttle_sessions").await, Some(1.0));
}

#[tokio::test]
async fn a_grant_is_pushed_when_another_connection_releases() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut first, _) = holder(&server, "A").await;
    let (mut second, _) = waiter(&server, "A").await;
    first.send(json!({"type": "release", "peer": 1})).await;
    let granted = second.next().await;
    assert_eq!((&granted["type"], &granted["id"]), (&json!("granted"), &json!(2)));
}

#[tokio::test]
async fn a_grant_is_pushed_when_a_rest_caller_releases() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "A", 1).await, 200);
    let (mut client, _) = waiter(&server, "A").await;
    assert_eq!(server.delete(&format!("/peers/{peer}/A")).await, text(200, "Ok"));
    assert_eq!(client.next().await["type"], "granted");
}

#[tokio::test]
async fn sessions_and_rest_callers_stand_in_one_line() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut first, _) = holder(&server, "A").await;
    let (mut second, _) = waiter(&server, "A").await;
    let third = server.new_peer().await;
    assert_eq!(server.acquire(third, "A", 1).await, 202);
    let mut fourth = Client::greeted(&server).await;
    fourth.open(1).await;
    assert_eq!(fourth.acquire(1, "A", 1).await["position"], 3);

    first.send(json!({"type": "release", "peer": 1})).await;
    assert_eq!(second.next().await["type"], "granted");
    assert_eq!(server.acquire(third, "A", 1).await, 202);
    second.send(json!({"type": "close", "id": 3, "peer": 1})).await;
    assert_eq!(second.next().await["type"], "closed");
    assert_eq!(server.acquire(third, "A", 1).await, 200);
    assert_eq!(server.delete(&format!("/peers/{third}")).await.status, 200);
    assert_eq!(fourth.next().await["type"], "granted");
}

#[tokio::test]
async fn rest_does_not_know_the_peers_of_sessions() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut client, opened) = holder(&server, "A").await;
    let id = opened.0["peer_id"].as_str().unwrap();
    let number = id.strip_prefix('s').unwrap();
    assert_eq!(server.delete(&format!("/peers/{id}")).await.status, 400);
    assert_eq!(server.delete(&format!("/peers/{number}/A")).await, text(400, "Unknown peer"));
    let held = client.acquire(1, "A", 1).await;
    assert_eq!(held["type"], "granted");
}

#[tokio::test]
async fn peers_of_one_connection_wait_for_each_other() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut client, _) = holder(&server, "A").await;
    client.open(2).await;
    let queued = client.acquire(2, "A", 1).await;
    assert_eq!((&queued["type"], &queued["position"]), (&json!("queued"), &json!(1)));
    client.send(json!({"type": "release", "id": 3, "peer": 1})).await;
    let (released, granted) = (client.next().await, client.next().await);
    assert_eq!((&released["type"], &released["peer"]), (&json!("released"), &json!(1)));
    assert_eq!((&granted["type"], &granted["peer"]), (&json!("granted"), &json!(2)));
    let fence = |message: &Value| message["locks"]["A"]["fence"].as_u64().unwrap();
    assert!(fence(&granted) > fence(&released));
}

#[tokio::test]
async fn nothing_new_is_granted_while_clients_come_back() {
    let mut config = crate::server::config(&[("A", 1, 0)]);
    config.recovery_grace = std::time::Duration::from_secs(86_400);
    let server = TestServer::with(&config).await;
    assert_eq!(server.get("/ready").await.status, 503);
    assert_eq!(server.get("/health").await.status, 200);
    let (_waiter, _) = waiter(&server, "A").await;
    let mut back = Client::greeted(&server).await;
    let before = TestServer::start(&[("A", 1, 0)]).await;
    let (_, known) = holder(&before, "A").await;
    let resume = known.resume();
    let opened = back
        .ask(json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 1000, "resume": resume, "held": {"A": 1}}))
        .await;
    assert_eq!((&opened["restored"], &opened["held"]["A"]["count"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn a_server_without_grace_is_ready() {
    let server = TestServer::start(&[]).await;
    assert_eq!(server.get("/ready").await, text(200, "Ok"));
}

#[tokio::test]
async fn who_wants_to_know_is_told_how_the_line_moves() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut first, _) = holder(&server, "A").await;
    let (mut second, _) = waiter(&server, "A").await;
    let mut third = Client::greeted(&server).await;
    third.open(1).await;
    let acquire =
        json!({"type": "acquire", "id": 5, "peer": 1, "want": {"A": 1}, "progress": true});
    assert_eq!(third.ask(acquire).await["position"], 2);
    first.send(json!({"type": "release", "peer": 1})).await;
    assert_eq!(second.next().await["type"], "granted");
    let moved = third.next().await;
    assert_eq!((&moved["type"], &moved["position"]), (&json!("queued"), &json!(1)));
    assert_eq!(moved["id"], 5);
}
