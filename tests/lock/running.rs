//! A `throttle lock` that runs, and the questions that tests have about the server.

use std::fs::read_to_string;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use reqwest::Client;
use tempfile::NamedTempFile;

use crate::process::{Process, command};
use crate::server::{eventually, send};

/// That of a server that notices silence after two seconds.
pub(crate) const CONFIGURATION: &str =
    "[semaphores]\nA = 1\ndatabase = 10\n\n[sessions]\nheartbeat = \"1s\"\n";

pub(crate) fn server() -> Process {
    Process::start(CONFIGURATION)
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

/// A process that is killed with the test. What it prints goes to files: whoever it leaves behind may keep those open,
/// and nobody waits for that.
pub(crate) struct Running {
    child: Child,
    printed: NamedTempFile,
    said: NamedTempFile,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (printed, said) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        command.stdin(Stdio::null());
        command.stdout(printed.reopen().unwrap()).stderr(said.reopen().unwrap());
        Self { child: command.spawn().unwrap(), printed, said }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// What it has written to its standard error stream by now.
    pub(crate) fn said(&self) -> String {
        read_to_string(self.said.path()).unwrap()
    }

    /// Waits for its end, and returns what it has left.
    pub(crate) async fn ended(mut self) -> Ended {
        let child = Mutex::new(&mut self.child);
        let is_over = || async { child.lock().unwrap().try_wait().unwrap().is_some() };
        eventually("the process ends", is_over).await;
        Ended {
            code: self.child.wait().unwrap().code(),
            printed: read_to_string(self.printed.path()).unwrap(),
            said: self.said(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
    pub(crate) said: String,
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
