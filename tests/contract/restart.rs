//! A server that was killed and came back knows nothing; its clients tell it what they hold.

use std::collections::HashMap;

use crate::refusals::UNKNOWN_PEER;
use crate::server::Server;
use crate::{MINUTE, acquire, is_acquired, new_peer, refusal, remainder};

fn held<const N: usize>(locks: [(&str, u32); N]) -> HashMap<String, u32> {
    locks.map(|(name, count)| (name.to_owned(), count)).into()
}

#[tokio::test]
async fn what_a_peer_held_comes_back_with_it() {
    let mut server = Server::start("A = { max = 5, level = 1 }\nB = 1");
    let client = server.client();
    let peer = new_peer(&client).await;
    assert!(acquire(&client, peer, "A", 3).await);
    assert!(acquire(&client, peer, "B", 1).await);

    server.kill();
    assert!(client.remainder("A").await.is_err(), "a killed server answers");
    server.start_again();
    assert_eq!(refusal(client.heartbeat(peer, MINUTE).await), UNKNOWN_PEER);
    assert_eq!(remainder(&client, "A").await, 5);

    for _ in 0..2 {
        client.restore(peer, &held([("A", 3), ("B", 1)]), MINUTE).await.unwrap();
        assert_eq!(remainder(&client, "A").await, 2);
        assert_eq!(remainder(&client, "B").await, 0);
    }
    assert!(is_acquired(&client, peer).await);
    client.release(peer).await.unwrap();
    assert_eq!(remainder(&client, "A").await, 5);
    assert_eq!(remainder(&client, "B").await, 1);
}

#[tokio::test]
async fn who_comes_back_late_is_granted_beyond_the_maximum() {
    let mut server = Server::start("A = 1");
    let client = server.client();
    let late = new_peer(&client).await;
    assert!(acquire(&client, late, "A", 1).await);
    server.kill();
    server.start_again();
    // One without connections to the earlier process.
    let client = server.client();
    let (early, waiter) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, early, "A", 1).await);
    assert!(!acquire(&client, waiter, "A", 1).await);

    client.restore(late, &held([("A", 1)]), MINUTE).await.unwrap();
    assert_eq!(remainder(&client, "A").await, -1);
    client.release(early).await.unwrap();
    assert!(!is_acquired(&client, waiter).await);
    client.release(late).await.unwrap();
    assert!(is_acquired(&client, waiter).await);
}

#[tokio::test]
async fn any_identity_can_come_back() {
    let server = Server::start("A = 3");
    let client = server.client();
    for peer in [0, 42, (1 << 53) + 1, u64::MAX] {
        client.restore(peer, &held([("A", 2)]), MINUTE).await.unwrap();
        assert!(is_acquired(&client, peer).await);
        assert_eq!(remainder(&client, "A").await, 1);
        client.release(peer).await.unwrap();
    }
}

#[tokio::test]
async fn a_peer_that_is_known_is_not_changed() {
    let server = Server::start("A = 3");
    let client = server.client();
    let peer = new_peer(&client).await;
    assert!(acquire(&client, peer, "A", 1).await);
    client.restore(peer, &held([("A", 1)]), MINUTE).await.unwrap();
    for other in [held([("A", 2)]), held([])] {
        let text = refusal(client.restore(peer, &other, MINUTE).await);
        assert_eq!(text, "Restore is not allowed to change existing peers.");
    }
    assert_eq!(remainder(&client, "A").await, 2);
}

#[tokio::test]
async fn a_count_of_none_is_refused() {
    let server = Server::start("A = 1");
    let client = server.client();
    refusal(client.restore(42, &held([("A", 0)]), MINUTE).await);
    assert_eq!(refusal(client.is_acquired(42).await), UNKNOWN_PEER);
}
