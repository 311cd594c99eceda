//! What semaphores are told beyond their maximum, as callers see it.

use reqwest::Method;
use serde_json::{Value, json};
use throttle::engine::Span;

use super::client::Client;
use crate::server::{TestServer, config, eventually, with_json};

async fn details(server: &TestServer, name: &str) -> Value {
    let answer = server.get(&format!("/operate/semaphores/{name}")).await;
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn what_an_expired_peer_held_is_not_given_to_others_at_once() {
    let mut config = config(&[("A", 2, 0)]);
    config.semaphores[0].manners.lock_delay = Span::from_secs(3_600);
    let server = TestServer::with(&config).await;
    let short = server.post("/new_peer", r#"{"expires_in":"50ms"}"#).await.body;
    let acquired = server.put(&format!("/peers/{short}/A?expires_in=50ms"), "2").await;
    assert_eq!(acquired.status, 200, "{acquired:?}");
    eventually("an expired peer", || async { details(&server, "A").await["held"] == 0 }).await;
    let seen = details(&server, "A").await;
    assert_eq!((&seen["delayed"], &seen["lock_delay_ms"]), (&json!(2), &json!(3_600_000)));
    let left = seen["blocked"][0]["until_ms"].as_u64().unwrap() - seen["now_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&left), "{seen}");
    assert_eq!(seen["blocked"][0]["count"], 2);
    assert_eq!(server.remainder("A").await, "0");
    let next = server.new_peer().await;
    assert_eq!(server.acquire(next, "A", 1).await, 202);
}

#[tokio::test]
async fn who_holds_for_too_long_is_told_and_loses_it() {
    let mut config = config(&[("A", 1, 0)]);
    config.semaphores[0].manners.max_hold = Some(Span::from_millis(200));
    let server = TestServer::with(&config).await;
    let mut client = Client::greeted(&server).await;
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 60_000});
    assert_eq!(client.ask(open).await["type"], "opened");
    let acquire = json!({"type": "acquire", "id": 2, "peer": 1, "want": {"A": 1}});
    assert_eq!(client.ask(acquire).await["type"], "granted");
    assert_eq!(details(&server, "A").await["max_hold_ms"], 200);
    let warned = client.next().await;
    assert_eq!((&warned["type"], &warned["bound"]), (&json!("yield"), &json!(true)), "{warned}");
    assert_eq!(warned["message"], "it may be held for 200ms at most");
    let lost = client.next().await;
    assert_eq!((&lost["type"], &lost["reason"]), (&json!("lost"), &json!("revoked")), "{lost}");
    assert_eq!((&lost["bound"], &lost["locks"]), (&warned["bound"], &warned["locks"]));
}

#[tokio::test]
async fn locks_have_numbers() {
    let mut config = config(&[("gpu", 3, 0)]);
    config.semaphores[0].manners.slots = true;
    let server = TestServer::with(&config).await;
    let first = server.new_peer().await;
    let put = server.request(Method::PUT, &format!("/peers/{first}/gpu"));
    let answer = with_json(put, "2").send().await.unwrap();
    assert_eq!(answer.headers()["throttle-slots"], "0,1");
    let seen = details(&server, "gpu").await;
    assert_eq!((&seen["slots"], &seen["holders"][0]["slots"]), (&json!(true), &json!([0, 1])));
    let mut client = Client::greeted(&server).await;
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 60_000});
    assert_eq!(client.ask(open).await["type"], "opened");
    let acquire = json!({"type": "acquire", "id": 2, "peer": 1, "want": {"gpu": 1}});
    assert_eq!(client.ask(acquire).await["locks"]["gpu"]["slots"], json!([2]));
    let released = client.ask(json!({"type": "release", "id": 3, "peer": 1})).await;
    assert_eq!(released["locks"]["gpu"]["slots"], json!([2]));
}

/// Those who come back to a new server have the numbers that they had, in whatever order they come.
#[tokio::test]
async fn locks_keep_their_numbers_when_the_server_forgets_them() {
    let mut config = config(&[("gpu", 4, 0)]);
    config.semaphores[0].manners.slots = true;
    let old = TestServer::with(&config).await;
    let mut clients = Vec::new();
    for count in [1, 1, 2] {
        let mut client = Client::greeted(&old).await;
        let opened = client.open(1).await;
        assert_eq!(client.acquire(1, "gpu", count).await["type"], "granted");
        clients.push((client, opened));
    }
    drop(old);

    let server = TestServer::with(&config).await;
    for (at, count, slots) in [(2, 2, json!([2, 3])), (0, 1, json!([0])), (1, 1, json!([1]))] {
        let mut back = Client::greeted(&server).await;
        let resume = clients[at].1.resume();
        let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 300_000, "resume": resume,
            "held": {"gpu": count}, "slots": {"gpu": slots}});
        let restored = back.ask(open).await;
        assert_eq!(restored["restored"], true, "{restored}");
        assert_eq!(restored["held"]["gpu"]["slots"], slots, "{restored}");
    }
}
