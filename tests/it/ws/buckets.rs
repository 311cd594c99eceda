//! Buckets over a WebSocket: pushed when they are due, together with semaphores, corrected and closed.

use reqwest::Method;
use serde_json::{Value, json};
use throttle::engine::{Count, Rate, SemaphoreName, SemaphoreSettings, Span};

use super::client::Client;
use crate::buckets::slow;
use crate::server::{TestServer, config, with_json};

async fn peers(server: &TestServer, count: i64) -> Client {
    let mut client = Client::greeted(server).await;
    for peer in 1..=count {
        let open = json!({"type": "open", "id": peer, "peer": peer, "expires_in_ms": 60_000});
        assert_eq!(client.ask(open).await["type"], "opened");
    }
    client
}

fn acquire(id: i64, peer: i64, want: Value) -> Value {
    json!({"type": "acquire", "id": id, "peer": peer, "want": want})
}

#[tokio::test]
async fn a_grant_is_pushed_when_it_is_due() {
    let (interval, mut config) = (30, config(&[("A", 1, 0)]));
    let name = SemaphoreName::new("pacer").unwrap();
    let one = Count::new(1).unwrap();
    let rate = Rate::new(one, Span::from_millis(interval)).unwrap();
    config.semaphores.push(SemaphoreSettings::bucket(name, one, rate));
    let server = TestServer::with(&config).await;
    let mut client = peers(&server, 4).await;
    assert_eq!(client.ask(acquire(11, 1, json!({"pacer": 1}))).await["type"], "granted");
    client
        .send(json!([
            acquire(12, 2, json!({"pacer": 1})),
            acquire(13, 3, json!({"pacer": 1, "A": 1})),
            acquire(14, 4, json!({"pacer": 1})),
        ]))
        .await;
    let mut granted = Vec::new();
    let mut told = Vec::new();
    while granted.len() < 3 {
        let message = client.next().await;
        match message["type"].as_str() {
            Some("granted") => granted.push(message),
            Some("queued") => told.push((message["id"].clone(), message["eta_ms"].as_u64())),
            other => panic!("{other:?}"),
        }
    }
    let ids: Vec<_> = granted.iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [12, 13, 14]);
    assert!(granted[1]["locks"]["A"]["fence"].is_u64(), "{granted:?}");
    let waited: Vec<_> = granted.iter().map(|it| it["waited_ms"].as_u64().unwrap()).collect();
    // The first was due an interval after the grant before it, of which a little had passed.
    assert!(waited[1] >= waited[0] + interval - 1 && waited[2] >= waited[1] + interval - 1);
    // What comes before the grant is told. That a joint want stands before the last one hides its moment.
    for (id, eta) in told {
        assert!(eta.is_none_or(|eta| eta <= interval), "{id} {eta:?}");
        assert!(id != 14 || eta.is_none(), "{eta:?}");
    }
}

#[tokio::test]
async fn who_would_wait_for_too_long_hears_it_at_once() {
    let server = TestServer::with(&slow()).await;
    let mut client = peers(&server, 2).await;
    assert_eq!(client.ask(acquire(11, 1, json!({"api": 5}))).await["type"], "granted");
    let mut impatient = acquire(12, 2, json!({"api": 1, "A": 1}));
    impatient["max_wait_ms"] = json!(60_000);
    let refused = client.ask(impatient).await;
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("timeout"), &json!(true)));
    let eta = refused["eta_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&eta), "{refused}");
    let queued = client.ask(acquire(13, 2, json!({"api": 1}))).await;
    let eta = queued["eta_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&eta), "{queued}");
    // What was not used is there for who waits.
    let settle = json!({"type": "settle", "id": 14, "peer": 1, "used": {"api": 4}});
    client.send(settle).await;
    let (settled, granted) = (client.next().await, client.next().await);
    assert_eq!(settled, json!({"type": "settled", "id": 14, "peer": 1}));
    assert_eq!((&granted["id"], &granted["type"]), (&json!(13), &json!("granted")));
    let released = client.ask(json!({"type": "release", "id": 15, "peer": 1})).await;
    assert_eq!(released["locks"]["api"]["count"], 4, "{released}");
}

/// A semaphore's line may have an end, too; over REST that is told with a time as well.
#[tokio::test]
async fn too_many_cannot_wait() {
    let mut config = config(&[("A", 1, 0)]);
    config.semaphores[0].manners.max_pending = Some(1);
    let server = TestServer::with(&config).await;
    let mut client = peers(&server, 3).await;
    assert_eq!(client.ask(acquire(11, 1, json!({"A": 1}))).await["type"], "granted");
    assert_eq!(client.ask(acquire(12, 2, json!({"A": 1}))).await["type"], "queued");
    let busy = client.ask(acquire(13, 3, json!({"A": 1}))).await;
    assert_eq!((&busy["code"], &busy["semaphore"]), (&json!("busy"), &json!("A")));
    assert_eq!((&busy["retry_after_ms"], &busy["retryable"]), (&json!(1_000), &json!(true)));
    let peer = server.new_peer().await;
    let put = server.request(Method::PUT, &format!("/peers/{peer}/A"));
    let refused = with_json(put, "1").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let said = refused.text().await.unwrap();
    assert_eq!(said, r#"too many wait for "A" already; try again in 1s"#);
}

#[tokio::test]
async fn too_many_cannot_be_promised() {
    let server = TestServer::with(&slow()).await;
    let mut client = peers(&server, 4).await;
    assert_eq!(client.ask(acquire(11, 1, json!({"pacer": 1}))).await["type"], "granted");
    for (id, peer) in [(12, 2), (13, 3)] {
        assert_eq!(client.ask(acquire(id, peer, json!({"pacer": 1}))).await["type"], "queued");
    }
    let busy = client.ask(acquire(14, 4, json!({"pacer": 1}))).await;
    assert_eq!((&busy["code"], &busy["semaphore"]), (&json!("busy"), &json!("pacer")));
    let retry_after = busy["retry_after_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&retry_after), "{busy}");
    assert_eq!(busy["retryable"], true);
}

#[tokio::test]
async fn a_holder_that_was_refused_closes_the_bucket_for_all() {
    let server = TestServer::with(&slow()).await;
    let mut client = peers(&server, 2).await;
    let throttled = |name: &str| json!({"type": "throttled", "id": 20, "peer": 1, "name": name, "retry_after_ms": 7_200_000});
    assert_eq!(client.ask(throttled("api")).await["code"], "not_held");
    assert_eq!(client.ask(throttled("A")).await["code"], "not_a_bucket");
    assert_eq!(client.ask(throttled("B")).await["code"], "unknown_semaphore");
    assert_eq!(client.ask(acquire(11, 1, json!({"api": 1}))).await["type"], "granted");
    let closed = client.ask(throttled("api")).await;
    let expected =
        json!({"type": "backed_off", "id": 20, "peer": 1, "name": "api", "for_ms": 7_200_000});
    assert_eq!(closed, expected);
    let queued = client.ask(acquire(12, 2, json!({"api": 1}))).await;
    let eta = queued["eta_ms"].as_u64().unwrap();
    assert!((7_190_000..=7_200_000).contains(&eta), "{queued}");
    for wrong in [json!(-1), json!("1s"), json!(1.5), Value::Null] {
        let mut bad = throttled("api");
        bad["retry_after_ms"] = wrong;
        assert_eq!(client.ask(bad).await["code"], "bad_message");
    }
    for wrong in [json!({}), json!({"api": "1"}), json!([]), Value::Null] {
        let settle = json!({"type": "settle", "id": 21, "peer": 1, "used": wrong});
        assert_eq!(client.ask(settle).await["code"], "bad_message");
    }
    let settle = json!({"type": "settle", "id": 21, "peer": 1, "used": {"api": -1}});
    let refused = client.ask(settle).await;
    assert_eq!((&refused["code"], &refused["asked"]), (&json!("invalid_count"), &json!(-1)));
    assert_eq!(refused["message"], "what was used of \"api\" must be from 0 to 2^31, not -1");
}
