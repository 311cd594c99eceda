//! Callers that wait: with `block_for`, again and again, and not any more.

use reqwest::Method;
use tokio::task::JoinHandle;

use crate::server::{Answer, TestServer, eventually, json, send, text, with_json};
use crate::wire;

/// A caller that blocks in a task of its own, from when the server has it in its queue.
async fn blocked(
    server: &TestServer,
    peer: u64,
    semaphore: &str,
    query: &str,
) -> JoinHandle<Answer> {
    let path = format!("/peers/{peer}/{semaphore}?{query}");
    let caller = tokio::spawn(send(with_json(server.request(Method::PUT, &path), "1")));
    eventually("the caller waits", || async {
        server.is_acquired(peer).await == json(200, "false")
    })
    .await;
    caller
}

async fn contended() -> (TestServer, u64, u64) {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (holder, waiter) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    (server, holder, waiter)
}

#[tokio::test]
async fn a_release_wakes_a_blocked_caller() {
    let (server, holder, waiter) = contended().await;
    let caller = blocked(&server, waiter, "A", "block_for=365days&expires_in=1h").await;
    assert_eq!(server.delete(&format!("/peers/{holder}/A")).await, text(200, "Ok"));
    assert_eq!(caller.await.unwrap(), json(200, waiter));
    assert_eq!(server.is_acquired(waiter).await, json(200, "true"));
}

#[tokio::test]
async fn a_blocked_grant_has_its_fence() {
    let (server, holder, waiter) = contended().await;
    let request = server.request(Method::PUT, &format!("/peers/{waiter}/A?block_for=1h"));
    let caller = tokio::spawn(with_json(request, "1").send());
    eventually("the caller waits", || async { server.is_acquired(waiter).await.body == "false" })
        .await;
    server.delete(&format!("/peers/{holder}")).await;
    let granted = caller.await.unwrap().unwrap();
    assert_eq!(granted.status().as_u16(), 200);
    assert!(granted.headers().contains_key("throttle-fence"));
}

#[tokio::test]
async fn an_expiry_wakes_a_blocked_caller() {
    let (server, holder, waiter) = contended().await;
    let caller = blocked(&server, waiter, "A", "block_for=1h").await;
    server.put(&format!("/peers/{holder}"), r#"{"expires_in":"1ms"}"#).await;
    assert_eq!(caller.await.unwrap(), json(200, waiter));
}

#[tokio::test]
async fn when_the_time_is_up_the_lock_is_still_pending() {
    let (server, holder, waiter) = contended().await;
    let path = format!("/peers/{waiter}/A?block_for=20ms");
    assert_eq!(server.put(&path, "1").await, json(202, waiter));
    assert_eq!(server.is_acquired(waiter).await, json(200, "false"));
    assert_eq!(server.delete(&format!("/peers/{holder}/A")).await, text(200, "Ok"));
    assert_eq!(server.is_acquired(waiter).await, json(200, "true"));
}

#[tokio::test]
async fn a_repeated_acquire_joins_the_wait() {
    let (server, holder, waiter) = contended().await;
    let first = blocked(&server, waiter, "A", "block_for=1h").await;
    let second = blocked(&server, waiter, "A", "block_for=2h").await;
    assert_eq!(server.put(&format!("/peers/{waiter}/A"), "1").await, json(202, waiter));
    assert_eq!(server.metric("throttle_waiters{semaphore=\"A\"}").await, Some(1.0));
    server.delete(&format!("/peers/{holder}/A")).await;
    assert_eq!(first.await.unwrap(), json(200, waiter));
    assert_eq!(second.await.unwrap(), json(200, waiter));
}

#[tokio::test]
async fn giving_up_answers_the_blocked_caller() {
    let (server, _holder, waiter) = contended().await;
    let caller = blocked(&server, waiter, "A", "block_for=1h").await;
    assert_eq!(server.delete(&format!("/peers/{waiter}/A")).await, text(200, "Ok"));
    assert_eq!(caller.await.unwrap(), json(202, waiter));
    assert_eq!(server.is_acquired(waiter).await, json(200, "true"), "nothing is pending");
}

#[tokio::test]
async fn closing_the_peer_answers_the_blocked_caller() {
    let (server, _holder, waiter) = contended().await;
    let caller = blocked(&server, waiter, "A", "block_for=1h").await;
    assert_eq!(server.delete(&format!("/peers/{waiter}")).await, json(200, "\"Peer released\""));
    assert_eq!(caller.await.unwrap(), text(400, "Unknown peer"));
}

#[tokio::test]
async fn the_end_of_the_peer_answers_the_blocked_caller() {
    let (server, _holder, waiter) = contended().await;
    let caller = blocked(&server, waiter, "A", "block_for=1h").await;
    server.put(&format!("/peers/{waiter}"), r#"{"expires_in":"0s"}"#).await;
    assert_eq!(caller.await.unwrap(), text(400, "Unknown peer"));
}

#[tokio::test]
async fn a_caller_that_hangs_up_keeps_its_place() {
    let (server, holder, first) = contended().await;
    let second = server.new_peer().await;
    let body = "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n1";
    let request =
        format!("PUT /peers/{first}/A?block_for=1h HTTP/1.1\r\nHost: localhost\r\n{body}");
    let stream = wire::open(server.address, &request).await;
    eventually("the caller waits", || async { server.is_acquired(first).await.body == "false" })
        .await;
    drop(stream);
    let caller = blocked(&server, second, "A", "block_for=1h").await;
    assert_eq!(server.delete(&format!("/peers/{holder}")).await.status, 200);
    assert_eq!(server.is_acquired(first).await, json(200, "true"), "it came first");
    assert_eq!(server.is_acquired(second).await, json(200, "false"));
    assert_eq!(server.put(&format!("/peers/{first}/A"), "1").await, json(200, first));
    assert_eq!(server.delete(&format!("/peers/{first}")).await.status, 200);
    assert_eq!(caller.await.unwrap(), json(200, second));
}
