//! The handshake, and what is refused in it.

use crate::server::TestServer;
use crate::wire;

async fn handshake(server: &TestServer, headers: &str) -> String {
    let get = "GET /ws HTTP/1.1\r\nHost: localhost\r\n";
    let mut stream = wire::open(server.address, &format!("{get}{headers}\r\n")).await;
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut byte).await.unwrap();
        response.push(byte[0]);
    }
    String::from_utf8(response).unwrap()
}

const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn without_a_subprotocol_it_is_version_1() {
    let server = TestServer::start(&[]).await;
    let response = handshake(&server, UPGRADE).await.to_lowercase();
    assert!(response.starts_with("http/1.1 101 "), "{response}");
    assert!(
        response.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
        "{response}"
    );
    assert!(!response.contains("sec-websocket-protocol"), "{response}");
}

#[tokio::test]
async fn one_known_subprotocol_is_enough() {
    let server = TestServer::start(&[]).await;
    let offer = format!("{UPGRADE}Sec-WebSocket-Protocol: throttle.v9, throttle.v1\r\n");
    let response = handshake(&server, &offer).await.to_lowercase();
    assert!(response.contains("sec-websocket-protocol: throttle.v1\r\n"), "{response}");
}

#[tokio::test]
async fn handshakes_that_are_none() {
    let server = TestServer::start(&[]).await;
    let without = |header: &str| {
        UPGRADE
            .lines()
            .filter(|line| !line.starts_with(header))
            .map(|line| format!("{line}\r\n"))
            .collect::<String>()
    };
    let cases = [
        (format!("{UPGRADE}Sec-WebSocket-Protocol: throttle.v2\r\n"), 400),
        (format!("{UPGRADE}Origin: http://evil.example\r\n"), 403),
        (without("Sec-WebSocket-Key"), 400),
        (UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", ""), 400),
        (UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=*"), 400),
        (UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), 400),
        (without("Sec-WebSocket-Version"), 426),
        (without("Upgrade"), 426),
        (String::new(), 426),
    ];
    for (headers, status) in cases {
        let response = handshake(&server, &headers).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {response}");
    }
    let own = handshake(&server, &format!("{UPGRADE}Origin: https://localhost\r\n")).await;
    assert!(own.starts_with("HTTP/1.1 101 "), "{own}");
    assert_eq!(server.post("/ws", "1").await.status, 405);
    let series = r#"throttle_http_requests_total{method="GET",route="/ws",status="1xx"}"#;
    assert_eq!(server.metric(series).await, Some(1.0));
}
