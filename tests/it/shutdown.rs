//! The end of a server: everybody gets an answer.

use std::time::Duration;

use reqwest::Method;
use tokio::net::TcpStream;

use crate::server::{TestServer, config, eventually, json, send, with_json};
use crate::wire;

#[tokio::test]
async fn blocked_callers_are_answered_when_it_ends() {
    let mut server = TestServer::start(&[("A", 1, 0)]).await;
    let (holder, waiter) = (server.new_peer().await, server.new_peer().await);
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    let request = server.request(Method::PUT, &format!("/peers/{waiter}/A?block_for=1h"));
    let caller = tokio::spawn(send(with_json(request, "1")));
    eventually("the caller waits", || async { server.is_acquired(waiter).await.body == "false" })
        .await;
    server.stop();
    assert_eq!(caller.await.unwrap(), json(202, waiter));
    let address = server.address;
    server.ended().await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn idle_connections_do_not_hold_it_up() {
    let mut server = TestServer::start(&[]).await;
    let get = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut idle = wire::open(server.address, get).await;
    assert!(wire::response(&mut idle).await.ends_with("\r\n\r\nOk"));
    server.stop();
    server.ended().await;
    assert_eq!(wire::rest(idle).await, "");
}

#[tokio::test]
async fn what_takes_too_long_is_cut() {
    let mut config = config(&[]);
    config.limits.drain_timeout = Duration::from_millis(50);
    config.limits.body_read_timeout = Duration::from_secs(3600);
    let mut server = TestServer::with(&config).await;
    let head = "POST /new_peer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let half = format!("{head}Expect: 100-continue\r\nContent-Length: 19\r\n\r\n");
    let mut slow = wire::open(server.address, &half).await;
    // The server asks for the body: so it has the request.
    let mut asked = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut slow, &mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop();
    server.ended().await;
    assert_eq!(wire::rest(slow).await, "");
}
