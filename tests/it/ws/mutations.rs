//! Valid traffic, made invalid: cut, split, and changed at random. There is always an answer or a close code, and the
//! server is well afterwards.

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::client::{Client, holder, messages};
use crate::server::{DEADLINE, TestServer, text};

const TRAFFIC: &str = r#"[{"type":"hello","id":1,"client":"test/1"},{"type":"open","id":2,"peer":1,"expires_in_ms":30000,"label":"ü\u0041","on_disconnect":"release"},{"type":"acquire","id":3,"peer":1,"want":{"A":1,"B":2},"timeout_ms":0,"priority":-3},{"type":"release","id":4,"peer":1,"names":["A"]},{"type":"cancel","id":5,"peer":1},{"type":"close","id":6,"peer":1},{"type":"ping","id":7}]"#;

/// So many frames are sent on one connection.
const FRAMES: usize = 50;
const MUTATIONS: usize = 10_000;

#[tokio::test]
async fn ten_thousand_random_mutations_are_answered() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 5, 0)]).await;
    let (mut other, _) = holder(&server, "A").await;
    let mut rng = Rng::with_seed(0x7468_726f_7474_6c65);
    for _ in 0..MUTATIONS / FRAMES {
        let mut client = Client::greeted(&server).await;
        for id in 0..FRAMES {
            let frame = mutated(&mut rng);
            if !is_answered(&mut client, frame, id).await {
                break;
            }
        }
    }
    assert_eq!(other.ask(json!({"type": "ping", "id": 1})).await["type"], "pong");
    assert_eq!(server.get("/health").await, text(200, "Ok"));
    drop(other);
    server.metric_becomes("throttle_sessions", 0.0).await;
}

/// Some bytes are changed, removed, added, swapped or repeated.
fn mutated(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = TRAFFIC.as_bytes().to_vec();
    for _ in 0..rng.usize(1..=3) {
        let (from, to) = (rng.usize(..bytes.len()), rng.usize(..bytes.len()));
        let (from, to) = (from.min(to), from.max(to));
        match rng.u8(0..6) {
            0 => bytes[from] = rng.u8(..),
            1 => bytes[from] = *rng.choice(b"{}[]\",:0-9.eE\\u \x00\xff").unwrap(),
            2 => drop(bytes.drain(from..to.min(from + 8))),
            3 => bytes.insert(from, rng.u8(..)),
            4 => bytes.swap(from, to),
            _ => {
                let copy = bytes[from..to.min(from + 40)].to_vec();
                bytes.splice(to..to, copy);
            }
        }
    }
    bytes
}

/// Sends a frame and a ping behind it. Either the pong comes, or the session ends with a close code: then no other
/// frame can be sent.
async fn is_answered(client: &mut Client, frame: Vec<u8>, id: usize) -> bool {
    let frame = Frame::message(frame, OpCode::Data(Data::Text), true);
    let ping = Message::text(json!({"type": "ping", "id": 1_000_000 + id}).to_string());
    client.socket.feed(Message::Frame(frame)).await.unwrap();
    // The server may have closed meanwhile.
    let _ = client.socket.send(ping).await;
    loop {
        let next = timeout(DEADLINE, client.socket.next()).await.expect("nothing comes");
        let frame = next.expect("the connection ended without a close code").unwrap();
        if let Message::Close(close) = frame {
            assert!(close.is_some(), "the close has no code");
            return false;
        }
        let answers = if frame.is_text() { messages(frame.to_text().unwrap()) } else { vec![] };
        if answers.iter().any(|answer| answer["id"] == 1_000_000 + id) {
            return true;
        }
    }
}

#[tokio::test]
async fn frames_may_arrive_in_pieces() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 5, 0)]).await;
    let bytes = TRAFFIC.as_bytes();
    let mask = [0; 4];
    let mut frame = vec![0x81, 0xfe];
    frame.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    frame.extend(mask);
    frame.extend(bytes);
    for at in (1..frame.len()).step_by(7).chain(1..12) {
        let mut client = Client::connect(server.address).await;
        let (start, end) = frame.split_at(at);
        client.socket.get_mut().write_all(start).await.unwrap();
        client.socket.get_mut().flush().await.unwrap();
        tokio::task::yield_now().await;
        client.socket.get_mut().write_all(end).await.unwrap();
        for expected in ["welcome", "opened", "granted", "released", "closed", "pong"] {
            assert_eq!(client.next().await["type"], expected, "cut at {at}");
        }
    }
}

#[tokio::test]
async fn a_frame_that_is_cut_off_is_the_end_of_the_connection() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 5, 0)]).await;
    for at in (1..TRAFFIC.len()).step_by(11) {
        let mut client = Client::greeted(&server).await;
        let length = u16::try_from(TRAFFIC.len()).unwrap().to_be_bytes();
        let head = [&[0x81, 0xfe], &length[..], &[0; 4]].concat();
        let socket = client.socket.get_mut();
        socket.write_all(&[&head, &TRAFFIC.as_bytes()[..at]].concat()).await.unwrap();
        client.cut();
    }
    server.metric_becomes("throttle_sessions", 0.0).await;
    assert_eq!(server.remainder("A").await, "1");
}

#[tokio::test]
async fn messages_may_be_fragmented() {
    let server = TestServer::start(&[("A", 1, 0), ("B", 5, 0)]).await;
    let mut client = Client::connect(server.address).await;
    // Cut within a character: only the whole message has to be UTF-8.
    let at = TRAFFIC.find('ü').unwrap() + 1;
    let (start, end) = TRAFFIC.as_bytes().split_at(at);
    let start = Frame::message(start.to_vec(), OpCode::Data(Data::Text), false);
    let end = Frame::message(end.to_vec(), OpCode::Data(Data::Continue), true);
    client.socket.feed(Message::Frame(start)).await.unwrap();
    client.socket.send(Message::Frame(end)).await.unwrap();
    assert_eq!(client.next().await["type"], "welcome");
    assert_eq!(client.next().await["type"], "opened");
}
