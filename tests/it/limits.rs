//! Connections that take up room: too many, too slow, half-way.

use std::time::Duration;

use throttle::config::Config;
use tokio::net::TcpStream;

use crate::server::{TestServer, config, eventually, text};
use crate::wire;

/// As usual, but less patient.
fn hasty() -> Config {
    let mut config = config(&[("A", 1, 0)]);
    config.limits.header_read_timeout = Duration::from_millis(200);
    config.limits.body_read_timeout = Duration::from_millis(200);
    config
}

#[tokio::test]
async fn half_a_head_is_not_waited_for() {
    let server = TestServer::with(&hasty()).await;
    for half in
        ["", "G", "GET /hea", "GET /health HTTP/1.1\r\n", "GET /health HTTP/1.1\r\nHost: lo"]
    {
        let stream = wire::open(server.address, half).await;
        assert_eq!(wire::rest(stream).await, "", "{half:?}");
    }
    assert_eq!(server.get("/health").await, text(200, "Ok"));
}

#[tokio::test]
async fn half_a_second_head_is_not_waited_for() {
    let server = TestServer::with(&hasty()).await;
    let mut stream = wire::open(server.address, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(wire::response(&mut stream).await.ends_with("\r\n\r\nOk"));
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /hea").await.unwrap();
    assert_eq!(wire::rest(stream).await, "");
}

#[tokio::test]
async fn half_a_body_is_not_waited_for() {
    let server = TestServer::with(&hasty()).await;
    let head = "POST /new_peer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for half in
        ["Content-Length: 19\r\n\r\n{\"expires", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"ex"]
    {
        let stream = wire::open(server.address, &format!("{head}{half}")).await;
        let answer = wire::rest(stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nThe body did not arrive in time."), "{answer}");
    }
    // A body that nobody wants is not waited for either.
    let request = "DELETE /peers/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf";
    let answer = wire::rest(wire::open(server.address, request).await).await;
    assert!(answer.ends_with("\"Peer not found\""), "{answer}");
}

#[tokio::test]
async fn a_silent_connection_is_kept_for_longer_than_a_head_may_take() {
    let server = TestServer::with(&hasty()).await;
    let get = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut silent = wire::open(server.address, get).await;
    assert!(wire::response(&mut silent).await.ends_with("\r\n\r\nOk"));
    // Two heads that never come are given up after it, one after the other.
    for _ in 0..2 {
        assert_eq!(wire::rest(wire::open(server.address, "GET").await).await, "");
    }
    tokio::io::AsyncWriteExt::write_all(&mut silent, get.as_bytes()).await.unwrap();
    assert!(wire::response(&mut silent).await.ends_with("\r\n\r\nOk"));
}

#[tokio::test]
async fn a_slow_body_does_not_hold_up_others() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let peer = server.new_peer().await;
    let head = format!("PUT /peers/{peer}/A HTTP/1.1\r\nHost: localhost\r\n");
    let half = format!("{head}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n1");
    let _slow = wire::open(server.address, &half).await;
    assert_eq!(server.acquire(peer, "A", 1).await, 200);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = TestServer::start(&[]).await;
    let head = format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(200_000));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may close before all is sent.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await;
    let answer = wire::rest(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(server.get("/health").await, text(200, "Ok"));
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = TestServer::start(&[]).await;
    for nonsense in ["\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]
    {
        let answer = wire::rest(wire::open(server.address, nonsense).await).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.is_empty(), "{answer}");
    }
    assert_eq!(server.get("/health").await, text(200, "Ok"));
}

#[tokio::test]
async fn surplus_connections_are_told_so() {
    let mut config = config(&[]);
    config.limits.max_connections = Some(2);
    let server = TestServer::with(&config).await;
    let get = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut stream = wire::open(server.address, get).await;
        assert!(wire::response(&mut stream).await.ends_with("\r\n\r\nOk"));
        kept.push(stream);
    }
    for request in [get, ""] {
        let mut surplus = wire::open(server.address, request).await;
        let answer = wire::response(&mut surplus).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 503 service unavailable\r\n"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\ntoo many connections. try again later."), "{answer}");
        assert_eq!(wire::rest(surplus).await, "");
    }
    kept.pop();
    eventually("there is a place again", || async {
        let mut stream = wire::open(server.address, get).await;
        wire::response(&mut stream).await.ends_with("\r\n\r\nOk")
    })
    .await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start(&[]).await;
    let requests = ["/version", "/health", "/"]
        .map(|path| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n"));
    let [first, second, third] = requests;
    let all = format!("{first}\r\n{second}\r\n{third}Connection: close\r\n\r\n");
    let answers = wire::rest(wire::open(server.address, &all).await).await;
    let at = |text: &str| answers.find(text).unwrap_or_else(|| panic!("{text}: {answers}"));
    assert!(at(env!("CARGO_PKG_VERSION")) < at("\r\n\r\nOk"));
    assert!(at("\r\n\r\nOk") < at("Hello from Throttle!"));
}
