//! The published Rust client, unchanged, against the real program: whoever has it may change the server and keep
//! the client. `tests/python` does the same for the Python client.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod expiry;
mod locks;
mod names;
mod refusals;
mod restart;
mod server;
mod waiting;

use std::time::Duration;

use throttle_client::{Client, Error};
use tokio::time::{Instant, sleep};

/// Long enough not to expire within a test.
const MINUTE: Duration = Duration::from_secs(60);

/// Whatever has not happened by then is not going to.
const DEADLINE: Duration = Duration::from_secs(20);

/// What happens at once happens within this time, on a busy machine too.
const AT_ONCE: Duration = Duration::from_millis(1500);

async fn new_peer(client: &Client) -> u64 {
    client.new_peer(MINUTE).await.unwrap()
}

/// Acquires without waiting; whether the lock is held.
async fn acquire(client: &Client, peer: u64, semaphore: &str, count: u32) -> bool {
    client.acquire(peer, semaphore, count, None, None).await.unwrap()
}

async fn remainder(client: &Client, semaphore: &str) -> i64 {
    client.remainder(semaphore).await.unwrap()
}

async fn is_acquired(client: &Client, peer: u64) -> bool {
    client.is_acquired(peer).await.unwrap()
}

/// The server's own words in a refusal.
#[track_caller]
fn refusal<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(Error::DomainError(text)) => text,
        Err(error @ (Error::UnexpectedResponse | Error::Reqwest(_))) => panic!("{error}"),
    }
}

/// Waits for what is about to happen.
async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
