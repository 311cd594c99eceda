//! Who may do what over REST: every route against every role. A route that is not in the table fails the test.

use reqwest::{Method, StatusCode};
use throttle::access::{Role, Token};
use throttle::app::Server;
use throttle::config::{Config, TokenSettings};

use crate::server::{TestServer, config, send, text, with_json};

/// What somebody shows who is a stranger.
pub(crate) const NO_TOKEN: &str = "";

/// Of no token.
pub(crate) const BAD_TOKEN: &str = "secret-of-nobody";

/// The token that has a role.
pub(crate) fn token_of(role: Role) -> String {
    format!("secret-of-{role}")
}

/// With a token for each role.
pub(crate) fn guarded() -> Config {
    let tokens = Role::ALL.map(|role| TokenSettings {
        name: format!("the {role}"),
        role,
        sha256: Token::new(token_of(role)).digest(),
    });
    Config { tokens: tokens.into(), ..config(&[("A", 5, 0)]) }
}

const ANYONE: Option<Role> = None;
const OBSERVE: Option<Role> = Some(Role::Observe);
const LEASE: Option<Role> = Some(Role::Lease);
const OPERATE: Option<Role> = Some(Role::Operate);

/// Every route, and the lowest role that may use it.
const TABLE: [(&str, &str, Option<Role>); 34] = [
    ("DELETE", "/buckets/{name}/permits/{permit}", LEASE),
    ("DELETE", "/operate/semaphores/{name}", OPERATE),
    ("DELETE", "/peers/{id}", LEASE),
    ("DELETE", "/peers/{id}/is_acquired", LEASE),
    ("DELETE", "/peers/{id}/{semaphore}", LEASE),
    ("GET", "/", ANYONE),
    ("GET", "/buckets/{name}", OBSERVE),
    ("GET", "/health", ANYONE),
    ("GET", "/history", OBSERVE),
    ("GET", "/metrics", OBSERVE),
    ("GET", "/operate/peers/{id}", OBSERVE),
    ("GET", "/operate/semaphores", OBSERVE),
    ("GET", "/operate/semaphores/{name}", OBSERVE),
    ("GET", "/operate/status", OBSERVE),
    ("GET", "/peers/", OBSERVE),
    ("GET", "/peers/{id}/is_acquired", OBSERVE),
    ("GET", "/ready", ANYONE),
    ("GET", "/remainder", OBSERVE),
    ("GET", "/version", ANYONE),
    ("GET", "/web/{*file}", ANYONE),
    // Its token may come later. One that is there is looked at.
    ("GET", "/ws", ANYONE),
    ("PATCH", "/operate/semaphores/{name}", OPERATE),
    ("POST", "/buckets/{name}/permits", LEASE),
    ("POST", "/buckets/{name}/throttled", LEASE),
    ("POST", "/new_peer", LEASE),
    ("POST", "/operate/peers/{id}/revoke", OPERATE),
    ("POST", "/operate/reload", OPERATE),
    ("POST", "/operate/semaphores", OPERATE),
    ("POST", "/operate/semaphores/{name}/free", OPERATE),
    ("POST", "/remove_expired", LEASE),
    ("POST", "/restore", LEASE),
    ("PUT", "/peers/{id}", LEASE),
    ("PUT", "/peers/{id}/is_acquired", LEASE),
    ("PUT", "/peers/{id}/{semaphore}", LEASE),
];

fn path(pattern: &str) -> String {
    pattern
        .replace("{id}", "1")
        .replace("{permit}", "1")
        .replace("{semaphore}", "A")
        .replace("{name}", "A")
        .replace("{*file}", "main.js")
}

async fn status(server: &TestServer, method: &str, path: &str, token: &str) -> StatusCode {
    let request = server.request(method.parse().unwrap(), path);
    let request = with_json(request, r#"{"expires_in":"5m"}"#);
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let response = request.send().await.unwrap();
    let status = response.status();
    let how = response.headers().get("www-authenticate").map(|how| how.to_str().unwrap());
    assert_eq!(how, (status == 401).then_some("Bearer"), "{method} {path}");
    assert!(!response.text().await.unwrap().contains("secret"), "{method} {path}");
    status
}

#[tokio::test]
async fn every_route_is_in_the_table() {
    let server = Server::bind(&config(&[])).unwrap();
    let mut routes: Vec<_> =
        server.routes().iter().map(|route| (route.method, route.pattern)).collect();
    routes.sort_unstable();
    assert_eq!(TABLE.map(|(method, pattern, _)| (method, pattern)).to_vec(), routes);
}

#[tokio::test]
async fn every_route_wants_its_role() {
    let server = TestServer::with(&guarded()).await;
    for (method, pattern, needs) in TABLE {
        let path = path(pattern);
        let missing = status(&server, method, &path, NO_TOKEN).await;
        assert_eq!(missing == 401, needs.is_some(), "{method} {path}: {missing}");
        let bad = status(&server, method, &path, BAD_TOKEN).await;
        assert_eq!(bad == 401, needs.is_some() || pattern == "/ws", "{method} {path}: {bad}");
        for role in Role::ALL {
            let answer = status(&server, method, &path, &token_of(role)).await;
            assert_ne!(answer, 401, "{method} {path} as {role}");
            assert_eq!(answer == 403, Some(role) < needs, "{method} {path} as {role}: {answer}");
        }
    }
}

#[tokio::test]
async fn without_auth_everything_is_open_whatever_is_shown() {
    let server = TestServer::start(&[("A", 5, 0)]).await;
    for (method, pattern, _) in TABLE {
        for token in [NO_TOKEN, BAD_TOKEN] {
            let answer = status(&server, method, &path(pattern), token).await;
            assert!(answer != 401 && answer != 403, "{method} {pattern}: {answer}");
        }
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_and_changes_nothing() {
    let server = TestServer::with(&guarded()).await;
    let open = || with_json(server.request(Method::POST, "/new_peer"), r#"{"expires_in":"5m"}"#);
    let missing = "A token is needed. Send the header Authorization: Bearer TOKEN.";
    assert_eq!(send(open()).await, text(401, missing));
    assert_eq!(send(open().bearer_auth("x")).await, text(401, "The token is not known here."));
    let low = send(open().bearer_auth(token_of(Role::Observe))).await;
    assert_eq!(low, text(403, "The role of the token is observe; this needs lease."));
    assert_eq!(peers(&server).await, "[]");
    assert_eq!(send(open().bearer_auth(token_of(Role::Lease))).await.status, 200);
    assert_ne!(peers(&server).await, "[]");
}

async fn peers(server: &TestServer) -> String {
    let list = server.request(Method::GET, "/peers/").bearer_auth(token_of(Role::Observe));
    send(list).await.body
}

#[tokio::test]
async fn a_token_in_an_address_is_none() {
    let server = TestServer::with(&guarded()).await;
    let token = token_of(Role::Operate);
    for query in ["token", "access_token", "bearer"] {
        let answer = server.get(&format!("/remainder?semaphore=A&{query}={token}")).await;
        assert_eq!(answer.status, 401, "{query}");
    }
    let cookie = server.request(Method::GET, "/peers/").header("cookie", format!("token={token}"));
    assert_eq!(send(cookie).await.status, 401);
}

/// What nobody has is no secret, nor is which method a route has.
#[tokio::test]
async fn unknown_paths_need_no_token() {
    let server = TestServer::with(&guarded()).await;
    assert_eq!(server.get("/nothing").await.status, 404);
    assert_eq!(server.get("/new_peer").await.status, 405);
}
