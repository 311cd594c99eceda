//! Every way in which the server ends a session has its close code, which the client gets to see.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::client::{Client, holder};
use crate::server::{TestServer, config, eventually, text};

#[tokio::test]
async fn binary_frames_are_refused() {
    let server = TestServer::start(&[]).await;
    let mut client = Client::greeted(&server).await;
    client.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.close_code().await, 1003);
}

#[tokio::test]
async fn text_that_is_not_utf8_is_refused() {
    let server = TestServer::start(&[]).await;
    let mut client = Client::greeted(&server).await;
    // A masked text frame with the byte 0xff.
    let frame = [0x81, 0x81, 0, 0, 0, 0, 0xff];
    client.socket.get_mut().write_all(&frame).await.unwrap();
    assert_eq!(client.close_code().await, 1007);
}

#[tokio::test]
async fn bytes_that_are_no_frames_are_refused() {
    let server = TestServer::start(&[]).await;
    let mut client = Client::greeted(&server).await;
    client.socket.get_mut().write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(client.close_code().await, 1002);
}

#[tokio::test]
async fn frames_that_are_too_large_are_refused() {
    let server = TestServer::start(&[]).await;
    for bytes in [65_537, 1_000_000] {
        let mut client = Client::greeted(&server).await;
        let text = " ".repeat(bytes);
        // It may see the end of the connection while it still sends.
        let _ = client.socket.send(Message::text(text)).await;
        assert_eq!(client.close_code().await, 1009, "{bytes}");
    }
    let mut client = Client::greeted(&server).await;
    client.send_text(&format!("{}{}", json!({"type": "ping", "id": 1}), " ".repeat(65_000))).await;
    assert_eq!(client.next().await["type"], "pong");
}

#[tokio::test]
async fn ten_bad_messages_in_a_row_are_enough() {
    let server = TestServer::start(&[]).await;
    let mut client = Client::greeted(&server).await;
    for bad in ["", "{", "[]]", "5", r#"{"type":"x"}"#, "nul", "\"", "[1]", "{}"] {
        client.send_text(bad).await;
        assert_eq!(client.next().await["code"], "bad_message", "{bad}");
    }
    client.send_text("[{},{},{}]").await;
    assert_eq!(client.close_code().await, 4400);
}

#[tokio::test]
async fn whoever_says_nothing_is_sent_away() {
    let mut config = config(&[]);
    config.sessions.hello_timeout = Duration::from_millis(20);
    let server = TestServer::with(&config).await;
    let mut client = Client::connect(server.address).await;
    assert_eq!(client.close_code().await, 4408);
}

/// The client's half of WebSocket answers pings by itself, so this one does not read until it is too late.
#[tokio::test]
async fn missed_heartbeats_end_a_session() {
    let mut config = config(&[("A", 1, 0)]);
    config.sessions.heartbeat = Duration::from_millis(20);
    let server = TestServer::with(&config).await;
    let (mut client, _) = holder(&server, "A").await;
    server.metric_becomes("throttle_sessions", 0.0).await;
    assert_eq!(client.close_code().await, 4408);
}

#[tokio::test]
async fn a_session_whose_client_answers_pings_lives_on() {
    let mut config = config(&[("A", 1, 0)]);
    // So long that a busy machine does not miss two of them.
    config.sessions.heartbeat = Duration::from_millis(400);
    let server = TestServer::with(&config).await;
    let (mut client, _) = holder(&server, "A").await;
    let mut pings = 0;
    while pings < 3 {
        let frame = futures_util::StreamExt::next(&mut client.socket).await.unwrap().unwrap();
        assert!(frame.is_ping(), "{frame:?}");
        client.socket.flush().await.unwrap();
        pings += 1;
    }
    assert_eq!(client.ask(json!({"type": "ping", "id": 3})).await["type"], "pong");
}

#[tokio::test]
async fn a_client_may_close() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut client, _) = holder(&server, "A").await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    client.socket.send(Message::Close(Some(frame))).await.unwrap();
    assert_eq!(client.close_code().await, 1000);
    server.metric_becomes("throttle_sessions", 0.0).await;
}

#[tokio::test]
async fn the_end_of_the_server_is_announced_to_each() {
    let mut server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut first, _) = holder(&server, "A").await;
    let mut second = Client::connect(server.address).await;
    server.metric_becomes("throttle_sessions", 2.0).await;
    server.stop();
    for client in [&mut first, &mut second] {
        assert_eq!(client.next().await["type"], "draining");
        assert_eq!(client.close_code().await, 1012);
    }
    server.ended().await;
}

/// It is told so on the WebSocket. REST still has room, and so has a session after another has ended.
#[tokio::test]
async fn one_session_too_many_is_sent_away() {
    let mut config = config(&[]);
    config.sessions.max_sessions = Some(1);
    let server = TestServer::with(&config).await;
    let first = Client::greeted(&server).await;
    let mut second = Client::connect(server.address).await;
    assert_eq!(second.close_code().await, 4429);
    assert_eq!(server.get("/health").await, text(200, "Ok"));
    drop(first);
    // Its place is free when the server has seen the end of it.
    eventually("a place is free again", || async {
        let mut client = Client::connect(server.address).await;
        // Whoever is refused may find the connection closed when it sends.
        let _ = client.socket.send(Message::text(r#"{"type":"hello"}"#)).await;
        client.frame().await.is_text()
    })
    .await;
}

/// The client says goodbye, but holds on to the connection. Its peers are gone by the time it sees the server's end.
#[tokio::test]
async fn peers_do_not_outlive_the_goodbye() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let mut client = Client::greeted(&server).await;
    let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 300_000, "on_disconnect": "release"});
    assert_eq!(client.ask(open).await["type"], "opened");
    assert_eq!(server.metric("throttle_peers").await, Some(1.0));
    // An empty close frame, masked.
    let stream = client.socket.get_mut();
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    let mut farewell = Vec::new();
    stream.read_to_end(&mut farewell).await.unwrap();
    assert_eq!(server.metric("throttle_peers").await, Some(0.0));
    assert_eq!(server.metric("throttle_sessions").await, Some(0.0));
}
