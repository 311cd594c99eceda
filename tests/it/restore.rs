//! Clients that bring back what a server has forgotten.

use reqwest::Method;
use throttle::config::Config;

use crate::server::{TestServer, config, eventually, json, text, with_json};

fn body(peer: u64, acquired: &str) -> String {
    format!(r#"{{"expires_in":"5m","peer_id":{peer},"acquired":{acquired}}}"#)
}

#[tokio::test]
async fn a_restore_is_always_granted_and_can_be_repeated() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 5, 0)]).await;
    for peer in [42, u64::MAX, 0] {
        for _ in 0..2 {
            let restored = server.post("/restore", &body(peer, r#"{"A":3,"B":1}"#)).await;
            assert_eq!(restored, text(200, "Ok"));
        }
        assert_eq!(server.is_acquired(peer).await, json(200, "true"));
    }
    assert_eq!(server.get("/remainder?semaphore=A").await, json(200, -8));
    assert_eq!(server.get("/remainder?semaphore=B").await, json(200, 2));
    assert_eq!(server.metric("throttle_overcommitted{semaphore=\"A\"}").await, Some(8.0));
    assert_eq!(server.metric("throttle_overcommitted{semaphore=\"B\"}").await, Some(0.0));
    assert_eq!(server.metric("throttle_restores_total").await, Some(6.0));
}

/// One lock at a time, a peer may come to hold any number. It can bring all of them back.
#[tokio::test]
async fn a_restore_has_no_limit_on_names() {
    let names: Vec<_> = (0..200).map(|number| format!("semaphore {number}")).collect();
    let semaphores: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 0)).collect();
    let server = TestServer::start(&semaphores).await;
    let acquired: Vec<_> = names.iter().map(|name| format!("\"{name}\":1")).collect();
    let acquired = format!("{{{}}}", acquired.join(","));
    for _ in 0..2 {
        assert_eq!(server.post("/restore", &body(42, &acquired)).await, text(200, "Ok"));
    }
    assert_eq!(server.get("/remainder?semaphore=semaphore%20199").await, json(200, 0));
}

#[tokio::test]
async fn a_restore_does_not_change_known_peers() {
    let server = TestServer::start(&[("A", 5, 0)]).await;
    assert_eq!(server.post("/restore", &body(42, r#"{"A":3}"#)).await, text(200, "Ok"));
    let conflict = text(409, "Restore is not allowed to change existing peers.");
    assert_eq!(server.post("/restore", &body(42, r#"{"A":2}"#)).await, conflict);
    assert_eq!(server.post("/restore", &body(42, "{}")).await, conflict);
    assert_eq!(server.remainder("A").await, "2");
}

#[tokio::test]
async fn who_was_revoked_is_not_restored() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (slow, next) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(slow, "A", 1).await, 200);
    let why = r#"{"why":"it leaks"}"#;
    assert_eq!(server.post(&format!("/operate/peers/{slow}/revoke"), why).await.status, 200);
    assert_eq!(server.acquire(next, "A", 1).await, 200);
    let revoked = text(409, "The peer was revoked by an operator. Reason: it leaks");
    assert_eq!(server.post("/restore", &body(slow, r#"{"A":1}"#)).await, revoked);
    assert_eq!(server.post("/restore", &body(slow, "{}")).await, revoked);
    assert_eq!(server.remainder("A").await, "0");
}

/// Who waits over REST is told at once, although the grace is not over, and gets nothing new within it.
#[tokio::test]
async fn who_is_going_to_be_revoked_does_not_wait_any_more() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 1, 1)]).await;
    let (holder, waiter) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    assert_eq!(server.acquire(waiter, "B", 1).await, 200);
    let path = format!("/peers/{waiter}/A?block_for=20s");
    let (blocked, ()) = tokio::join!(server.put(&path, "1"), async {
        server.metric_becomes(r#"throttle_waiters{semaphore="A"}"#, 1.0).await;
        let grace = r#"{"grace":"1h","why":"it leaks"}"#;
        let revoked = server.post(&format!("/operate/peers/{waiter}/revoke"), grace).await;
        assert_eq!(revoked.status, 200);
    });
    assert_eq!(blocked, text(409, "The peer was revoked by an operator."));
    let again = server.put(&format!("/peers/{waiter}/A"), "1").await;
    assert_eq!(again, text(409, "The peer was revoked by an operator. Reason: it leaks"));
    assert_eq!(server.acquire(waiter, "B", 1).await, 200, "what it holds it has until then");
}

#[tokio::test]
async fn a_repeated_restore_prolongs_the_peer() {
    let server = TestServer::start(&[("A", 5, 0)]).await;
    let short = r#"{"expires_in":"1s","peer_id":1,"acquired":{"A":1}}"#;
    assert_eq!(server.post("/restore", short).await, text(200, "Ok"));
    assert_eq!(server.post("/restore", &body(1, r#"{"A":1}"#)).await, text(200, "Ok"));
    let brief = r#"{"expires_in":"1s","peer_id":2,"acquired":{"A":1}}"#;
    assert_eq!(server.post("/restore", brief).await, text(200, "Ok"));
    eventually("the other peer expires", || async { server.is_acquired(2).await.status == 400 })
        .await;
    assert_eq!(server.is_acquired(1).await, json(200, "true"));
}

/// What they are is told with the lock.
#[tokio::test]
async fn a_restore_claims_numbers() {
    let mut config = config(&[("gpu", 4, 0), ("A", 1, 0)]);
    config.semaphores[0].manners.slots = true;
    let server = TestServer::with(&config).await;
    let claim = |peer: u64, count: u32, slots: &str| {
        format!(
            r#"{{"expires_in":"5m","peer_id":{peer},"acquired":{{"gpu":{count}}},"slots":{slots}}}"#
        )
    };
    let slots = async |peer: u64, count: u32| {
        let put = server.request(Method::PUT, &format!("/peers/{peer}/gpu"));
        let answer = with_json(put, &count.to_string()).send().await.unwrap();
        answer.headers()["throttle-slots"].to_str().unwrap().to_owned()
    };
    let restored = [
        (1, 2, r#"{"gpu":[3,0]}"#, "0,3"),
        (2, 2, r#"{"gpu":[3,2],"A":[1],"unknown":[1],"":[1]}"#, "1,2"),
        (3, 1, r#"{"gpu":[10000,5,4]}"#, "4"),
        (4, 1, "null", "5"),
    ];
    for (peer, count, claimed, expected) in restored {
        let restored = server.post("/restore", &claim(peer, count, claimed)).await;
        assert_eq!(restored, text(200, "Ok"), "{claimed}");
        assert_eq!(slots(peer, count).await, expected, "{claimed}");
    }
    // It is known: nothing changes.
    assert_eq!(server.post("/restore", &claim(4, 1, r#"{"gpu":[9]}"#)).await, text(200, "Ok"));
    assert_eq!(slots(4, 1).await, "5");
    for wrong in ["[0]", r#"{"gpu":0}"#, r#"{"gpu":[-1]}"#, r#"{"gpu":[1.5]}"#] {
        assert_eq!(server.post("/restore", &claim(9, 1, wrong)).await.status, 422, "{wrong}");
    }
    let twice = server.post("/restore", &claim(9, 1, r#"{"gpu":[0],"gpu":[1]}"#)).await;
    assert_eq!(twice, text(422, "Unexpected body: \"gpu\" stands in \"slots\" twice"));
    assert_eq!(server.is_acquired(9).await.status, 400, "nothing of it was kept");
}

/// A server that has lost its memory is told what names were that nobody has listed.
#[tokio::test]
async fn a_restore_declares_what_is_lost() {
    let server = TestServer::with(&Config { dynamic: true, ..config(&[("A", 5, 0)]) }).await;
    let restore = async |peer: u64, acquired: &str, declare: &str| {
        let held = format!(r#""peer_id":{peer},"acquired":{acquired}"#);
        server
            .post("/restore", &format!(r#"{{"expires_in":"5m",{held},"declare":{declare}}}"#))
            .await
    };
    let both = r#"{"jobs":{"max":3},"api":{"capacity":10,"every":"1h"}}"#;
    assert_eq!(restore(1, r#"{"A":1,"jobs":2,"api":4}"#, both).await, text(200, "Ok"));
    assert_eq!(restore(1, r#"{"A":1,"jobs":2,"api":4}"#, both).await, text(200, "Ok"));
    let remainders = [server.remainder("A").await, server.remainder("jobs").await];
    assert_eq!((remainders, server.remainder("api").await), (["4".into(), "1".into()], "6".into()));
    // What is there counts.
    assert_eq!(restore(2, r#"{"jobs":2}"#, r#"{"jobs":{"max":9}}"#).await, text(200, "Ok"));
    assert_eq!(server.remainder("jobs").await, "-1");
    assert_eq!(restore(3, r#"{"other":1}"#, "{}").await, text(400, "Unknown semaphore"));
    for wrong in [r#"{"B":{"max":1}}"#, r#"{"A":{"max":0}}"#, r#"{"A":{}}"#, r#"{"A":5}"#, "[]"] {
        assert_eq!(restore(3, r#"{"A":1}"#, wrong).await.status, 422, "{wrong}");
    }
    let mixed = restore(3, r#"{"A":1}"#, r#"{"A":{"max":1,"refill":1}}"#).await;
    let why = "Unexpected body: declare: \"max\" makes it a semaphore, which has nothing else";
    assert_eq!(mixed, text(422, why));
    let twice = restore(3, r#"{"A":1}"#, r#"{"A":{"max":1},"A":{"max":1}}"#).await;
    assert_eq!(twice, text(422, "Unexpected body: declare: \"A\" stands there twice"));
    let server = TestServer::start(&[("A", 5, 0)]).await;
    let body = r#"{"expires_in":"5m","peer_id":1,"acquired":{"b":1},"declare":{"b":{"max":1}}}"#;
    assert_eq!(server.post("/restore", body).await, text(400, "Unknown semaphore"));
}

#[tokio::test]
async fn a_restore_that_makes_no_sense_is_refused() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let refused = [
        (r#"{"B":1}"#, 400, "Unknown semaphore"),
        (r#"{"":1}"#, 400, "Unknown semaphore"),
        (r#"{"A":0}"#, 400, "Lock count must be a positive number. Found: 0."),
        (r#"{"A":-1}"#, 400, "Lock count must be a positive number. Found: -1."),
        (r#"{"A":2147483649}"#, 400, "Lock count must be at most 2147483648. Found: 2147483649."),
    ];
    for (acquired, status, expected) in refused {
        let answer = server.post("/restore", &body(7, acquired)).await;
        assert_eq!(answer, text(status, expected), "{acquired}");
    }
    let twice = server.post("/restore", &body(7, r#"{"A":1,"A":2}"#)).await;
    assert_eq!(twice.status, 422, "{twice:?}");
    assert!(twice.body.contains("twice"), "{twice:?}");
    let zero = r#"{"expires_in":"0s","peer_id":7,"acquired":{}}"#;
    let zero = server.post("/restore", zero).await;
    assert_eq!(zero.status, 422, "{zero:?}");
    assert!(zero.body.contains("longer than zero"), "{zero:?}");
    assert_eq!(server.get("/peers/").await, json(200, "[]"), "nothing of it was kept");
}
