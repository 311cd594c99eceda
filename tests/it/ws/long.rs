//! Messages that are longer than what a session may hold back: they come in fragments, to whoever reads.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, holder};
use crate::server::{DEADLINE, TestServer, config};

const MINUTE: Duration = Duration::from_secs(60);

const TEXT: u8 = 1;
const CONTINUATION: u8 = 0;
const FINAL: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// So many wait for all of these at once that `inspect` has more to say than what the system takes in when nobody
/// reads, which is up to 4 MiB and the reader's part: in it, a quote is two bytes.
const WAITING: usize = 400;
const NAMES: usize = 64;

fn name(nth: usize) -> String {
    format!("{nth:02}{}", "\"".repeat(120))
}

/// A server with a long line, who holds what they wait for, and who waits.
async fn crowded(heartbeat: Duration) -> (TestServer, [Client; 2]) {
    let names: Vec<_> = (0..NAMES).map(name).collect();
    let semaphores: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 0)).collect();
    let mut config = config(&semaphores);
    config.sessions.heartbeat = heartbeat;
    let server = TestServer::with(&config).await;
    let (holder, _) = holder(&server, &names[0]).await;
    let want: Map<_, _> = names.into_iter().map(|name| (name, json!(1))).collect();
    let mut line = Client::greeted(&server).await;
    for peer in 0..WAITING {
        line.send(json!([
            {"type": "open", "peer": peer, "expires_in_ms": 300_000},
            {"type": "acquire", "id": peer, "peer": peer, "want": want},
        ]))
        .await;
    }
    for _ in 0..WAITING {
        assert_eq!(line.next().await["type"], "queued");
    }
    (server, [holder, line])
}

fn inspect(id: usize) -> Value {
    json!({"type": "inspect", "id": id, "name": name(0), "limit": 1000})
}

fn assert_is_details(details: &Value, id: usize) {
    assert_eq!((&details["type"], &details["id"]), (&json!("details"), &json!(id)));
    assert_eq!(details["queue"].as_array().unwrap().len(), WAITING);
}

fn message(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

/// A connection that is read frame by frame, and takes in not everything by itself.
struct Reader(Client);

impl Reader {
    async fn greeted(server: &TestServer) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(256 * 1024).unwrap();
        let mut client = Client::over(socket.connect(server.address).await.unwrap()).await;
        client.send(json!({"type": "hello"})).await;
        let mut reader = Self(client);
        assert_eq!(reader.frame().await.0, FINAL | TEXT);
        reader
    }

    fn stream(&mut self) -> &mut TcpStream {
        self.0.socket.get_mut()
    }

    /// The first byte of the next frame, and what it is about.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        timeout(DEADLINE, self.read()).await.expect("nothing comes")
    }

    async fn read(&mut self) -> (u8, Vec<u8>) {
        let stream = self.stream();
        let head = [stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap()];
        let length = match head[1] {
            127 => usize::try_from(stream.read_u64().await.unwrap()).unwrap(),
            126 => stream.read_u16().await.unwrap().into(),
            short => short.into(),
        };
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        (head[0], payload)
    }

    /// Sends a control frame, masked with zeros.
    async fn control(&mut self, kind: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        let frame = [&[kind, 0x80 | length, 0, 0, 0, 0], payload].concat();
        self.stream().write_all(&frame).await.unwrap();
    }

    /// Reads until the server closes.
    async fn close_code(&mut self) -> u16 {
        loop {
            let (kind, payload) = self.frame().await;
            if kind == CLOSE {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    /// Inspects, and reads the first fragment of the answer.
    async fn begin(&mut self) -> Vec<u8> {
        self.0.send(inspect(1)).await;
        let (kind, begun) = self.frame().await;
        assert_eq!(kind, TEXT, "it is not the last one");
        begun
    }

    /// The fragments up to the last one, and what comes between them.
    async fn rest(&mut self) -> (Vec<u8>, Vec<u8>) {
        let (mut between, mut text) = (Vec::new(), Vec::new());
        loop {
            let (kind, payload) = self.frame().await;
            if kind & !FINAL == CONTINUATION {
                assert!(payload.len() <= 64 * 1024);
                text.extend(payload);
            } else {
                between.push(kind);
            }
            if kind == FINAL | CONTINUATION {
                return (text, between);
            }
        }
    }
}

#[tokio::test]
async fn a_snapshot_of_many_semaphores_is_whole() {
    const MANY: usize = 10_000;
    let names: BTreeSet<_> = (0..MANY).map(|nth| format!("{nth:05} \u{20ac}")).collect();
    let semaphores: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 0)).collect();
    let server = TestServer::start(&semaphores).await;
    let mut client = Client::greeted(&server).await;
    client.send(json!({"type": "watch", "id": 7, "every_ms": 100})).await;
    assert_eq!(client.next().await["type"], "watching");
    let first = client.next().await;
    assert_eq!((&first["seq"], &first["snapshot"]), (&json!(1), &json!(true)));
    let shown: BTreeSet<_> = first["semaphores"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(shown, names);

    let name = names.last().unwrap();
    let _holder = holder(&server, name).await;
    let rows = loop {
        let mut next = client.next().await;
        if let Value::Object(rows) = next["semaphores"].take() {
            break rows;
        }
    };
    assert_eq!((rows.len(), &rows[name]["held"]), (1, &json!(1)));
}

#[tokio::test]
async fn long_answers_come_one_after_the_other() {
    let (server, _clients) = crowded(MINUTE).await;
    let mut client = Client::greeted(&server).await;
    client.send((0..5).map(inspect).collect()).await;
    for id in 0..5 {
        assert_is_details(&client.next().await, id);
    }
    assert_eq!(client.ask(json!({"type": "ping", "id": 9})).await["id"], 9);
}

/// What is said meanwhile comes behind it; of what there is to see, only the last.
#[tokio::test]
async fn who_stops_reading_in_the_middle_sees_the_rest_and_then_what_is_new() {
    let (server, [mut holder, _line]) = crowded(MINUTE).await;
    let mut reader = Reader::greeted(&server).await;
    reader.0.send(json!({"type": "watch", "id": 7, "every_ms": 100})).await;
    let (_watching, (_, first)) = (reader.frame().await, reader.frame().await);
    assert_eq!(message(&first)["snapshot"], true);
    let mut text = reader.begin().await;
    reader.control(PING, b"?").await;
    reader.0.send(json!({"type": "ping", "id": 2})).await;
    // Several ticks, each with something to see.
    for peer in 2..=10 {
        holder.open(peer).await;
        sleep(Duration::from_millis(50)).await;
    }
    let (rest, between) = reader.rest().await;
    assert_eq!(between, [PONG]);
    text.extend(rest);
    assert_is_details(&message(&text), 1);
    assert_eq!(message(&reader.frame().await.1)["type"], "pong");
    let state = message(&reader.frame().await.1);
    assert_eq!((&state["type"], &state["seq"]), (&json!("state"), &json!(2)));
    assert!(state["server"]["peers"].as_u64() > Some(WAITING as u64 + 5), "{state}");
}

/// It need not say anything, not even answer pings, as long as it takes what it is sent.
#[tokio::test]
async fn who_reads_slowly_is_heard_of() {
    let (server, _clients) = crowded(Duration::from_millis(400)).await;
    let mut reader = Reader::greeted(&server).await;
    reader.0.send((1..=3).map(inspect).collect()).await;
    // For so long that a session would end of which nothing is heard.
    for _ in 0..120 {
        sleep(Duration::from_millis(10)).await;
        assert_ne!(reader.frame().await.0, CLOSE);
    }
    reader.0.send(json!({"type": "ping", "id": 4})).await;
    let pong = loop {
        let (kind, payload) = reader.frame().await;
        assert_ne!(kind, CLOSE);
        if kind == FINAL | TEXT {
            break message(&payload);
        }
    };
    assert_eq!(pong, json!({"type": "pong", "id": 4}));
}

#[tokio::test]
async fn a_goodbye_in_the_middle_is_returned_in_the_middle() {
    let (server, _clients) = crowded(MINUTE).await;
    let mut reader = Reader::greeted(&server).await;
    reader.begin().await;
    reader.control(CLOSE, &1000_u16.to_be_bytes()).await;
    let kind = loop {
        match reader.frame().await.0 {
            CONTINUATION => {}
            other => break other,
        }
    };
    assert_eq!(kind, CLOSE);
}

#[tokio::test]
async fn the_end_of_the_server_is_announced_to_who_is_in_the_middle() {
    let (mut server, _clients) = crowded(MINUTE).await;
    let mut reader = Reader::greeted(&server).await;
    reader.begin().await;
    server.stop();
    assert_eq!(reader.close_code().await, 1012);
}

/// What it asks for is answered behind the rest, and that is not taken.
#[tokio::test]
async fn who_does_not_take_the_rest_is_sent_away() {
    let (server, _clients) = crowded(MINUTE).await;
    let mut reader = Reader::greeted(&server).await;
    reader.begin().await;
    let frame = json!(vec![json!({"type": "release", "peer": 9}); 1500]).to_string();
    // It may find that the server reads no more.
    let flood =
        async { while reader.0.socket.send(Message::text(frame.as_str())).await.is_ok() {} };
    tokio::select! {
        () = flood => {}
        () = server.metric_becomes("throttle_sessions", 2.0) => {}
    }
    assert_eq!(reader.close_code().await, 1013);
}
