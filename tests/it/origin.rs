//! What browsers send for pages of others, to a server that anybody on this machine reaches without a token.

use reqwest::Method;
use throttle::access::Hosts;
use throttle::config::Config;

use crate::access::{guarded, token_of};
use crate::server::{Answer, TestServer, config, send, text, with_json};
use crate::wire;

const NAME: &str = "This server does not go by the name in the header Host. Its setting \"hosts\" says by which it does.";
const FOREIGN: &str = "Requests from pages of another origin are not allowed.";

/// Opens a peer as a page at this host does.
async fn open(server: &TestServer, host: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.request(Method::POST, "/new_peer").header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(with_json(request, r#"{"expires_in":"5m"}"#)).await
}

/// A page that has made its own name lead here.
#[tokio::test]
async fn a_name_that_anybody_can_have_is_refused_from_a_browser() {
    let server = TestServer::start(&[]).await;
    let host = "rebound.example:8000";
    let page = [("origin", "http://rebound.example:8000")];
    assert_eq!(open(&server, host, &page).await, text(403, NAME));
    assert_eq!(open(&server, host, &[("sec-fetch-site", "same-origin")]).await, text(403, NAME));
    assert_eq!(open(&server, host, &[]).await.status, 200, "a program");
    let tls = [("origin", "https://rebound.example:8000")];
    assert_eq!(open(&server, host, &tls).await.status, 200, "behind a proxy with TLS");
    let own = [("origin", "http://localhost:8000")];
    assert_eq!(open(&server, "localhost:8000", &own).await.status, 200);
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_however_it_is_told() {
    let server = TestServer::start(&[]).await;
    let sites = [("sec-fetch-site", "cross-site")];
    assert_eq!(open(&server, "localhost", &sites).await, text(403, FOREIGN));
    let look = server.request(Method::GET, "/peers/").header("sec-fetch-site", "cross-site");
    assert_eq!(send(look).await.status, 200, "it changes nothing, and no page can read it");
}

#[tokio::test]
async fn names_can_be_configured() {
    let hosts = Hosts::named(&["throttle.example"]).unwrap();
    let server = TestServer::with(&Config { hosts, ..config(&[]) }).await;
    let page = [("origin", "http://throttle.example")];
    assert_eq!(open(&server, "throttle.example", &page).await.status, 200);
    let page = [("origin", "https://other.example")];
    assert_eq!(open(&server, "other.example", &page).await, text(403, NAME));
}

/// A page has no token, whatever it is called.
#[tokio::test]
async fn a_server_with_tokens_may_be_called_anything() {
    let server = TestServer::with(&guarded()).await;
    let token = format!("Bearer {}", token_of(throttle::access::Role::Lease));
    let page = [("origin", "http://throttle.example"), ("authorization", token.as_str())];
    assert_eq!(open(&server, "throttle.example", &page).await.status, 200);
}

#[tokio::test]
async fn upgrades_are_refused_alike() {
    let server = TestServer::start(&[]).await;
    for headers in [
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
        "Host: rebound.example\r\nOrigin: http://rebound.example\r\n",
    ] {
        let head = format!(
            "GET /ws HTTP/1.1\r\n{headers}Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let mut stream = wire::open(server.address, &head).await;
        let answer = wire::response(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
}
