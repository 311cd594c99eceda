//! Buckets over REST: permits reserved, given up, and refused.

use reqwest::Method;
use serde_json::{Value, json};
use throttle::config::Config;
use throttle::engine::{Count, Rate, SemaphoreName, SemaphoreSettings, Span};

use crate::server::{TestServer, config, json as json_answer, send, text, with_json};

pub(crate) const HOUR: Span = Span::from_secs(3_600);

pub(crate) fn bucket(name: &str, capacity: i64, every: Span) -> SemaphoreSettings {
    let (name, capacity) = (SemaphoreName::new(name).unwrap(), Count::new(capacity).unwrap());
    SemaphoreSettings::bucket(name, capacity, Rate::new(Count::new(1).unwrap(), every).unwrap())
}

/// So slow that no token comes back while a test runs.
pub(crate) fn slow() -> Config {
    let mut pacer = bucket("pacer", 1, HOUR);
    pacer.rate.as_mut().unwrap().max_reserved = 2;
    let mut config = config(&[("A", 1, 0)]);
    config.semaphores.extend([bucket("api", 5, HOUR), pacer]);
    config
}

async fn reserve(server: &TestServer, bucket: &str, body: Value) -> Value {
    let reserved = server.post(&format!("/buckets/{bucket}/permits"), &body.to_string()).await;
    assert_eq!(reserved.status, 200, "{reserved:?}");
    serde_json::from_str(&reserved.body).unwrap()
}

#[tokio::test]
async fn permits_are_reserved_ahead_until_there_are_too_many() {
    let server = TestServer::with(&slow()).await;
    let now = reserve(&server, "pacer", json!({})).await;
    assert_eq!((&now["wait_ms"], &now["count"]), (&json!(0), &json!(1)));
    let slop = |permit: &Value| {
        permit["expires_at_ms"].as_u64().unwrap() - permit["valid_at_ms"].as_u64().unwrap()
    };
    assert_eq!(slop(&now), 360_000, "a tenth of the interval");

    let later = reserve(&server, "pacer", json!({"count": 1, "max_wait": "2h"})).await;
    let apart = later["valid_at_ms"].as_u64().unwrap() - now["valid_at_ms"].as_u64().unwrap();
    assert_eq!(apart, 3_600_000);
    assert!(later["wait_ms"].as_u64().unwrap() <= 3_600_000);
    let last = reserve(&server, "pacer", json!({})).await;

    let refused =
        with_json(server.request(Method::POST, "/buckets/pacer/permits"), "{}").send().await;
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 429);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3_500..=3_600).contains(&seconds), "{seconds}");

    // The turn of the one is for the next.
    let give_up = format!("/buckets/pacer/permits/{}", later["permit"]);
    assert_eq!(server.delete(&give_up).await, text(200, "Ok"));
    assert_eq!(server.delete(&give_up).await.status, 404);
    let next = reserve(&server, "pacer", json!({})).await;
    assert_eq!(next["valid_at_ms"], later["valid_at_ms"]);
    assert!(next["permit"].as_u64() > last["permit"].as_u64());
    let used = format!("/buckets/pacer/permits/{}", now["permit"]);
    assert_eq!(server.delete(&used).await.status, 404, "it is due already");
}

#[tokio::test]
async fn what_takes_too_long_is_refused_with_the_time_to_come_again() {
    let server = TestServer::with(&slow()).await;
    reserve(&server, "api", json!({"count": 5})).await;
    let path = "/buckets/api/permits";
    let body = r#"{"count":2,"max_wait":"1h"}"#;
    let refused = with_json(server.request(Method::POST, path), body).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3_500..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(reserve(&server, "api", json!({"max_wait": "1h"})).await["count"], 1);
}

#[tokio::test]
async fn what_is_no_bucket_and_what_is_no_count_is_refused() {
    let server = TestServer::with(&slow()).await;
    let unknown = text(404, "Unknown bucket");
    for name in ["A", "nothing", "%00", &"x".repeat(200)] {
        assert_eq!(server.post(&format!("/buckets/{name}/permits"), "{}").await, unknown);
        assert_eq!(server.get(&format!("/buckets/{name}")).await, unknown);
        let throttled = format!("/buckets/{name}/throttled");
        assert_eq!(server.post(&throttled, r#"{"retry_after":"1s"}"#).await, unknown);
        assert_eq!(server.delete(&format!("/buckets/{name}/permits/1")).await, unknown);
    }
    let cases = [
        (r#"{"count":0}"#, 422),
        (r#"{"count":-1}"#, 422),
        (r#"{"count":9223372036854775808}"#, 422),
        (r#"{"count":1e400}"#, 400),
        (r#"{"count":6}"#, 409),
        (r#"{"count":4294967296}"#, 422),
        (r#"{"max_wait":"500000000000y"}"#, 422),
        (r#"{"max_wait":1}"#, 422),
        (r#"{"counts":1}"#, 422),
        ("[]", 422),
        ("", 400),
    ];
    for (body, status) in cases {
        let answer = server.post("/buckets/api/permits", body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let permits = ["x", "-1", "18446744073709551616"];
    for permit in permits {
        let path = format!("/buckets/api/permits/{permit}");
        assert_eq!(server.delete(&path).await.status, 400, "{permit}");
    }
    assert_eq!(server.remainder("api").await, "5", "nothing of this has taken anything");
}

#[tokio::test]
async fn a_bucket_is_closed_when_the_resource_behind_it_refuses() {
    let server = TestServer::with(&slow()).await;
    let throttled = "/buckets/api/throttled";
    for wrong in [r#"{"retry_after":"400y"}"#, "{}", r#"{"retry_after":30}"#] {
        assert_eq!(server.post(throttled, wrong).await.status, 422, "{wrong}");
    }
    assert_eq!(server.post(throttled, r#"{"retry_after":"2h"}"#).await, text(200, "Ok"));
    let wait = reserve(&server, "api", json!({})).await["wait_ms"].as_u64().unwrap();
    assert!((7_190_000..=7_200_000).contains(&wait), "{wait}");
    let shown: Value = serde_json::from_str(&server.get("/buckets/api").await.body).unwrap();
    let closed = shown["closed_for_ms"].as_u64().unwrap();
    assert!((7_190_000..=7_200_000).contains(&closed), "{shown}");
    let expected = json!({
        "name": "api", "capacity": 5, "refill": 1, "every_ms": 3_600_000, "available": 5,
        "reserved": 1, "waiting": 0, "closed_for_ms": closed, "paused": false,
    });
    assert_eq!(shown, expected);

    // An operator opens it.
    let resume = |name: &str| {
        let path = format!("/operate/semaphores/{name}");
        send(with_json(server.request(Method::PATCH, &path), r#"{"paused":false}"#))
    };
    let opened: Value = serde_json::from_str(&resume("api").await.body).unwrap();
    assert_eq!(opened["opened"], true, "{opened}");
    assert_eq!(reserve(&server, "api", json!({})).await["wait_ms"], 0);
    let again: Value = serde_json::from_str(&resume("api").await.body).unwrap();
    assert_eq!(again.get("opened"), None, "{again}");
    let series = r#"throttle_operator_actions_total{action="resume"}"#;
    assert_eq!(server.metric(series).await, Some(1.0));
}

/// Whoever is told that too many wait looks for them.
#[tokio::test]
async fn a_bucket_that_gives_nothing_says_why() {
    let mut config = slow();
    let server = TestServer::with(&config).await;
    let pause = server.request(Method::PATCH, "/operate/semaphores/api");
    send(with_json(pause, r#"{"paused":true}"#)).await;
    let refused = server.post("/buckets/api/permits", "{}").await;
    assert_eq!(refused, text(429, r#""api" is paused by an operator; try again in 1s"#));
    config.recovery_grace = std::time::Duration::from_secs(60);
    let server = TestServer::with(&config).await;
    let refused = server.post("/buckets/api/permits", "{}").await;
    assert_eq!(
        refused,
        text(429, "the server was started just now, and gives nothing yet; try again in 1s")
    );
}

/// Rounded it would be another rate.
#[tokio::test]
async fn all_tell_the_same_exact_rate() {
    let mut config = config(&[]);
    config.semaphores.push(bucket("fast", 3, Span::from_micros(1_500)));
    config.semaphores.push(bucket("slow", 3, Span::from_secs(1)));
    let server = TestServer::with(&config).await;
    let rows = server.get("/operate/semaphores").await.body;
    for (name, every) in [("fast", "1.5"), ("slow", "1000")] {
        let told = format!("\"refill\":1,\"every_ms\":{every},");
        let shown = server.get(&format!("/buckets/{name}")).await.body;
        assert!(shown.contains(&told), "{shown}");
        assert!(rows.contains(&told), "{rows}");
    }
}

/// Older clients know nothing of buckets: to them they are semaphores that become free by themselves.
#[tokio::test]
async fn peers_hold_permits_as_they_hold_locks() {
    let mut config = config(&[("A", 1, 0)]);
    config.semaphores.push(bucket("fast", 1, Span::from_millis(20)));
    let server = TestServer::with(&config).await;
    let (one, other) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(one, "fast", 1).await, 200);
    let path = format!("/peers/{other}/fast?block_for=20s");
    assert_eq!(server.put(&path, "1").await, json_answer(200, other));
    assert_eq!(server.acquire(other, "A", 1).await, 200, "no level stands in the way");
    assert_eq!(server.acquire(one, "fast", 1).await, 200, "it is held already");
    assert_eq!(server.delete(&format!("/peers/{one}/fast")).await, text(200, "Ok"));
    assert_eq!(server.acquire(one, "fast", 2).await, 409);
}

#[tokio::test]
async fn a_bucket_is_declared_by_who_reserves() {
    let mut config = config(&[("A", 1, 0)]);
    config.dynamic = true;
    let server = TestServer::with(&config).await;
    let declare = |declared: Value| json!({"count": 2, "declare": declared});
    let ten = json!({"capacity": 10, "refill": 10, "every": "1h"});
    let permit = reserve(&server, "api", declare(ten.clone())).await;
    assert_eq!(permit["wait_ms"], 0, "{permit}");
    let shown: Value = serde_json::from_str(&server.get("/buckets/api").await.body).unwrap();
    assert_eq!((&shown["capacity"], &shown["available"]), (&json!(10), &json!(8)), "{shown}");
    reserve(&server, "api", json!({})).await;
    reserve(&server, "api", declare(ten.clone())).await;
    let refused = async |name: &str, declared: Value| {
        let path = format!("/buckets/{name}/permits");
        server.post(&path, &json!({"declare": declared}).to_string()).await
    };
    let other = refused("api", json!({"capacity": 5, "every": "1h"})).await;
    let both = r#""api" is a bucket of 10, 10 every 1h here, not a bucket of 5, 1 every 1h"#;
    assert_eq!(other, text(409, both));
    assert_eq!(refused("A", ten.clone()).await.status, 409, "it is a semaphore");
    for wrong in [
        json!({}),
        json!([]),
        json!({"max": 5}),
        json!({"capacity": 0, "every": "1s"}),
        json!({"capacity": 1}),
        json!({"capacity": 1, "every": "0s"}),
        json!({"min_interval": "1s", "refill": 1}),
    ] {
        let answer = refused("new", wrong.clone()).await;
        assert_eq!(answer.status, 422, "{wrong}: {answer:?}");
    }
    assert_eq!(server.get("/buckets/new").await.status, 404, "nothing of it was made");
    assert_eq!(refused("pace", json!({"min_interval": "1h", "max_reserved": 0})).await.status, 200);

    let server = TestServer::with(&slow()).await;
    let body = json!({"declare": ten}).to_string();
    assert_eq!(server.post("/buckets/new/permits", &body).await, text(404, "Unknown bucket"));
}
