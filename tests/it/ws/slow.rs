//! A client that does not read is nobody's problem but its own.

use serde_json::json;
use tokio::net::TcpSocket;

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
