//! What is refused, word for word: programs that use this client tell refusals apart by their text.

use std::collections::HashMap;

use crate::server::Server;
use crate::{MINUTE, acquire, new_peer, refusal, remainder};

pub(crate) const UNKNOWN_PEER: &str = "Unknown peer";
pub(crate) const UNKNOWN_SEMAPHORE: &str = "Unknown semaphore";

const TWO_LEVELS: &str = "A = { max = 2, level = 23 }\nB = { max = 1, level = 17 }\nC = 1";

#[tokio::test]
async fn an_unknown_semaphore() {
    let server = Server::start("A = 1");
    let client = server.client();
    let peer = new_peer(&client).await;
    assert_eq!(refusal(client.acquire(peer, "B", 1, None, None).await), UNKNOWN_SEMAPHORE);
    assert_eq!(refusal(client.release_lock(peer, "B").await), UNKNOWN_SEMAPHORE);
    assert_eq!(refusal(client.remainder("B").await), UNKNOWN_SEMAPHORE);
    let acquired = HashMap::from([("B".to_owned(), 1)]);
    assert_eq!(refusal(client.restore(42, &acquired, MINUTE).await), UNKNOWN_SEMAPHORE);
}

#[tokio::test]
async fn an_unknown_peer() {
    let server = Server::start("A = 1");
    let client = server.client();
    let peer = new_peer(&client).await;
    client.release(peer).await.unwrap();
    assert_eq!(refusal(client.acquire(peer, "A", 1, None, None).await), UNKNOWN_PEER);
    assert_eq!(refusal(client.release_lock(peer, "A").await), UNKNOWN_PEER);
    assert_eq!(refusal(client.heartbeat(peer, MINUTE).await), UNKNOWN_PEER);
    assert_eq!(refusal(client.is_acquired(peer).await), UNKNOWN_PEER);
    client.release(peer).await.unwrap();
}

#[tokio::test]
async fn a_count_that_never_fits_or_is_none() {
    let server = Server::start("A = 1");
    let client = server.client();
    let peer = new_peer(&client).await;
    for (count, text) in [
        (2, "Lock can never be acquired. Lock asks for count 2 yet full count is only 1."),
        (
            u32::MAX,
            "Lock can never be acquired. Lock asks for count 4294967295 yet full count is only 1.",
        ),
        (0, "Lock count must be a positive number. Found: 0."),
    ] {
        assert_eq!(refusal(client.acquire(peer, "A", count, None, None).await), text);
    }
    assert_eq!(remainder(&client, "A").await, 1);
}

#[tokio::test]
async fn a_lock_against_the_order_of_levels() {
    let server = Server::start(TWO_LEVELS);
    let client = server.client();
    let peer = new_peer(&client).await;
    assert!(acquire(&client, peer, "B", 1).await);
    let text = refusal(client.acquire(peer, "A", 1, None, None).await);
    assert!(text.starts_with("Lock hierachy violation."), "{text}");
    assert!(text.contains("17") && text.contains("23"), "{text}");
    assert_eq!(remainder(&client, "A").await, 2);
    assert_eq!(remainder(&client, "B").await, 0);
}

#[tokio::test]
async fn a_lock_that_would_grow() {
    let server = Server::start(TWO_LEVELS);
    let client = server.client();
    let peer = new_peer(&client).await;
    assert!(acquire(&client, peer, "A", 1).await);
    let text = refusal(client.acquire(peer, "A", 2, None, None).await);
    assert!(text.starts_with("Lock hierachy violation."), "{text}");
    assert_eq!(remainder(&client, "A").await, 1);
}

#[tokio::test]
async fn a_second_lock_while_one_is_pending() {
    let server = Server::start(TWO_LEVELS);
    let client = server.client();
    let (holder, waiter) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, holder, "B", 1).await);
    assert!(!acquire(&client, waiter, "B", 1).await);
    assert_eq!(
        refusal(client.acquire(waiter, "C", 1, None, None).await),
        "Already pending. Only one pendig lock per peer is allowed."
    );
    assert_eq!(remainder(&client, "C").await, 1);
}
