//! What operators see: all of it first, then what changes, and details when they ask.

use serde_json::{Value, json};

use super::client::{Client, holder, waiter};
use crate::server::{TestServer, text};

const EVERY_MS: u64 = 100;

/// A watcher, who has seen the first state.
async fn watcher(server: &TestServer, names: Option<Value>) -> (Client, Value) {
    let mut client = Client::greeted(server).await;
    let watch = json!({"type": "watch", "id": 7, "every_ms": EVERY_MS, "names": names});
    let watching = client.ask(watch).await;
    assert_eq!(watching, json!({"type": "watching", "id": 7, "every_ms": EVERY_MS}));
    let first = client.next().await;
    assert_eq!(
        (&first["type"], &first["id"], &first["seq"]),
        (&json!("state"), &json!(7), &json!(1))
    );
    assert_eq!(first["snapshot"], true);
    (client, first)
}

/// States until one satisfies the condition. They are numbered without gaps.
async fn until(client: &mut Client, seq: &mut u64, condition: impl Fn(&Value) -> bool) -> Value {
    loop {
        let state = client.next().await;
        *seq += 1;
        assert_eq!((&state["type"], &state["seq"]), (&json!("state"), &json!(*seq)));
        if condition(&state) {
            return state;
        }
    }
}

#[tokio::test]
async fn first_all_is_shown_and_then_what_changes() {
    let server = TestServer::start(&[("A", 1, 0), ("<b>\"", 2, 1)]).await;
    let (mut client, first) = watcher(&server, None).await;
    let free = json!({"max": 1, "level": 0, "held": 0, "holders": 0, "pending": 0, "waiters": 0});
    assert_eq!(first["semaphores"]["A"], free);
    assert_eq!(first["semaphores"]["<b>\""]["max"], 2);
    assert_eq!((&first["server"]["sessions"], &first["server"]["peers"]), (&json!(1), &json!(0)));

    let (_holder, _) = holder(&server, "A").await;
    let (_waiter, _) = waiter(&server, "A").await;
    let mut seq = 1;
    let waiting =
        until(&mut client, &mut seq, |state| state["semaphores"]["A"]["waiters"] == 1).await;
    assert_eq!(waiting.get("snapshot"), None);
    assert_eq!(waiting["semaphores"].as_object().unwrap().len(), 1, "the other has not changed");
    let row = &waiting["semaphores"]["A"];
    assert_eq!((&row["held"], &row["holders"], &row["pending"]), (&json!(1), &json!(1), &json!(1)));
    assert!(row["waiting_since_ms"].as_u64().unwrap() <= waiting["now_ms"].as_u64().unwrap());
    assert_eq!(waiting["server"]["grants"], 1);
}

#[tokio::test]
async fn what_happens_is_told() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut client, _) = watcher(&server, None).await;
    let (mut holder, _) = holder(&server, "A").await;
    holder.send(json!({"type": "release", "peer": 1})).await;
    let mut kinds = Vec::new();
    let mut seq = 1;
    while kinds.len() < 2 {
        let state = until(&mut client, &mut seq, |state| state.get("events").is_some()).await;
        for event in state["events"].as_array().unwrap() {
            assert_eq!((&event["semaphore"], &event["count"]), (&json!("A"), &json!(1)));
            kinds.push(event["kind"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(kinds, ["granted", "released"]);
}

#[tokio::test]
async fn a_watch_of_some_shows_those_and_ends_when_it_is_to() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 1, 0)]).await;
    let (mut client, first) = watcher(&server, Some(json!(["B"]))).await;
    assert_eq!(first["semaphores"].as_object().unwrap().keys().collect::<Vec<_>>(), ["B"]);
    client.send(json!([{"type": "unwatch", "id": 7}, {"type": "ping", "id": 8}])).await;
    while client.next().await["type"] != "pong" {}
    let (_holder, _) = holder(&server, "B").await;
    let details = client.ask(json!({"type": "inspect", "id": 9, "name": "B"})).await;
    assert_eq!((&details["type"], &details["held"]), (&json!("details"), &json!(1)));
}

#[tokio::test]
async fn a_semaphore_is_shown_with_its_holders_and_its_line() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (_holder, opened) = holder(&server, "A").await;
    let rest = server.new_peer().await;
    assert_eq!(server.acquire(rest, "A", 1).await, 202);
    let mut client = Client::greeted(&server).await;
    let details = client.ask(json!({"type": "inspect", "id": 1, "name": "A"})).await;
    assert_eq!(
        (&details["name"], &details["holder_count"], &details["waiters"]),
        (&json!("A"), &json!(1), &json!(1))
    );
    let holder = &details["holders"][0];
    assert_eq!(
        (&holder["peer"], &holder["transport"]),
        (&opened.0["peer_id"], &json!("websocket"))
    );
    assert!(holder["remote"].as_str().unwrap().starts_with("127.0.0.1:"), "{holder}");
    assert_eq!(holder.get("expires_ms"), None, "its connection keeps it alive");
    let waiting = &details["queue"][0];
    assert_eq!((&waiting["peer"], &waiting["position"]), (&json!(rest.to_string()), &json!(1)));
    assert_eq!((&waiting["transport"], &waiting["want"]), (&json!("rest"), &json!({"A": 1})));
    assert!(waiting["expires_ms"].as_u64() > details["now_ms"].as_u64());

    // How many there are is told without any of them, too, and over HTTP the same.
    let none = client.ask(json!({"type": "inspect", "id": 1, "name": "A", "limit": 0})).await;
    let shown = server.get("/operate/semaphores/A?limit=0").await;
    let shown: Value = serde_json::from_str(&shown.body).unwrap();
    for none in [none, shown] {
        assert_eq!((&none["holders"], &none["queue"]), (&json!([]), &json!([])), "{none}");
        assert_eq!((&none["holder_count"], &none["waiters"]), (&json!(1), &json!(1)), "{none}");
    }

    let peer = client.ask(json!({"type": "inspect", "id": 2, "peer": rest.to_string()})).await;
    assert_eq!((&peer["id"], &peer["locks"]), (&json!(2), &json!([])));
    assert_eq!(peer["waiting"]["want"], json!({"A": 1}));
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let mut client = Client::greeted(&server).await;
    for (ask, code) in [
        (json!({"type": "inspect", "id": 1, "name": "B"}), "unknown_semaphore"),
        (json!({"type": "inspect", "id": 1, "peer": "s1"}), "unknown_peer"),
        (json!({"type": "inspect", "id": 1, "peer": 1}), "bad_message"),
        (json!({"type": "inspect", "id": 1, "name": "A", "peer": "s1"}), "bad_message"),
        (json!({"type": "inspect", "id": 1, "name": "A", "limit": 1001}), "bad_message"),
        (json!({"type": "inspect", "id": 1, "name": "A", "limit": -1}), "bad_message"),
        (json!({"type": "inspect", "name": "A"}), "bad_message"),
        (json!({"type": "watch", "id": 1, "every_ms": 99}), "bad_message"),
        (json!({"type": "watch", "id": 1, "names": "A"}), "bad_message"),
    ] {
        let answer = client.ask(ask.clone()).await;
        assert_eq!(answer["code"], code, "{ask}: {answer}");
        if code == "unknown_semaphore" {
            assert_eq!(answer["semaphore"], ask["name"], "{answer}");
        }
        client.ask(json!({"type": "ping", "id": 0})).await;
    }
    let watches: Vec<_> =
        (0..17).map(|id| json!({"type": "watch", "id": id, "every_ms": 60_000})).collect();
    client.send(json!(watches)).await;
    let mut refused = None;
    while refused.is_none() {
        let message = client.next().await;
        refused = Some(message).filter(|message| message["type"] == "error");
    }
    let refused = refused.unwrap();
    assert_eq!((&refused["id"], &refused["code"]), (&json!(16), &json!("limit_exceeded")));
    assert_eq!((&refused["limit"], &refused["retryable"]), (&json!(16), &json!(true)));
    client.send(json!({"type": "unwatch", "id": 3})).await;
    client.send(json!({"type": "watch", "id": 16, "every_ms": 60_000})).await;
    while client.next().await != json!({"type": "watching", "id": 16, "every_ms": 60_000}) {}
}

#[tokio::test]
async fn the_last_minutes_are_kept() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 1, 0)]).await;
    let history = server.get("/history?semaphore=B").await;
    assert_eq!(history.status, 200);
    let history: Value = serde_json::from_str(&history.body).unwrap();
    assert_eq!(history["every_ms"], 5_000);
    crate::server::eventually("a first point", || async {
        let history = server.get("/history").await.body;
        let history: Value = serde_json::from_str(&history).unwrap();
        history["semaphores"]["A"] == json!({"held": [0], "waiting": [0]})
    })
    .await;
    assert_eq!(server.get("/history?semaphore=C").await, text(400, "Unknown semaphore"));
}

/// Nothing but time happens when a promise falls due, and those who watch are told all the same.
#[tokio::test]
async fn a_permit_that_falls_due_is_told() {
    let server = TestServer::start(&[]).await;
    let pacer = r#"{"name":"pace","min_interval":"500ms"}"#;
    assert_eq!(server.post("/operate/semaphores", pacer).await.status, 201);
    let (mut client, _) = watcher(&server, None).await;
    for _ in 0..2 {
        assert_eq!(server.post("/buckets/pace/permits", "{}").await.status, 200);
    }
    let mut seq = 1;
    for reserved in [1, 0] {
        let of = |state: &Value| state["semaphores"]["pace"]["bucket"]["reserved"] == reserved;
        until(&mut client, &mut seq, of).await;
    }
}
