//! A client: frames out, messages in.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::server::{DEADLINE, TestServer};

/// One connection.
pub(super) struct Client {
    pub(super) socket: WebSocketStream<TcpStream>,
    /// Messages of frames that were read already.
    messages: VecDeque<Value>,
}

/// The secret that came with `opened`, and the fences of what is held.
pub(super) struct Opened(pub(super) Value);

impl Opened {
    pub(super) fn resume(&self) -> &str {
        self.0["resume"].as_str().unwrap()
    }
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    /// Shakes hands over a socket that is connected.
    pub(super) async fn over(socket: TcpStream) -> Self {
        let address = socket.peer_addr().unwrap();
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        let protocol = HeaderValue::from_static("throttle.v1");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, response) = client_async(request, socket).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "throttle.v1");
        Self::on(socket)
    }

    /// On a socket that has shaken hands.
    pub(super) fn on(socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket, messages: VecDeque::new() }
    }

    /// One that has said hello.
    pub(super) async fn greeted(server: &TestServer) -> Self {
        let mut client = Self::connect(server.address).await;
        client.send(json!({"type": "hello", "id": 0})).await;
        assert_eq!(client.next().await["type"], "welcome");
        client
    }

    pub(super) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(super) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next frame but pings and pongs.
    pub(super) async fn frame(&mut self) -> Message {
        loop {
            let frame = timeout(DEADLINE, self.socket.next()).await.expect("nothing comes");
            let frame = frame.expect("the connection ended without a close code").unwrap();
            if !frame.is_ping() && !frame.is_pong() {
                return frame;
            }
        }
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Value {
        while self.messages.is_empty() {
            let frame = self.frame().await;
            self.messages.extend(messages(frame.to_text().unwrap()));
        }
        self.messages.pop_front().unwrap()
    }

    /// Sends something, and returns the next message.
    pub(super) async fn ask(&mut self, frame: Value) -> Value {
        self.send(frame).await;
        self.next().await
    }

    /// Reads until the server closes. Messages on the way are kept.
    pub(super) async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.frame().await {
                return frame.expect("the close has no code").code.into();
            }
        }
    }

    /// Opens a peer.
    pub(super) async fn open(&mut self, peer: i64) -> Opened {
        let opened = self
            .ask(json!({"type": "open", "id": 1, "peer": peer, "expires_in_ms": 300_000}))
            .await;
        assert_eq!(opened["type"], "opened", "{opened}");
        Opened(opened)
    }

    /// Acquires, and returns what comes first.
    pub(super) async fn acquire(&mut self, peer: i64, semaphore: &str, count: i64) -> Value {
        self.ask(json!({"type": "acquire", "id": 2, "peer": peer, "want": {semaphore: count}}))
            .await
    }

    /// Goes away without a word.
    pub(super) fn cut(self) {
        drop(self.socket.into_inner());
    }
}

/// The messages of a frame.
pub(super) fn messages(frame: &str) -> Vec<Value> {
    let frame: Value = serde_json::from_str(frame).unwrap();
    frame.as_array().cloned().unwrap_or_else(|| vec![frame])
}

/// One that holds a lock as its peer 1.
pub(super) async fn holder(server: &TestServer, semaphore: &str) -> (Client, Opened) {
    let mut client = Client::greeted(server).await;
    let opened = client.open(1).await;
    let granted = client.acquire(1, semaphore, 1).await;
    assert_eq!(granted["type"], "granted", "{granted}");
    (client, opened)
}

/// One that waits for a lock as its peer 1.
pub(super) async fn waiter(server: &TestServer, semaphore: &str) -> (Client, Opened) {
    let mut client = Client::greeted(server).await;
    let opened = client.open(1).await;
    let queued = client.acquire(1, semaphore, 1).await;
    assert_eq!(queued["type"], "queued", "{queued}");
    (client, opened)
}
