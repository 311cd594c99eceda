//! What semaphores are told beyond their maximum, as callers see it.

use serde_json::Value;
use throttle::engine::Span;

use crate::server::{TestServer, config, eventually};

async fn details(server: &TestServer, name: &str) -> Value {
    let answer = server.get(&format!("/operate/semaphores/{name}")).await;
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn what_an_expired_peer_held_is_not_given_to_others_at_once() {
    let mut config = config(&[("A", 2, 0)]);
    config.semaphores[0].manners.lock_delay = Span::from_secs(3_600);
    let server = TestServer::with(&config).await;
    let short = server.post("/new_peer", r#"{"expires_in":"50ms"}"#).await.body;
    let acquired = server.put(&format!("/peers/{short}/A?expires_in=50ms"), "2").await;
    assert_eq!(acquired.status, 200, "{acquired:?}");
    eventually("an expired peer", || async { details(&server, "A").await["held"] == 0 }).await;
    assert_eq!(details(&server, "A").await["delayed"], 2);
    assert_eq!(server.remainder("A").await, "0");
    let next = server.new_peer().await;
    assert_eq!(server.acquire(next, "A", 1).await, 202);
}
