//! Tokens and TLS, as the client shows and expects them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use throttle::access::{Role, Token};
use throttle::client::{Builder, Client, Code, Error};
use throttle::config::{Config, Tls, TokenSettings};

use crate::LONG;
use crate::proxy::Proxy;
use crate::server::{TestServer, config};

const TOKEN: &str = "xyzzy-a-token";

fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

async fn encrypted() -> TestServer {
    let (certificate, key) = (Some(made("first.pem")), Some(made("first.key")));
    let tls = Tls { certificate, key, ..Tls::default() };
    TestServer::with(&Config { tls, ..config(&[("A", 1, 0)]) }).await
}

async fn guarded(role: Role) -> TestServer {
    let sha256 = Token::new(TOKEN).digest();
    let tokens = vec![TokenSettings { name: "test".to_owned(), role, sha256 }];
    TestServer::with(&Config { tokens, ..config(&[("A", 1, 0)]) }).await
}

fn builder(scheme: &str, host: &str, port: u16) -> Builder {
    let backoff = Duration::from_millis(20);
    Client::builder(&format!("{scheme}://{host}:{port}")).expires_in(LONG).backoff(backoff, backoff)
}

#[tokio::test]
async fn leases_go_over_tls() {
    let server = encrypted().await;
    let port = server.address.port();
    for (scheme, host) in [("wss", "localhost"), ("HTTPS", "127.0.0.1")] {
        let client = builder(scheme, host, port).trust(made("authority.pem")).connect().await;
        let peer = client.unwrap().peer("").await.unwrap();
        peer.acquire("A").await.unwrap().release().await.unwrap();
    }
}

#[tokio::test]
async fn a_client_reconnects_over_tls() {
    let server = encrypted().await;
    let proxy = Proxy::start(server.address).await;
    let client = builder("wss", "localhost", proxy.address.port()).trust(made("authority.pem"));
    let client = client.connect().await.unwrap();
    let peer = client.peer("").await.unwrap();
    let lease = peer.acquire("A").await.unwrap();
    proxy.cut();
    // Only over a new connection is it answered.
    lease.release().await.unwrap();
    peer.acquire("A").await.unwrap();
}

#[tokio::test]
async fn who_is_not_trusted_is_not_spoken_to() {
    let server = encrypted().await;
    let port = server.address.port();
    let stranger = builder("wss", "localhost", port).trust(made("second.pem")).connect().await;
    let Err(Error::Connect { reason, .. }) = stranger else { panic!("{stranger:?}") };
    assert!(reason.starts_with("TLS: invalid peer certificate"), "{reason}");
    for (file, expected) in [("nowhere.pem", "nowhere.pem"), ("first.key", "there are none")] {
        let refused = builder("wss", "localhost", port).trust(made(file)).connect().await;
        let Err(Error::Tls { reason }) = refused else { panic!("{refused:?}") };
        assert!(reason.contains(expected), "{reason}");
    }
    let plain = builder("ws", "localhost", port).connect().await;
    assert!(matches!(&plain, Err(Error::Closed { code: 400, .. })), "{plain:?}");
}

#[tokio::test]
async fn a_token_lets_a_client_in() {
    let server = guarded(Role::Lease).await;
    let builder = || builder("ws", "localhost", server.address.port());
    let client = builder().token(TOKEN).connect().await.unwrap();
    client.peer("").await.unwrap().acquire("A").await.unwrap();
    for refused in [builder().connect().await, builder().token("another").connect().await] {
        let Err(Error::Refused(refused)) = refused else { panic!("{refused:?}") };
        assert_eq!(refused.code, Code::Unauthorized);
    }
    let printed = format!("{:?} {client:?}", builder().token(TOKEN));
    assert!(!printed.contains("xyzzy"), "{printed}");
}

#[tokio::test]
async fn an_observer_gets_no_peer() {
    let server = guarded(Role::Observe).await;
    let client = builder("ws", "localhost", server.address.port()).token(TOKEN).connect().await;
    let refused = client.unwrap().peer("").await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden), "{refused}");
}
