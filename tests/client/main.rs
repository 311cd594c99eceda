//! The Rust client against a real server in this process, over a network that can be cut, frozen and slowed down. What
//! comes first is shown by the order of events; nobody sleeps for something to happen.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod proxy;
#[path = "../it/server.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod server;

mod access;
mod buckets;
mod cancelling;
mod connecting;
mod leases;
mod losing;
mod many;
mod purity;
mod reconnecting;

use std::net::SocketAddr;
use std::time::Duration;

use throttle::client::{Builder, Client};

/// Lives long enough for whatever a slow machine does in between.
const LONG: Duration = Duration::from_secs(60);

/// A client with peers that live long, and reconnect fast.
fn builder(address: SocketAddr) -> Builder {
    let backoff = Duration::from_millis(20);
    Client::builder(&format!("ws://{address}")).expires_in(LONG).backoff(backoff, backoff)
}

async fn connect(address: SocketAddr) -> Client {
    builder(address).connect().await.unwrap()
}
