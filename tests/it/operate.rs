//! What operators do over HTTP, and what those whom it hits see of it.

use reqwest::Method;
use serde_json::{Value, json};
use throttle::config::Config;

use crate::server::{TestServer, eventually, send, with_json};

const PROBLEM: &str = "application/problem+json";

pub(crate) async fn call(
    server: &TestServer,
    method: &str,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let answer = send(with_json(server.request(method, path), &body.to_string())).await;
    let is_problem = answer.status >= 400;
    let expected = if is_problem { PROBLEM } else { "application/json" };
    assert_eq!(answer.content_type, expected, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    if is_problem {
        assert_eq!(body["status"], answer.status, "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{body}");
    }
    (answer.status, body)
}

pub(crate) async fn refusal(
    server: &TestServer,
    method: &str,
    path: &str,
    body: Value,
) -> (u16, String) {
    let (status, problem) = call(server, method, path, &body).await;
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

pub(crate) fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub(crate) async fn row(server: &TestServer, name: &str) -> Value {
    let (_, rows) = call(server, "GET", "/operate/semaphores", &json!({})).await;
    let found = rows.as_array().unwrap().iter().find(|row| row["name"] == name);
    found.cloned().unwrap_or_default()
}

#[tokio::test]
async fn what_is_there_can_be_looked_at() {
    let server = TestServer::start(&[("/&", 2, 1)]).await;
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "%2F%26", 2).await, 200);
    let (_, status) = call(&server, "GET", "/operate/status", &json!({})).await;
    assert_eq!((&status["peers"], &status["ready"]), (&json!(1), &json!(true)), "{status}");
    let expected = json!({"name": "/&", "max": 2, "level": 1, "held": 2, "holders": 1, "pending": 0, "waiters": 0});
    assert_eq!(row(&server, "/&").await, expected);
    let (_, shown) = call(&server, "GET", "/operate/semaphores/%2F%26", &json!({})).await;
    assert_eq!(shown["holders"][0]["peer"], peer.to_string(), "{shown}");
    let (_, shown) = call(&server, "GET", &format!("/operate/peers/{peer}"), &json!({})).await;
    assert_eq!(shown["locks"][0]["semaphore"], "/&", "{shown}");
    for (path, expected) in [
        ("/operate/semaphores/X", code(404, "unknown_semaphore")),
        ("/operate/semaphores/%2F%26?limit=1001", code(422, "invalid_request")),
        ("/operate/semaphores/%2F%26?limt=1", code(400, "invalid_request")),
        ("/operate/peers/7", code(404, "unknown_peer")),
        ("/operate/peers/nobody", code(404, "unknown_peer")),
    ] {
        assert_eq!(refusal(&server, "GET", path, json!({})).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_max_is_changed_and_waiters_see_it_at_once() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (holder, waiter) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    assert_eq!(server.acquire(waiter, "A", 1).await, 202);
    let change = json!({"max": 2, "why": "a second one"});
    let (status, changed) = call(&server, "PATCH", "/operate/semaphores/A", &change).await;
    let state = |max| json!({"max": max, "level": 0, "paused": false});
    assert_eq!(status, 200);
    assert_eq!(changed, json!({"name": "A", "before": state(1), "after": state(2)}));
    assert_eq!(server.acquire(waiter, "A", 1).await, 200);
    // It is not what the file says.
    assert_eq!(row(&server, "A").await["configured"], json!({"max": 1, "level": 0}));
    // Nothing is taken away, and nothing is granted until it fits.
    call(&server, "PATCH", "/operate/semaphores/A", &json!({"max": 1})).await;
    assert_eq!(server.remainder("A").await, "-1");
    assert_eq!(server.metric(r#"throttle_overcommitted{semaphore="A"}"#).await, Some(1.0));
    assert!(row(&server, "A").await.get("configured").is_none());
    assert_eq!(
        server.metric(r#"throttle_operator_actions_total{action="change"}"#).await,
        Some(2.0)
    );
}

/// All that the file says is compared, and not only how much there is.
#[tokio::test]
async fn what_is_not_as_in_the_file_is_told() {
    let toml = "[buckets]\napi = { capacity = 10, refill = 10, every = \"1s\" }\n\
                [semaphores]\nA = { max = 1, max_pending = 3 }\n";
    let config = Config { port: 0, ..Config::from_toml(toml, "t.toml").unwrap() };
    let server = TestServer::with(&config).await;
    assert!(row(&server, "A").await.get("configured").is_none());
    assert!(row(&server, "api").await.get("configured").is_none());
    call(&server, "PATCH", "/operate/semaphores/A", &json!({"max_hold": "1h"})).await;
    call(&server, "PATCH", "/operate/semaphores/api", &json!({"refill": 5})).await;
    let a = row(&server, "A").await;
    assert_eq!(a["configured"], json!({"max": 1, "level": 0, "max_pending": 3}));
    assert_eq!((&a["max_pending"], &a["max_hold_ms"]), (&json!(3), &json!(3_600_000)));
    let said = json!({"max": 10, "level": 0, "refill": 10, "every_ms": 1_000, "max_reserved": 1_000, "slop_ms": 10});
    let api = row(&server, "api").await;
    assert_eq!(api["configured"], said);
    let rate = json!({"refill": 5, "every_ms": 1_000, "max_reserved": 1_000, "slop_ms": 20, "reserved": 0});
    assert_eq!(api["bucket"], rate);
    let (_, details) = call(&server, "GET", "/operate/semaphores/api", &Value::Null).await;
    assert_eq!(details["bucket"], rate);
    call(&server, "PATCH", "/operate/semaphores/api", &json!({"refill": 10})).await;
    assert!(row(&server, "api").await.get("configured").is_none());
}

/// Who waits over REST for more than there can be is told, and does not wait for nothing.
#[tokio::test]
async fn whoever_waits_for_too_much_is_sent_away() {
    let server = TestServer::start(&[("A", 3, 0)]).await;
    let (holder, waiter) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    let path = format!("/peers/{waiter}/A?block_for=20s");
    let (answer, ()) = tokio::join!(server.put(&path, "3"), async {
        server.metric_becomes(r#"throttle_waiters{semaphore="A"}"#, 1.0).await;
        call(&server, "PATCH", "/operate/semaphores/A", &json!({"max": 2})).await;
    });
    assert_eq!((answer.status, &answer.body[..27]), (409, "Lock can never be acquired."));
}

#[tokio::test]
async fn a_paused_semaphore_grants_nothing() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let peer = server.new_peer().await;
    call(&server, "PATCH", "/operate/semaphores/A", &json!({"paused": true})).await;
    assert_eq!(server.acquire(peer, "A", 1).await, 202);
    assert_eq!(row(&server, "A").await["paused"], true);
    assert_eq!(server.metric(r#"throttle_paused{semaphore="A"}"#).await, Some(1.0));
    call(&server, "PATCH", "/operate/semaphores/A", &json!({"paused": false})).await;
    assert_eq!(server.acquire(peer, "A", 1).await, 200);
}

#[tokio::test]
async fn semaphores_are_made_and_removed() {
    let server = TestServer::start(&[]).await;
    let new = json!({"name": "A/<b>", "max": 2, "level": -3});
    let (status, _) = call(&server, "POST", "/operate/semaphores", &new).await;
    assert_eq!(status, 201);
    assert_eq!(row(&server, "A/<b>").await["configured"], Value::Null);
    assert!(row(&server, "A/<b>").await.as_object().unwrap().contains_key("configured"));
    let path = "/operate/semaphores/A%2F%3Cb%3E";
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "A%2F%3Cb%3E", 1).await, 200);
    let series = r#"throttle_grants_total{semaphore="A/<b>"}"#;
    assert_eq!(server.metric(series).await, Some(1.0));
    assert_eq!(
        refusal(&server, "POST", "/operate/semaphores", new).await,
        code(409, "semaphore_exists")
    );
    assert_eq!(refusal(&server, "DELETE", path, json!({})).await, code(409, "in_use"));
    let (status, gone) = call(&server, "DELETE", &format!("{path}?force=true"), &json!({})).await;
    assert_eq!((status, &gone["after"]), (200, &Value::Null));
    assert_eq!(server.metric(series).await, None);
    assert_eq!(refusal(&server, "DELETE", path, json!({})).await, code(404, "unknown_semaphore"));
    assert_eq!(server.acquire(peer, "A%2F%3Cb%3E", 1).await, 400);
}

#[tokio::test]
async fn locks_and_peers_are_taken_away() {
    let server = TestServer::start(&[("A", 2, 1), ("B", 1, 0)]).await;
    let (one, other) = (server.new_peer().await, server.new_peer().await);
    for (peer, name) in [(one, "A"), (one, "B"), (other, "A")] {
        assert_eq!(server.acquire(peer, name, 1).await, 200);
    }
    let revoke = format!("/operate/peers/{one}/revoke");
    let (_, taken) =
        call(&server, "POST", &revoke, &json!({"semaphore": "A", "why": "late"})).await;
    assert_eq!(taken["revoked"][0]["locks"][0]["semaphore"], "A", "{taken}");
    assert_eq!(
        refusal(&server, "POST", &revoke, json!({"semaphore": "A"})).await,
        code(409, "not_held")
    );
    assert_eq!(server.remainder("B").await, "0", "the other lock stays");
    let (_, taken) = call(&server, "POST", &revoke, &json!({"grace": "1h"})).await;
    assert!(taken["until_ms"].as_u64().unwrap() > 0, "{taken}");
    let (_, shown) = call(&server, "GET", "/operate/semaphores/B", &json!({})).await;
    assert_eq!(shown["holders"][0]["revoked_ms"], taken["until_ms"], "{shown}");
    let (_, shown) = call(&server, "GET", &format!("/operate/peers/{one}"), &json!({})).await;
    let ends = [&shown["revoked_ms"], &shown["locks"][0]["revoked_ms"]];
    assert_eq!(ends, [&taken["until_ms"]; 2], "{shown}");
    call(&server, "POST", &revoke, &json!({})).await;
    assert_eq!(server.is_acquired(one).await.status, 400, "the peer is gone");
    call(&server, "POST", "/operate/semaphores/A/free", &json!({"grace": "50ms"})).await;
    eventually("the grace is over", || async { server.remainder("A").await == "2" }).await;
    assert_eq!(server.is_acquired(other).await.status, 200, "the peer stays");
    let released = r#"throttle_releases_total{semaphore="A",reason="revoked"}"#;
    let alternative = r#"throttle_releases_total{reason="revoked",semaphore="A"}"#;
    let count = (server.metric(released).await, server.metric(alternative).await);
    assert!([(Some(2.0), None), (None, Some(2.0))].contains(&count), "{count:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let long = "x".repeat(129);
    for (method, path, body, expected) in [
        ("PATCH", "/operate/semaphores/A", json!({}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"max": 0}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"max": -1}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"max": 2_147_483_649_u64}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"max": 1.5}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"max": "2"}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"level": 3_000_000_000_u64}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"maximum": 2}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"max": 2, "why": long}), 422),
        ("PATCH", "/operate/semaphores/A", json!({"max": 2, "why": "a\nb"}), 422),
        ("PATCH", "/operate/semaphores/A", json!([]), 422),
        ("PATCH", "/operate/semaphores/X", json!({"max": 2}), 404),
        ("POST", "/operate/semaphores", json!({"name": "B"}), 422),
        ("POST", "/operate/semaphores", json!({"name": "", "max": 1}), 422),
        ("POST", "/operate/semaphores", json!({"name": long, "max": 1}), 422),
        ("POST", "/operate/semaphores/A/free", json!({"grace": "soon"}), 422),
        ("POST", "/operate/semaphores/A/free", json!({"grace": "500000000000y"}), 422),
        ("POST", "/operate/semaphores/A/free", json!({"grace": "400d"}), 422),
        ("POST", "/operate/peers/1/revoke", json!({}), 404),
    ] {
        let (status, problem) = call(&server, method, path, &body).await;
        assert_eq!(status, expected, "{method} {path} {body}: {problem}");
    }
    let expected = json!({"name": "A", "max": 1, "level": 0, "held": 0, "holders": 0, "pending": 0, "waiters": 0});
    assert_eq!(row(&server, "A").await, expected);
    let plain = server.request(Method::PATCH, "/operate/semaphores/A").body(r#"{"max":2}"#);
    assert_eq!(send(plain).await.status, 415);
    let half = with_json(server.request(Method::PATCH, "/operate/semaphores/A"), r#"{"max":"#);
    assert_eq!(send(half).await.status, 400);
    let large =
        with_json(server.request(Method::PATCH, "/operate/semaphores/A"), &" ".repeat(70_000));
    assert_eq!(send(large).await.status, 413);
    let foreign = with_json(server.request(Method::PATCH, "/operate/semaphores/A"), r#"{"max":2}"#);
    assert_eq!(send(foreign.header("origin", "https://evil.example")).await.status, 403);
}
