//! Names of semaphores may hold any character; what a URL does to them on the way must not matter.

use std::collections::HashMap;

use crate::refusals::UNKNOWN_SEMAPHORE;
use crate::server::Server;
use crate::{MINUTE, acquire, is_acquired, new_peer, refusal, remainder};

const NAMES: [&str; 16] = [
    "/&",
    "/",
    "A",
    "%41",
    "%2541",
    "%",
    "a b",
    "a+b",
    "a%20b",
    "a/b/../c",
    "a?b=c&d#e",
    "'quoted'",
    "is_acquired",
    "ünïcödé ☃",
    "日本語",
    "🔒",
];

fn configuration() -> String {
    NAMES.map(|name| format!("\"{name}\" = 1\n")).concat()
}

#[tokio::test]
async fn every_name_is_locked_and_released_and_no_other_one() {
    let server = Server::start(&configuration());
    let client = server.client();
    let peer = new_peer(&client).await;
    for locked in NAMES {
        assert!(acquire(&client, peer, locked, 1).await, "{locked}");
        for name in NAMES {
            assert_eq!(remainder(&client, name).await, i64::from(name != locked), "{name}");
        }
        client.release_lock(peer, locked).await.unwrap();
        assert_eq!(remainder(&client, locked).await, 1, "{locked}");
    }
}

#[tokio::test]
async fn every_name_can_be_restored() {
    let server = Server::start(&configuration());
    let client = server.client();
    let acquired: HashMap<_, _> = NAMES.map(|name| (name.to_owned(), 1)).into();
    client.restore(42, &acquired, MINUTE).await.unwrap();
    for name in NAMES {
        assert_eq!(remainder(&client, name).await, 0, "{name}");
    }
    assert!(is_acquired(&client, 42).await);
}

#[tokio::test]
async fn a_name_that_only_looks_like_one_is_unknown() {
    let server = Server::start(&configuration());
    let client = server.client();
    let peer = new_peer(&client).await;
    for name in ["%2F%26", "a%2Bb", "B", "ünïcödé"] {
        assert_eq!(refusal(client.remainder(name).await), UNKNOWN_SEMAPHORE, "{name}");
        let acquired = client.acquire(peer, name, 1, None, None).await;
        assert_eq!(refusal(acquired), UNKNOWN_SEMAPHORE, "{name}");
    }
}
