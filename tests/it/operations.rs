//! Greeting, health, version, and what is not there.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use reqwest::Method;
use throttle::dashboard::Dashboard;
use throttle::engine::{Engine, Fence, Limits, Settings, Span, Time};
use throttle::feed::{self, Feed, Journal};
use throttle::metrics::Metrics;
use throttle::rest::{Parts, Rest, router};
use throttle::runtime::{self, Clock};
use throttle::shutdown::switch;
use throttle::store::Memory;
use tower::ServiceExt;

use crate::server::{HTML, TestServer, json, send, text};

#[tokio::test]
async fn programs_are_greeted() {
    let server = TestServer::start(&[]).await;
    assert_eq!(server.get("/").await, text(200, "Hello from Throttle!"));
    assert_eq!(server.get("/health").await, text(200, "Ok"));
    assert_eq!(server.get("/version").await, text(200, env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn what_is_not_there_is_a_page_and_gets_are_counted() {
    let server = TestServer::start(&[]).await;
    assert_eq!(server.metric("throttle_num_404").await, Some(0.0));
    for path in ["/nothing", "/peers", "/peers/1/A/B", "/%FF"] {
        let page = server.get(path).await;
        assert_eq!((page.status, page.content_type.as_str()), (404, HTML), "{path}");
        assert!(page.body.starts_with("<!DOCTYPE html>"), "{path}");
    }
    assert_eq!(server.post("/nothing", "1").await.status, 404);
    assert_eq!(server.metric("throttle_num_404").await, Some(4.0));
}

#[tokio::test]
async fn a_known_path_with_another_method_is_refused() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    assert_eq!(server.get("/new_peer").await, text(405, "Method not allowed"));
    assert_eq!(server.get("/peers/1/A").await, text(405, "Method not allowed"));
    assert_eq!(server.metric("throttle_num_404").await, Some(0.0));
}

#[tokio::test]
async fn remainder_is_what_is_left() {
    let server = TestServer::start(&[("A", 5, 0), ("/&", 2, 0)]).await;
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "A", 2).await, 200);
    assert_eq!(server.get("/remainder?semaphore=A").await, json(200, 3));
    assert_eq!(server.get("/remainder?semaphore=%2F%26").await, json(200, 2));
    assert_eq!(server.get("/remainder?semaphore=B").await, text(400, "Unknown semaphore"));
    assert_eq!(server.get("/remainder?semaphore=").await, text(400, "Unknown semaphore"));
    assert_eq!(server.get("/remainder").await.status, 400);
    assert_eq!(server.get("/remainder?semaphore=A&semaphore=A").await.status, 400);
    assert_eq!(server.get("/remainder?semaphore=A&more=1").await.status, 400);
}

#[tokio::test]
async fn old_clients_may_ask_for_a_sweep() {
    let server = TestServer::start(&[]).await;
    assert_eq!(send(server.request(Method::POST, "/remove_expired")).await, json(200, 0));
    assert_eq!(server.post("/remove_expired", "null").await, json(200, 0));
}

#[tokio::test]
async fn mutations_from_pages_of_others_are_refused() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    let own = format!("http://{}", server.address);
    let open = |origin: &str| {
        let request = server.request(Method::POST, "/new_peer").header("origin", origin);
        send(crate::server::with_json(request, r#"{"expires_in":"5m"}"#))
    };
    let foreign = text(403, "Requests from pages of another origin are not allowed.");
    assert_eq!(open("http://evil.example").await, foreign);
    assert_eq!(open("null").await, foreign);
    assert_eq!(open(&own).await.status, 200);
    let sweep = server.request(Method::POST, "/remove_expired").header("origin", "null");
    assert_eq!(send(sweep).await, foreign);
    let delete = server.request(Method::DELETE, "/peers/1").header("origin", "http://evil.example");
    assert_eq!(send(delete).await, foreign);
    let look = server.request(Method::GET, "/peers/").header("origin", "http://evil.example");
    assert_eq!(send(look).await.status, 200, "looking changes nothing");
}

#[tokio::test]
async fn without_an_engine_nothing_is_healthy() {
    let (metrics, counting) = Metrics::new(&[]).unwrap();
    let metrics = Arc::new(metrics);
    let clock = Clock::start();
    let settings = Settings {
        semaphores: Vec::new(),
        limits: Limits::default(),
        last_fence: Fence(0),
        grants_from: Time::default(),
    };
    let (engine, driver) = runtime::start(Engine::new(settings), clock, Memory, counting);
    drop(driver);
    let (_switch, shutdown) = switch();
    let feed = Feed::new(feed::Parts {
        engine: engine.clone(),
        clock,
        journal: Journal::new(clock),
        configured: feed::Configured::default(),
        epoch: String::new(),
        ready_from: Time::default(),
        sessions: Box::new(|| 0),
    });
    let rest = Rest::new(Parts {
        engine,
        gate: Arc::default(),
        clock,
        metrics,
        feed,
        dashboard: Dashboard::default(),
        shutdown,
        max_expires_in: Limits::default().max_expires_in,
        expiry_grace: Span::ZERO,
        ready_from: Time::default(),
        max_body_bytes: 1024,
        body_read_timeout: Duration::from_secs(5),
    });
    for path in ["/health", "/peers/", "/metrics", "/remainder?semaphore=A"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(rest.clone()).router.oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 503, "{path}");
        let body = to_bytes(response.into_body(), 1024).await.unwrap();
        assert_eq!(body, "The lease engine is not running.", "{path}");
    }
}
