//! A `throttle lock` that runs, and the questions that tests have about the server.

use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;

use reqwest::Client;

use crate::process::{Process, command};
use crate::server::{eventually, send};

/// A server that notices silence after two seconds.
pub(crate) fn server() -> Process {
    Process::start("[semaphores]\nA = 1\ndatabase = 10\n\n[sessions]\nheartbeat = \"1s\"\n")
}

/// `throttle lock`, with what is written between that and the command to run.
pub(crate) fn lock(server: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(["lock", "--server", &format!("ws://{server}")]).args(arguments);
    command
}

/// The arguments of a shell command under a lock of A.
pub(crate) fn with_a(script: &str) -> Vec<&str> {
    vec!["A", "--", "sh", "-c", script]
}

/// A process that is killed with the test.
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits for its end, and returns what it has left.
    pub(crate) async fn ended(mut self) -> Ended {
        let child = Mutex::new(&mut self);
        eventually("the process ends", || async { child.lock().unwrap().is_over() }).await;
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a process has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
    pub(crate) said: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            printed: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The value of a series.
pub(crate) async fn metric(server: &Process, series: &str) -> Option<String> {
    let metrics = send(Client::new().get(format!("http://{}/metrics", server.address))).await;
    let line = metrics.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(str::to_owned)
}

pub(crate) async fn metric_becomes(server: &Process, series: &str, value: &str) {
    eventually(series, || async { metric(server, series).await.as_deref() == Some(value) }).await;
}

pub(crate) const HELD: &str = "throttle_acquired{semaphore=\"A\"}";
pub(crate) const WAITERS: &str = "throttle_waiters{semaphore=\"A\"}";
