//! Acquire and release: the checks in their order, and the state that they leave.

use crate::server::{TestServer, json, text};

#[tokio::test]
async fn checks_come_in_the_documented_order() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let peer = server.new_peer().await;
    let acquire = |peer: u64, semaphore: &'static str, count: &'static str| {
        let server = &server;
        async move { server.put(&format!("/peers/{peer}/{semaphore}"), count).await }
    };
    assert_eq!(acquire(0, "B", "0").await, text(400, "Unknown semaphore"));
    let never = "Lock can never be acquired. Lock asks for count 2 yet full count is only 1.";
    assert_eq!(acquire(0, "A", "2").await, text(409, never));
    assert_eq!(acquire(0, "A", "0").await, text(400, "Unknown peer"));
    let positive = "Lock count must be a positive number. Found: 0.";
    assert_eq!(acquire(peer, "A", "0").await, text(400, positive));
    let positive = "Lock count must be a positive number. Found: -1.";
    assert_eq!(acquire(peer, "A", "-1").await, text(400, positive));
    assert_eq!(acquire(peer, "A", "1").await, json(200, peer));
}

#[tokio::test]
async fn acquire_is_idempotent_held_or_pending() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (first, second) = (server.new_peer().await, server.new_peer().await);
    for _ in 0..2 {
        assert_eq!(server.put(&format!("/peers/{first}/A"), "1").await, json(200, first));
        assert_eq!(server.put(&format!("/peers/{second}/A"), "1").await, json(202, second));
    }
    assert_eq!(server.is_acquired(first).await, json(200, "true"));
    assert_eq!(server.is_acquired(second).await, json(200, "false"));
    assert_eq!(server.is_acquired(0).await, text(400, "Unknown peer"));
    assert_eq!(server.remainder("A").await, "0");
}

#[tokio::test]
async fn locks_shrink_but_do_not_grow() {
    let server = TestServer::start(&[("A", 3, 0)]).await;
    let (first, second) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(first, "A", 3).await, 200);
    assert_eq!(server.acquire(second, "A", 2).await, 202);
    assert_eq!(server.acquire(first, "A", 1).await, 200);
    assert_eq!(server.is_acquired(second).await, json(200, "true"), "shrinking wakes waiters");
    let grown = server.put(&format!("/peers/{first}/A"), "2").await;
    assert_eq!(grown.status, 409);
    assert!(grown.body.starts_with("Lock hierachy violation."), "{}", grown.body);
}

#[tokio::test]
async fn a_peer_waits_for_one_lock_at_a_time() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 1, 0)]).await;
    let (holder, peer) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    assert_eq!(server.acquire(peer, "A", 1).await, 202);
    let pending = "Already pending. Only one pendig lock per peer is allowed.";
    assert_eq!(server.put(&format!("/peers/{peer}/B"), "1").await, text(409, pending));
}

#[tokio::test]
async fn levels_fall() {
    let server = TestServer::start(&[("high", 1, 7), ("low", 1, -3), ("low too", 1, -3)]).await;
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "low", 1).await, 200);
    for semaphore in ["high", "low%20too"] {
        let refused = server.put(&format!("/peers/{peer}/{semaphore}"), "1").await;
        assert_eq!(refused.status, 409);
        assert!(refused.body.starts_with("Lock hierachy violation."), "{}", refused.body);
        assert!(refused.body.contains("level -3"), "{}", refused.body);
        assert_eq!(refused.body.contains("level 7"), semaphore == "high", "{}", refused.body);
    }
    let other = server.new_peer().await;
    assert_eq!(server.acquire(other, "high", 1).await, 200);
    assert_eq!(server.acquire(other, "low%20too", 1).await, 200);
}

#[tokio::test]
async fn small_requests_do_not_overtake_large_ones() {
    let server = TestServer::start(&[("A", 3, 0)]).await;
    let (holder, large, small) =
        (server.new_peer().await, server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 2).await, 200);
    assert_eq!(server.acquire(large, "A", 3).await, 202);
    assert_eq!(server.acquire(small, "A", 1).await, 202);
    assert_eq!(server.delete(&format!("/peers/{holder}/A")).await, text(200, "Ok"));
    assert_eq!(server.is_acquired(large).await, json(200, "true"));
    assert_eq!(server.is_acquired(small).await, json(200, "false"));
}

#[tokio::test]
async fn releasing_twice_is_fine() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 1, 0)]).await;
    let (holder, peer) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    assert_eq!(server.acquire(peer, "A", 1).await, 202);
    let release = |peer: u64, semaphore: &'static str| {
        let server = &server;
        async move { server.delete(&format!("/peers/{peer}/{semaphore}")).await }
    };
    assert_eq!(release(peer, "B").await, text(200, "Ok"), "nothing is held there");
    assert_eq!(server.is_acquired(peer).await, json(200, "false"), "and the wait goes on");
    assert_eq!(release(holder, "A").await, text(200, "Ok"));
    assert_eq!(release(holder, "A").await, text(200, "Ok"));
    assert_eq!(server.is_acquired(peer).await, json(200, "true"));
    assert_eq!(release(peer, "C").await, text(400, "Unknown semaphore"));
    assert_eq!(release(0, "A").await, text(400, "Unknown peer"));
}

#[tokio::test]
async fn names_are_decoded_once() {
    let names = ["/&", "%41", "A", "is_acquired", "ä b?#", "."];
    let server = TestServer::start(&names.map(|name| (name, 1, 0))).await;
    let paths = ["%2F%26", "%2541", "A", "is_acquired", "%C3%A4%20b%3F%23", "%2E"];
    for (name, path) in names.iter().zip(paths) {
        let peer = server.new_peer().await;
        // As bytes: an HTTP client would make something else of a path with dots.
        let request = |method: &str, body: &str| {
            format!(
                "{method} /peers/{peer}/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let acquired = crate::wire::open(server.address, &request("PUT", "1")).await;
        let acquired = crate::wire::rest(acquired).await;
        assert!(acquired.starts_with("HTTP/1.1 200 OK\r\n"), "{name}: {acquired}");
        let series = format!("throttle_acquired{{semaphore=\"{name}\"}}");
        assert_eq!(server.metric(&series).await, Some(1.0), "{name}");
        let released = crate::wire::open(server.address, &request("DELETE", "")).await;
        let released = crate::wire::rest(released).await;
        assert!(released.ends_with("\r\n\r\nOk"), "{name}: {released}");
        assert_eq!(server.metric(&series).await, Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn grants_carry_growing_fences() {
    let server = TestServer::start(&[("A", 2, 0)]).await;
    let (first, second, third) =
        (server.new_peer().await, server.new_peer().await, server.new_peer().await);
    let fence = |peer: u64, count: u8| {
        let request = server.request(reqwest::Method::PUT, &format!("/peers/{peer}/A"));
        let request = crate::server::with_json(request, &count.to_string());
        async move {
            let response = request.send().await.unwrap();
            let fence = response.headers().get("throttle-fence");
            fence.map(|fence| fence.to_str().unwrap().parse::<u64>().unwrap())
        }
    };
    let of_first = fence(first, 1).await;
    let of_second = fence(second, 1).await;
    assert!(of_first.is_some() && of_first < of_second, "{of_first:?} {of_second:?}");
    assert_eq!(fence(first, 1).await, of_first, "asking again is the same grant");
    assert_eq!(fence(third, 1).await, None, "who waits has no grant");
}

#[tokio::test]
async fn an_acquire_prolongs_its_peer_whatever_comes_of_it() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let holder = server.new_peer().await;
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    let mut left = Vec::new();
    for (query, body, status) in [("expires_in=1h", "1", 202), ("expires_in=2h&", "0", 400)] {
        let peer = server.new_peer().await;
        let answer = server.put(&format!("/peers/{peer}/A?{query}"), body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let listed: Vec<serde_json::Value> =
            serde_json::from_str(&server.get("/peers/").await.body).unwrap();
        let entry = listed.iter().find(|entry| entry["id"] == peer).unwrap();
        left.push(entry["expires_in_ms"].as_u64().unwrap());
    }
    assert!(left[0] > 300_000 && left[0] <= 3_600_000, "{left:?}");
    assert!(left[1] > 3_600_000, "{left:?}");
}

#[tokio::test]
async fn python_sends_an_empty_query_and_durations_of_zero() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let peer = server.new_peer().await;
    assert_eq!(server.put(&format!("/peers/{peer}/A?"), "1").await, json(200, peer));
    let path = format!("/peers/{peer}/A?block_for=0ms");
    assert_eq!(server.put(&path, "1").await, json(200, peer));
    let path = format!("/peers/{peer}/A?expires_in=0ms");
    assert_eq!(server.put(&path, "1").await, json(200, peer));
    assert_eq!(server.is_acquired(peer).await, text(400, "Unknown peer"));
    assert_eq!(server.remainder("A").await, "1");
}
