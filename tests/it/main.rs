//! The server as its clients see it: over the network, in this process on a free port, or as a process of its own.
//! No test asserts that something took a certain time, and none sleeps for something to happen: they ask again
//! until it has, and give up at a deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod server;
mod shaping;
mod wire;

mod access;
mod acquire;
mod buckets;
mod hostile;
mod limits;
mod metrics;
mod operate;
mod operations;
mod origin;
mod peers;
mod problems;
mod reload;
mod restore;
mod shutdown;
mod tls;
mod waiting;
mod ws;

#[cfg(unix)]
mod audit;
#[cfg(unix)]
mod dashboard;
mod documents;
#[cfg(unix)]
mod health;
#[cfg(unix)]
mod notify;
#[cfg(unix)]
#[allow(dead_code, reason = "shared with other tests")]
mod process;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod secrets;
