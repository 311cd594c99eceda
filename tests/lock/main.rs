//! `throttle lock`: real processes against a real server process. A command that has lost its lease is dead before the
//! next one runs: that one looks, and says what it sees.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../it/process.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod process;
#[path = "../client/proxy.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod proxy;
#[path = "../it/server.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod server;

mod access;
mod codes;
mod losing;
mod on_terminal;
mod running;
mod signals;
mod terminal;
