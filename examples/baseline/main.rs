//! The ceiling for both interfaces. For REST: axum with the same routes, extractors and shapes of answers, and nothing
//! behind them. For sessions: WebSockets whose frames come back as they are. What `examples/load` reaches here is what
//! HTTP and WebSockets alone cost.
//!
//! It must not keep any state. Every acquire is granted at once, so it is no semaphore server.
//!
//!     cargo run --release --example baseline -- --port 8001

mod echo;

use std::{
    collections::BTreeMap,
    error::Error,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    response::Html,
    routing::{delete, get, post, put},
    serve::ListenerExt,
};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// Where the server listens.
#[derive(Parser)]
#[command(
    about = "An axum server with throttle's REST routes and no logic, and with an echo at /ws"
)]
struct Cli {
    /// Port on 127.0.0.1; 0 lets the system choose one.
    #[arg(long, default_value_t = 8001)]
    port: u16,
    /// Threads that serve requests; one for each processor when absent.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    // As the server does. Where that fails, there are fewer connections.
    #[cfg(unix)]
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let mut builder = match cli.threads {
        // As the server does.
        Some(1) => tokio::runtime::Builder::new_current_thread(),
        Some(_) | None => tokio::runtime::Builder::new_multi_thread(),
    };
    if let Some(threads) = cli.threads {
        builder.worker_threads(threads.max(1));
    }
    builder.enable_all().build()?.block_on(serve(cli.port))
}

async fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    println!("Baseline without logic listens on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, routes()).with_graceful_shutdown(end_requested()).await?;
    Ok(())
}

fn routes() -> Router {
    Router::new()
        .route("/", get(async || "Hello from Throttle!"))
        .route("/ws", get(echo::upgrade))
        .route("/health", get(async || "Ok"))
        .route("/version", get(async || "baseline"))
        .route("/metrics", get(async || "# TYPE throttle_num_404 counter\nthrottle_num_404 0\n"))
        .route("/new_peer", post(new_peer))
        .route("/peers/", get(async || Json([Peer { id: PEER }])))
        .route("/peers/{id}", put(heartbeat))
        .route("/peers/{id}", delete(remove_peer))
        .route("/peers/{id}/is_acquired", get(is_acquired))
        .route("/peers/{id}/{semaphore}", put(acquire))
        .route("/peers/{id}/{semaphore}", delete(release))
        .route("/remainder", get(remainder))
        .route("/restore", post(restore))
        .route("/remove_expired", post(async || Json(0)))
        .fallback(async || (StatusCode::NOT_FOUND, Html("<h1>Not found</h1>")))
}

/// The id that every new peer gets, as long as random ones below 2^53 are.
const PEER: u64 = 4_503_599_627_370_497;

#[derive(Serialize)]
struct Peer {
    id: u64,
}

#[derive(Deserialize)]
struct Expiry {
    #[serde(rename = "expires_in")]
    _expires_in: String,
}

async fn new_peer(Json(_): Json<Expiry>) -> Json<u64> {
    Json(PEER)
}

async fn heartbeat(Path(_): Path<u64>, Json(_): Json<Expiry>) -> &'static str {
    "Ok"
}

async fn remove_peer(Path(_): Path<u64>) -> Json<&'static str> {
    Json("Peer released")
}

async fn is_acquired(Path(_): Path<u64>) -> Json<bool> {
    Json(true)
}

#[derive(Deserialize)]
struct Patience {
    #[serde(rename = "block_for")]
    _block_for: Option<String>,
    #[serde(rename = "expires_in")]
    _expires_in: Option<String>,
}

async fn acquire(
    Path((id, _)): Path<(u64, String)>,
    Query(_): Query<Patience>,
    Json(_): Json<i64>,
) -> ([(&'static str, &'static str); 1], Json<u64>) {
    ([("throttle-fence", "1767225600000000")], Json(id))
}

async fn release(Path(_): Path<(u64, String)>) -> &'static str {
    "Ok"
}

#[derive(Deserialize)]
struct Which {
    #[serde(rename = "semaphore")]
    _semaphore: String,
}

async fn remainder(Query(_): Query<Which>) -> Json<i64> {
    Json(1)
}

#[derive(Deserialize)]
struct Memory {
    #[serde(rename = "expires_in")]
    _expires_in: String,
    #[serde(rename = "peer_id")]
    _peer_id: u64,
    #[serde(rename = "acquired")]
    _acquired: BTreeMap<String, i64>,
}

async fn restore(Json(_): Json<Memory>) -> &'static str {
    "Ok"
}

/// Ends with Ctrl+C, and with SIGTERM where there are signals. Without handlers it serves on.
async fn end_requested() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
