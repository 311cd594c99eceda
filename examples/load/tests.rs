//! Every scenario over WebSockets against a real server, for a moment.

use axum::{Router, routing::get};
use clap::Parser;
use throttle::{
    app::Server,
    config::Config,
    engine::{Count, Level, SemaphoreName, SemaphoreSettings},
};
use tokio::net::TcpListener;

use crate::{Fallible, cli::Cli, run};

#[path = "../baseline/echo.rs"]
mod echo;

/// Starts a server and returns its URL.
fn start_server() -> String {
    let semaphores = [("load", 1_000_000), ("mutex", 1)].map(|(name, max)| {
        let (name, max) = (SemaphoreName::new(name).unwrap(), Count::new(max).unwrap());
        SemaphoreSettings::semaphore(name, max, Level(0))
    });
    let config = Config { port: 0, semaphores: semaphores.into(), ..Config::default() };
    let server = Server::bind(&config).unwrap();
    let url = format!("http://{}", server.local_addr());
    tokio::spawn(server.run(std::future::pending()));
    url
}

/// Starts what `examples/baseline` has for WebSockets, and returns its URL.
async fn start_echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new()
        .route("/ws", get(echo::upgrade))
        .route("/version", get(async || "baseline"))
        .route("/metrics", get(async || ""));
    tokio::spawn(async { axum::serve(listener, routes).await });
    url
}

/// Runs the program with these arguments.
async fn load(url: &str, arguments: &str) -> Fallible<()> {
    let common = ["load", "--url", url, "--seconds", "0.1", "--connections", "3"];
    let cli = Cli::try_parse_from(common.into_iter().chain(arguments.split(' ')))?;
    run(cli.options, cli.scenario).await
}

#[tokio::test]
async fn pairs() {
    let server = start_server();
    load(&server, "ws pairs").await.unwrap();
    load(&server, "ws pairs --in-flight 1000").await.unwrap();
}

#[tokio::test]
async fn hand_offs() {
    let server = start_server();
    load(&server, "ws handoff --waiting 2").await.unwrap();
    load(&server, "ws handoff --waiting 1000").await.unwrap();
}

#[tokio::test]
async fn a_semaphore_with_room_for_two_is_no_mutex() {
    let error = load(&start_server(), "ws handoff --semaphore load").await.unwrap_err();
    assert!(error.to_string().contains("to two peers at once"), "{error}");
}

#[tokio::test]
async fn idle_sessions() {
    let server = start_server();
    load(&server, "ws idle --sessions 20").await.unwrap();
    #[cfg(target_os = "linux")]
    load(&server, &format!("ws idle --sessions 20 --pid {}", std::process::id())).await.unwrap();
}

#[tokio::test]
async fn comparisons() {
    let (server, echo) = (start_server(), start_echo().await);
    load(&echo, "ws idle --sessions 20").await.unwrap();
    let compare = format!("compare --baseline {echo} --rounds 1 ws");
    load(&server, &format!("{compare} pairs --in-flight 16")).await.unwrap();
    load(&server, &format!("{compare} handoff --waiting 3,30")).await.unwrap();
    let error = load(&echo, "ws handoff").await.unwrap_err();
    assert!(error.to_string().contains("no line to stand in"), "{error}");
}

#[tokio::test]
async fn what_cannot_work_is_explained() {
    let server = start_server();
    let error = load(&server, "ws pairs --semaphore nix").await.unwrap_err();
    assert!(error.to_string().contains("-c examples/load.toml"), "{error}");
    let error = load(&server, "ws handoff --waiting 4000").await.unwrap_err();
    assert!(error.to_string().contains("More --connections"), "{error}");
    let error = load("http://127.0.0.1:1", "ws pairs").await.unwrap_err();
    assert!(error.to_string().contains("no server at http://127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn dashboards() {
    let server = start_server();
    load(&server, "ws watch --watchers 2 --semaphores 5 --peers 10 --every-ms 100").await.unwrap();
}
