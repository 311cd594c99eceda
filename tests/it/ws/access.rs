//! Who may do what over a WebSocket: every type of message against every role. One that is not in the table fails the
//! test.

use serde_json::{Value, json};
use throttle::access::Role;
use throttle::ws::MESSAGES;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http};

use super::client::Client;
use crate::access::{BAD_TOKEN, guarded, token_of};
use crate::reload::reloadable;
use crate::server::{TestServer, config, send, with_json};

/// Every type of message but `hello`, with the lowest role that may send it, and one of its kind.
fn table() -> [(&'static str, Role, Value); 11] {
    [
        ("open", Role::Lease, json!({"peer": 1, "expires_in_ms": 30_000})),
        ("acquire", Role::Lease, json!({"peer": 1, "want": {"A": 1}})),
        ("release", Role::Lease, json!({"peer": 1})),
        ("cancel", Role::Lease, json!({"peer": 1})),
        ("close", Role::Lease, json!({"peer": 1})),
        ("settle", Role::Lease, json!({"peer": 1, "used": {"A": 1}})),
        ("throttled", Role::Lease, json!({"peer": 1, "name": "A", "retry_after_ms": 1})),
        ("ping", Role::Observe, json!({})),
        ("watch", Role::Observe, json!({})),
        ("unwatch", Role::Observe, json!({})),
        ("inspect", Role::Observe, json!({"name": "A"})),
    ]
}

async fn greeted(server: &TestServer, token: &str) -> Client {
    let mut client = Client::connect(server.address).await;
    let welcome = client.ask(json!({"type": "hello", "id": 0, "token": token})).await;
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    client
}

/// What a message is answered with, if it is, before the pong to a ping that comes after it.
async fn answers(client: &mut Client, kind: &str, mut message: Value) -> Vec<Value> {
    message["type"] = json!(kind);
    message["id"] = json!(7);
    client.send(json!([message, {"type": "ping", "id": 8}])).await;
    let mut answers = Vec::new();
    loop {
        let next = client.next().await;
        if next["type"] == "pong" && next["id"] == 8 {
            return answers;
        }
        answers.push(next);
    }
}

#[test]
fn every_message_is_in_the_table() {
    let mut known: Vec<_> = table().map(|(kind, _, _)| kind).into();
    known.push("hello");
    known.sort_unstable();
    let mut messages = MESSAGES.map(|(name, _)| name);
    messages.sort_unstable();
    assert_eq!(known, messages);
}

#[tokio::test]
async fn every_message_wants_its_role() {
    let server = TestServer::with(&guarded()).await;
    for role in Role::ALL {
        let mut client = Client::connect(server.address).await;
        let hello = json!({"type": "hello", "id": 0, "token": token_of(role)});
        assert_eq!(client.ask(hello).await["role"], role.name());
        for (kind, needs, message) in table() {
            let peer = message["peer"].clone();
            let answers = answers(&mut client, kind, message).await;
            let forbidden = answers.iter().any(|answer| answer["code"] == "forbidden");
            assert_eq!(forbidden, role < needs, "{kind} as {role}: {answers:?}");
            if forbidden {
                let [refused] = &answers[..] else { panic!("{answers:?}") };
                assert_eq!((&refused["id"], &refused["peer"]), (&json!(7), &peer));
                let message = format!("{kind}: this needs a token with the role {needs}");
                assert_eq!(refused["message"], message);
            }
        }
    }
}

/// What an observer asks for in vain leaves no trace, and does not end its session.
#[tokio::test]
async fn an_observer_holds_nothing() {
    let server = TestServer::with(&guarded()).await;
    let mut client = greeted(&server, &token_of(Role::Observe)).await;
    for _ in 0..20 {
        let message = json!({"peer": 1, "expires_in_ms": 30_000});
        assert_eq!(answers(&mut client, "open", message).await[0]["code"], "forbidden");
    }
    let peers = server.request(reqwest::Method::GET, "/peers/");
    let peers = crate::server::send(peers.bearer_auth(token_of(Role::Observe))).await;
    assert_eq!(peers.body, "[]");
}

#[tokio::test]
async fn nobody_begins_a_session_without_a_good_token() {
    let server = TestServer::with(&guarded()).await;
    for token in [Value::Null, json!(BAD_TOKEN), json!("")] {
        let mut client = Client::connect(server.address).await;
        let open = json!({"type": "open", "id": 1, "peer": 1, "expires_in_ms": 30_000});
        let hello = json!({"type": "hello", "id": 0, "token": token});
        let error = client.ask(json!([hello, open])).await;
        assert_eq!((&error["id"], &error["code"]), (&json!(0), &json!("unauthorized")), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(client.close_code().await, 4401);
    }
}

/// Whatever stands in place of a token may be one.
#[tokio::test]
async fn what_is_no_token_is_not_repeated() {
    let server = TestServer::with(&guarded()).await;
    let mut client = Client::connect(server.address).await;
    let long = "secret".repeat(1_000);
    for token in [json!(["secret"]), json!({"secret": "secret"}), json!(long)] {
        let error = client.ask(json!({"type": "hello", "id": 0, "token": token})).await;
        let expected = "hello: \"token\" must be a text of at most 4096 bytes";
        assert_eq!((&error["code"], &error["message"]), (&json!("bad_message"), &json!(expected)));
    }
}

/// A handshake with these headers. The session that comes of it, or the status of the answer.
async fn handshake(
    server: &TestServer,
    headers: &[(&'static str, String)],
) -> Result<Client, http::Response<Option<Vec<u8>>>> {
    let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(server.address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, response)) => {
            let chosen = response.headers().get("sec-websocket-protocol");
            assert_eq!(chosen.map(|it| it.to_str().unwrap()), Some("throttle.v1"));
            Ok(Client::on(socket))
        }
        Err(Error::Http(response)) => Err(*response),
        Err(error) => panic!("{error}"),
    }
}

fn offered(token: &str) -> (&'static str, String) {
    ("sec-websocket-protocol", format!("throttle.v1, bearer.{token}"))
}

#[tokio::test]
async fn the_handshake_may_have_the_token() {
    let server = TestServer::with(&guarded()).await;
    let token = token_of(Role::Lease);
    let protocol = || ("sec-websocket-protocol", "throttle.v1".to_owned());
    for headers in [
        vec![offered(&token)],
        vec![protocol(), ("authorization", format!("Bearer {token}"))],
        // A header counts more than a protocol.
        vec![offered(BAD_TOKEN), ("authorization", format!("Bearer {token}"))],
    ] {
        let mut client = handshake(&server, &headers).await.ok().unwrap();
        assert_eq!(client.ask(json!({"type": "hello", "id": 0})).await["type"], "welcome");
        client.open(1).await;
    }
    for headers in [
        vec![offered(BAD_TOKEN)],
        vec![offered("")],
        vec![protocol(), ("authorization", format!("Bearer {BAD_TOKEN}"))],
        vec![offered(&token), ("authorization", format!("Bearer {BAD_TOKEN}"))],
    ] {
        let refused = handshake(&server, &headers).await.err().unwrap();
        assert_eq!(refused.status(), 401);
        assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn the_message_counts_more_than_the_handshake() {
    let server = TestServer::with(&guarded()).await;
    let headers = [offered(&token_of(Role::Lease))];
    let mut client = handshake(&server, &headers).await.ok().unwrap();
    let token = token_of(Role::Observe);
    client.ask(json!({"type": "hello", "id": 0, "token": token})).await;
    let message = json!({"peer": 1, "expires_in_ms": 30_000});
    assert_eq!(answers(&mut client, "open", message).await[0]["code"], "forbidden");
}

/// A browser that has a token for another server must not be kept out.
#[tokio::test]
async fn without_auth_every_token_is_good() {
    let server = TestServer::with(&config(&[("A", 1, 0)])).await;
    let mut client = handshake(&server, &[offered(BAD_TOKEN)]).await.ok().unwrap();
    client.ask(json!({"type": "hello", "id": 0, "token": BAD_TOKEN})).await;
    client.open(1).await;
}

/// Whoever has lost its token is sent away, when it says something or at the next heartbeat; others are left alone.
#[tokio::test]
async fn whoever_has_lost_its_token_is_sent_away() {
    let mut first = guarded();
    first.sessions.heartbeat = std::time::Duration::from_secs(2);
    let (server, file) = reloadable(first.clone()).await;
    let enter = |role| {
        let server = &server;
        async move {
            let headers = [offered(&token_of(role))];
            let mut client = handshake(server, &headers).await.ok().unwrap();
            assert_eq!(client.ask(json!({"type": "hello", "id": 0})).await["type"], "welcome");
            client
        }
    };
    let (mut silent, mut talking) = (enter(Role::Lease).await, enter(Role::Lease).await);
    let mut other = enter(Role::Operate).await;
    let mut lowered = first;
    for token in lowered.tokens.iter_mut().filter(|token| token.role == Role::Lease) {
        token.role = Role::Observe;
    }
    *file.lock().unwrap() = Ok(lowered);
    let reload = server.request(reqwest::Method::POST, "/operate/reload");
    let reload = reload.bearer_auth(token_of(Role::Operate));
    assert_eq!(send(with_json(reload, "{}")).await.status, 200);
    let message = json!({"type": "open", "peer": 1, "expires_in_ms": 30_000});
    talking.send(message).await;
    assert_eq!(talking.close_code().await, 4401);
    assert_eq!(silent.close_code().await, 4401);
    other.open(1).await;
}
