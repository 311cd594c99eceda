//! Acquiring and releasing without waiting: what is held, by whom, and what is left.

use crate::server::Server;
use crate::{acquire, is_acquired, new_peer, remainder};

#[tokio::test]
async fn a_mutex_is_held_by_one_peer_until_it_releases() {
    let server = Server::start("A = 1");
    let client = server.client();
    let (one, two) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, one, "A", 1).await);
    assert!(!acquire(&client, two, "A", 1).await);
    assert!(is_acquired(&client, one).await);
    assert!(!is_acquired(&client, two).await);
    assert_eq!(remainder(&client, "A").await, 0);

    client.release_lock(one, "A").await.unwrap();
    assert!(is_acquired(&client, two).await);
    assert!(acquire(&client, two, "A", 1).await);

    client.release(two).await.unwrap();
    assert_eq!(remainder(&client, "A").await, 1);
}

#[tokio::test]
async fn a_count_takes_that_much() {
    let server = Server::start("A = 5");
    let client = server.client();
    let (one, two) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, one, "A", 3).await);
    assert_eq!(remainder(&client, "A").await, 2);
    assert!(!acquire(&client, two, "A", 3).await);

    client.release(one).await.unwrap();
    assert!(is_acquired(&client, two).await);
    assert_eq!(remainder(&client, "A").await, 2);
}

#[tokio::test]
async fn asking_again_changes_nothing_and_asking_for_less_shrinks() {
    let server = Server::start("A = 5");
    let client = server.client();
    let (one, two) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, one, "A", 5).await);
    assert!(acquire(&client, one, "A", 5).await);
    assert_eq!(remainder(&client, "A").await, 0);

    assert!(!acquire(&client, two, "A", 3).await);
    assert!(acquire(&client, one, "A", 2).await);
    assert!(is_acquired(&client, two).await);
    assert_eq!(remainder(&client, "A").await, 0);
}

#[tokio::test]
async fn the_largest_count_can_be_held() {
    let server = Server::start("A = 2147483648");
    let client = server.client();
    let peer = new_peer(&client).await;
    assert!(acquire(&client, peer, "A", 1 << 31).await);
    assert_eq!(remainder(&client, "A").await, 0);
    client.release(peer).await.unwrap();
    assert_eq!(remainder(&client, "A").await, 1 << 31);
}

#[tokio::test]
async fn locks_nest_from_high_levels_to_low_ones() {
    let server = Server::start("A = { max = 1, level = 2 }\nB = { max = 2, level = 1 }\nC = 1");
    let client = server.client();
    let peer = new_peer(&client).await;
    for semaphore in ["A", "B", "C"] {
        assert!(acquire(&client, peer, semaphore, 1).await);
    }
    client.release_lock(peer, "B").await.unwrap();
    assert_eq!(remainder(&client, "A").await, 0);
    assert_eq!(remainder(&client, "B").await, 2);
    assert_eq!(remainder(&client, "C").await, 0);
    assert!(is_acquired(&client, peer).await);
}

#[tokio::test]
async fn releasing_one_lock_keeps_the_place_in_another_queue() {
    let server = Server::start("A = { max = 1, level = 1 }\nB = 1");
    let client = server.client();
    let (holder, waiter) = (new_peer(&client).await, new_peer(&client).await);
    assert!(acquire(&client, holder, "B", 1).await);
    assert!(acquire(&client, waiter, "A", 1).await);
    assert!(!acquire(&client, waiter, "B", 1).await);

    client.release_lock(waiter, "A").await.unwrap();
    client.release_lock(holder, "B").await.unwrap();
    assert!(is_acquired(&client, waiter).await);
    assert_eq!(remainder(&client, "B").await, 0);
}
