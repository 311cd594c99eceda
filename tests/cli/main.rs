//! `throttle status`, `semaphore`, `peer` and `reload`: real processes against a real server process, on pipes and on
//! terminals, and against servers that answer oddly.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../lock/on_terminal.rs"]
mod on_terminal;
#[path = "../it/process.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod process;
#[path = "../lock/running.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod running;
#[path = "../it/server.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod server;

mod acting;
mod asking;
mod canned;
mod looking;
mod odd;
mod taking;
mod watching;

use std::net::SocketAddr;
use std::process::Command;

use crate::process::{Process, command};
use crate::running::{Ended, Running};

/// The program with these arguments, for a server.
fn throttle(server: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(arguments).args(["--server", &format!("http://{server}")]);
    command.env_remove("NO_COLOR").env("TERM", "xterm");
    command
}

/// Runs it to its end, without a terminal.
async fn run(server: &Process, arguments: &[&str]) -> Ended {
    Running::start(&mut throttle(server.address, arguments)).ended().await
}

/// Runs it, and returns what it has printed when it has done what it should.
async fn done(server: &Process, arguments: &[&str]) -> String {
    let ended = run(server, arguments).await;
    assert_eq!((ended.code, ended.said.as_str()), (Some(0), ""), "{arguments:?} {ended:?}");
    ended.printed
}
