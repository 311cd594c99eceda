//! Semaphores and buckets made and changed over HTTP, with all that the configuration can say of them.

use serde_json::{Value, json};

use crate::operate::{call, code, refusal, row};
use crate::server::TestServer;

const ALL: &str = "/operate/semaphores";

fn plain(max: u32) -> Value {
    json!({"max": max, "level": 0, "paused": false})
}

fn with(state: Value, more: Value) -> Value {
    let (mut state, more) = (state, more);
    for (name, value) in more.as_object().unwrap() {
        state[name] = value.clone();
    }
    state
}

#[tokio::test]
async fn manners_are_set_and_taken_away() {
    let server = TestServer::start(&[("A", 3, 0)]).await;
    let set = json!({"max_pending": 1, "max_hold": "1h", "lock_delay": "15s", "slots": true});
    let (status, changed) = call(&server, "PATCH", "/operate/semaphores/A", &set).await;
    let mannered =
        json!({"max_pending": 1, "max_hold_ms": 3_600_000, "lock_delay_ms": 15_000, "slots": true});
    let mannered = with(plain(3), mannered);
    assert_eq!(status, 200);
    assert_eq!(changed, json!({"name": "A", "before": plain(3), "after": mannered}));
    let peers = [server.new_peer().await, server.new_peer().await, server.new_peer().await];
    assert_eq!(server.acquire(peers[0], "A", 3).await, 200);
    assert_eq!(server.acquire(peers[1], "A", 1).await, 202);
    assert_eq!(server.acquire(peers[2], "A", 1).await, 429, "as many wait as may");
    let none =
        json!({"max_pending": null, "max_hold": null, "lock_delay": null, "slots": null, "max": 4});
    let (_, changed) = call(&server, "PATCH", "/operate/semaphores/A", &none).await;
    assert_eq!((&changed["before"], &changed["after"]), (&mannered, &plain(4)));
    let new = with(json!({"name": "B", "max": 2}), set);
    let (status, made) = call(&server, "POST", ALL, &new).await;
    assert_eq!((status, &made["after"]["max_pending"]), (201, &json!(1)), "{made}");
    assert_eq!(server.acquire(peers[2], "B", 2).await, 200);
}

#[tokio::test]
async fn buckets_are_made_and_their_rates_changed() {
    let server = TestServer::start(&[]).await;
    let new = json!({"name": "api", "capacity": 10, "refill": 10, "every": "1h"});
    let (status, made) = call(&server, "POST", ALL, &new).await;
    let rate =
        json!({"refill": 10, "every_ms": 3_600_000, "max_reserved": 1_000, "slop_ms": 36_000});
    assert_eq!((status, &made["after"]), (201, &with(plain(10), rate)), "{made}");
    assert_eq!(row(&server, "api").await["bucket"]["refill"], 10);
    let reserved = server.post("/buckets/api/permits", r#"{"count":10}"#).await;
    assert_eq!(reserved.status, 200, "{reserved:?}");
    let (status, changed) =
        call(&server, "PATCH", "/operate/semaphores/api", &json!({"every": "2h"})).await;
    let rate =
        json!({"refill": 10, "every_ms": 7_200_000, "max_reserved": 1_000, "slop_ms": 72_000});
    assert_eq!((status, &changed["after"]), (200, &with(plain(10), rate)), "{changed}");
    let (_, changed) = call(
        &server,
        "PATCH",
        "/operate/semaphores/api",
        &json!({"capacity": 12, "max_reserved": 0, "slop": "1s"}),
    )
    .await;
    let rate = json!({"refill": 10, "every_ms": 7_200_000, "max_reserved": 0, "slop_ms": 1_000});
    assert_eq!(changed["after"], with(plain(12), rate), "{changed}");
    // What was taken is paid for within an hour, as it was to be; what is more is there at once.
    let shown: Value = serde_json::from_str(&server.get("/buckets/api").await.body).unwrap();
    assert_eq!((&shown["available"], &shown["every_ms"]), (&json!(7), &json!(7_200_000)));
    let (_, pacer) =
        call(&server, "PATCH", "/operate/semaphores/api", &json!({"min_interval": "3s"})).await;
    assert_eq!(pacer["after"]["every_ms"], 3_000, "{pacer}");
    assert_eq!((&pacer["after"]["max"], &pacer["after"]["refill"]), (&json!(1), &json!(1)));
    // What the dashboard calls it.
    let (_, changed) = call(&server, "PATCH", "/operate/semaphores/api", &json!({"max": 7})).await;
    assert_eq!(changed["after"]["max"], 7, "{changed}");
}

#[tokio::test]
async fn what_is_promised_is_not_deleted_unless_that_is_forced() {
    let server = TestServer::start(&[]).await;
    let pacer = json!({"name": "pace", "min_interval": "1h"});
    assert_eq!(call(&server, "POST", ALL, &pacer).await.0, 201);
    for _ in 0..2 {
        assert_eq!(server.post("/buckets/pace/permits", "{}").await.status, 200);
    }
    let (status, problem) = call(&server, "DELETE", "/operate/semaphores/pace", &json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("in_use")));
    let detail = r#"Semaphore "pace" is in use: 0 hold it and 0 wait for it, and a token of it is promised."#;
    assert_eq!(problem["detail"], detail);
    let (status, _) =
        call(&server, "DELETE", "/operate/semaphores/pace?force=true", &json!({})).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_does_not_fit_the_kind_is_refused() {
    let server = TestServer::start(&[("A", 3, 0)]).await;
    let bucket = json!({"name": "api", "capacity": 10, "every": "1h"});
    assert_eq!(call(&server, "POST", ALL, &bucket).await.0, 201);
    let mix = json!({"name": "B", "max": 1, "capacity": 1, "every": "1s"});
    for (method, path, body, expected) in [
        ("POST", "", mix, code(422, "invalid_request")),
        ("POST", "", json!({"name": "B", "capacity": 1}), code(422, "invalid_request")),
        (
            "POST",
            "",
            json!({"name": "B", "min_interval": "1s", "every": "1s"}),
            code(422, "invalid_request"),
        ),
        ("POST", "", json!({"name": "B", "max": 1, "paused": true}), code(422, "invalid_request")),
        ("POST", "", json!({"name": "B", "max": 1, "slots": 1}), code(422, "invalid_request")),
        ("POST", "", json!({"name": "[dynamic]", "max": 1}), code(422, "invalid_request")),
        (
            "POST",
            "",
            json!({"name": "B", "max": 10_001, "slots": true}),
            code(422, "limit_exceeded"),
        ),
        ("PATCH", "/A", json!({"max": 4, "capacity": 4}), code(422, "invalid_request")),
        ("PATCH", "/A", json!({"name": "B"}), code(422, "invalid_request")),
        ("PATCH", "/A", json!({"max_hold": "0s"}), code(422, "invalid_request")),
        ("PATCH", "/A", json!({"every": "1s"}), code(409, "not_a_bucket")),
        ("PATCH", "/A", json!({"capacity": 9}), code(409, "not_a_bucket")),
        ("PATCH", "/A", json!({"max": 10_001, "slots": true}), code(422, "limit_exceeded")),
        ("PATCH", "/api", json!({"level": 1}), code(409, "not_a_semaphore")),
        ("PATCH", "/api", json!({"slots": true}), code(409, "not_a_semaphore")),
        ("PATCH", "/api", json!({"max_pending": null}), code(409, "not_a_semaphore")),
    ] {
        assert_eq!(
            refusal(&server, method, &format!("{ALL}{path}"), body.clone()).await,
            expected,
            "{body}"
        );
    }
    let (_, problem) =
        call(&server, "PATCH", "/operate/semaphores/api", &json!({"level": 1})).await;
    let detail =
        r#""api" is a bucket, which has no level, max_pending, max_hold, lock_delay and slots."#;
    assert_eq!(problem["detail"], detail);
    let (_, problem) =
        call(&server, "PATCH", "/operate/semaphores/A", &json!({"max": 1, "why": "a\nb"})).await;
    assert_eq!(
        problem["detail"],
        r#""why" must not contain control characters, this one has '\n'."#
    );
    let twice = server.request(reqwest::Method::PATCH, "/operate/semaphores/A");
    let twice = crate::server::send(crate::server::with_json(twice, r#"{"max":4,"max":5}"#)).await;
    assert_eq!(twice.status, 422, "{twice:?}");
    let (_, shown) = call(&server, "GET", "/operate/semaphores/A", &json!({})).await;
    assert_eq!(shown["max"], 3, "{shown}");
}
