//! A client that does not read is nobody's problem but its own.

use futures_util::StreamExt;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, holder};
use crate::server::TestServer;

#[tokio::test]
async fn whoever_does_not_read_is_sent_away_and_others_are_served() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let (mut other, _) = holder(&server, "A").await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = Client::over(socket.connect(server.address).await.unwrap()).await;
    slow.send(json!([
        {"type": "hello"},
        {"type": "open", "peer": 1, "expires_in_ms": 300_000},
    ]))
    .await;
    // Each of these is answered by something longer.
    let frame = json!(vec![json!({"type": "release", "peer": 9}); 1500]).to_string();
    let flood = async {
        loop {
            slow.send_text(&frame).await;
        }
    };
    let others = async {
        for id in 0.. {
            assert_eq!(other.ask(json!({"type": "ping", "id": id})).await["id"], id);
        }
    };
    tokio::select! {
        () = flood => {}
        () = others => {}
        () = server.metric_becomes("throttle_sessions", 1.0) => {}
    }
    assert_eq!(slow.close_code().await, 1013);
}

/// Answers to pings are the socket's business, not the session's. Nobody reads them, so most of them are never kept.
#[tokio::test]
async fn answers_to_pings_do_not_pile_up() {
    const PINGS: usize = 200_000;
    let server = TestServer::start(&[]).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut client = Client::over(socket.connect(server.address).await.unwrap()).await;
    client.send(json!({"type": "hello", "id": 1})).await;
    // Pings of 125 bytes, masked with zeros, in large pieces.
    let ping = [&[0x89, 0xfd, 0, 0, 0, 0][..], &[b'x'; 125]].concat();
    let stream = client.socket.get_mut();
    for _ in 0..PINGS / 1_000 {
        stream.write_all(&ping.repeat(1_000)).await.unwrap();
    }
    client.send(json!({"type": "ping", "id": 2})).await;
    let mut pongs = 0;
    loop {
        match client.socket.next().await.unwrap().unwrap() {
            Message::Pong(_) => pongs += 1,
            Message::Text(text) if text.contains("pong") => break,
            Message::Text(_)
            | Message::Binary(_)
            | Message::Ping(_)
            | Message::Close(_)
            | Message::Frame(_) => {}
        }
    }
    assert!(0 < pongs && pongs < PINGS, "{pongs}");
}
