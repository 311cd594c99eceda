//! Names that nobody has listed: keys of patterns, and what clients declare.

use serde_json::{Value, json};
use throttle::config::Config;

use super::client::Client;
use crate::server::{TestServer, config};

async fn peers(server: &TestServer, count: i64) -> Client {
    let mut client = Client::greeted(server).await;
    for peer in 1..=count {
        let open = json!({"type": "open", "id": peer, "peer": peer, "expires_in_ms": 60_000});
        assert_eq!(client.ask(open).await["type"], "opened");
    }
    client
}

fn acquire(peer: i64, want: Value, declare: Value) -> Value {
    json!({"type": "acquire", "id": 9, "peer": peer, "want": want, "declare": declare, "timeout_ms": 0})
}

#[tokio::test]
async fn each_key_is_a_semaphore_and_metrics_know_the_pattern_only() {
    let server = TestServer::start(&[("tenant/*", 1, 0), ("tenant/big", 2, 0)]).await;
    let mut client = peers(&server, 3).await;
    for (peer, name) in [(1, "tenant/secret-7"), (2, "tenant/8"), (3, "tenant/big")] {
        let granted = client.ask(acquire(peer, json!({name: 1}), Value::Null)).await;
        assert_eq!(granted["type"], "granted", "{granted}");
    }
    let pattern = r#"throttle_grants_total{semaphore="tenant/*"}"#;
    server.metric_becomes(pattern, 2.0).await;
    server.metric_becomes(r#"throttle_acquired{semaphore="tenant/*"}"#, 2.0).await;
    assert!(!server.get("/metrics").await.body.contains("secret"));
    assert_eq!(server.remainder("tenant%2F8").await, "0");
    assert_eq!(server.remainder("tenant%2F9").await, "1", "a key that nobody has used");
    let unknown = client.ask(acquire(1, json!({"tenant/7/8": 1}), Value::Null)).await;
    assert_eq!(unknown["code"], "unknown_semaphore");
    let shown: Value = serde_json::from_str(&server.get("/operate/semaphores").await.body).unwrap();
    let rows = shown["semaphores"].as_array().or(shown.as_array()).unwrap();
    let row = rows.iter().find(|row| row["name"] == "tenant/*").unwrap();
    assert_eq!((&row["keys"], &row["held"]), (&json!(2), &json!(2)), "{row}");
    assert_eq!(rows.len(), 2, "{shown}");
}

#[tokio::test]
async fn what_is_declared_is_so_for_everybody() {
    let server = TestServer::with(&Config { dynamic: true, ..config(&[("A", 1, 0)]) }).await;
    let mut client = peers(&server, 4).await;
    let five = json!({"jobs": {"max": 5}});
    let granted = client.ask(acquire(1, json!({"jobs": 3}), five.clone())).await;
    assert_eq!(granted["locks"]["jobs"]["count"], 3, "{granted}");
    let other = client.ask(acquire(2, json!({"jobs": 1}), json!({"jobs": {"max": 6}}))).await;
    assert_eq!(other["code"], "declared_otherwise");
    let values = (&other["semaphore"], &other["declared"], &other["actual"]);
    let expected = (&json!("jobs"), &json!({"max": 6}), &json!({"max": 5}));
    assert_eq!(values, expected, "{other}");
    let as_it_is = client.ask(acquire(2, json!({"A": 1}), json!({"A": {"max": 1}}))).await;
    assert_eq!(as_it_is["type"], "granted", "{as_it_is}");
    let bucket = json!({"api": {"capacity": 2, "refill": 1, "every_ms": 3_600_000}});
    let granted = client.ask(acquire(3, json!({"api": 2}), bucket)).await;
    assert_eq!(granted["type"], "granted", "{granted}");
    let pacer = json!({"pace": {"min_interval_ms": 3_600_000, "max_reserved": 0}});
    let paced = acquire(4, json!({"pace": 1}), pacer);
    assert_eq!(client.ask(paced).await["type"], "granted");
    assert_eq!(server.remainder("api").await, "0");
    server.metric_becomes(r#"throttle_acquired{semaphore="[dynamic]"}"#, 6.0).await;
}

#[tokio::test]
async fn nothing_is_declared_where_that_is_not_allowed_or_makes_no_sense() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let mut client = peers(&server, 1).await;
    let declare = acquire(1, json!({"jobs": 1}), json!({"jobs": {"max": 5}}));
    assert_eq!(client.ask(declare).await["code"], "unknown_semaphore");
    let cases = [
        json!({"other": {"max": 1}}),
        json!({"A": {}}),
        json!({"A": {"max": 0}}),
        json!({"A": {"max": -1}}),
        json!({"A": {"max": 1, "capacity": 1}}),
        json!({"A": {"max": 4_294_967_296_u64}}),
        json!({"A": {"capacity": 1}}),
        json!({"A": {"capacity": 1, "every_ms": 0}}),
        json!({"A": {"min_interval_ms": 1, "refill": 1}}),
        json!({"A": {"maximum": 1}}),
        json!({"A": 1}),
        json!([]),
        json!("A"),
    ];
    for declare in cases {
        let answer = client.ask(acquire(1, json!({"A": 1}), declare.clone())).await;
        assert_eq!(answer["code"], "bad_message", "{declare}: {answer}");
        // Nothing but bad messages would end the session.
        assert_eq!(client.ask(json!({"type": "ping", "id": 1})).await["type"], "pong");
    }
    let twice = r#"{"type":"acquire","id":9,"peer":1,"want":{"A":1},"declare":{"A":{"max":1},"A":{"max":2}}}"#;
    client.send_text(twice).await;
    let answer = client.next().await;
    assert_eq!(answer["code"], "bad_message", "{answer}");
    assert_eq!(answer["message"], "acquire: \"A\" stands in \"declare\" twice");
}

#[tokio::test]
async fn there_can_only_be_so_many_keys() {
    let mut config = config(&[("k/*", 1, 0)]);
    config.limits.max_keyed = 2;
    let server = TestServer::with(&config).await;
    let mut client = peers(&server, 3).await;
    for (peer, name) in [(1, "k/1"), (2, "k/2")] {
        assert_eq!(
            client.ask(acquire(peer, json!({name: 1}), Value::Null)).await["type"],
            "granted"
        );
    }
    let refused = client.ask(acquire(3, json!({"k/3": 1}), Value::Null)).await;
    assert_eq!((&refused["code"], &refused["limit"]), (&json!("limit_exceeded"), &json!(2)));
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "k%2F4", 1).await, 503);
}

/// The server has lost its memory: what nobody has listed comes back with who holds it, and with it all else.
#[tokio::test]
async fn what_was_declared_comes_back_with_its_holders() {
    let dynamic = || Config { dynamic: true, ..config(&[("A", 1, 0)]) };
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 60_000});
    let held = json!({"A": 1, "jobs": 2, "api": 1});
    let declare = json!({"jobs": {"max": 2}, "api": {"capacity": 2, "every_ms": 3_600_000}});
    let declared = |resume: &Value, held: &Value, declare: &Value| {
        let mut open = open.clone();
        open["resume"] = resume.clone();
        (open["held"], open["declare"]) = (held.clone(), declare.clone());
        open
    };
    let resume = {
        let server = TestServer::with(&dynamic()).await;
        let mut client = Client::greeted(&server).await;
        let resume = client.ask(open.clone()).await["resume"].take();
        let granted = client.ask(acquire(1, held.clone(), declare.clone())).await;
        assert_eq!(granted["type"], "granted", "{granted}");
        resume
    };
    let server = TestServer::with(&dynamic()).await;
    let mut client = Client::greeted(&server).await;
    let unknown = client.ask(declared(&resume, &held, &Value::Null)).await;
    assert_eq!(unknown["code"], "unknown_semaphore", "{unknown}");
    let wrong = client.ask(declared(&resume, &json!({"A": 1}), &declare)).await;
    assert_eq!(wrong["code"], "bad_message", "{wrong}");
    let opened = client.ask(declared(&resume, &held, &declare)).await;
    assert_eq!(
        (&opened["type"], &opened["restored"]),
        (&json!("opened"), &json!(true)),
        "{opened}"
    );
    assert_eq!(opened["held"]["jobs"]["count"], 2, "{opened}");
    let remainders = [server.remainder("jobs").await, server.remainder("api").await];
    assert_eq!(remainders, ["0", "1"]);
    // It is known from now on, whatever is declared.
    let mut other = Client::greeted(&server).await;
    let opened = other.ask(declared(&resume, &held, &json!({"jobs": {"max": 7}}))).await;
    assert_eq!(
        (&opened["type"], &opened["restored"]),
        (&json!("opened"), &json!(false)),
        "{opened}"
    );
}
