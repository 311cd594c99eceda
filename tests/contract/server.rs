//! The real program as a process that a test can kill and bring back.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;
use throttle_client::Client;

use crate::DEADLINE;

/// A server with its configuration, on a free port. It ends with the test.
pub(crate) struct Server {
    configuration: NamedTempFile,
    address: SocketAddr,
    child: Child,
}

impl Server {
    /// With semaphores given as lines of TOML.
    pub(crate) fn start(semaphores: &str) -> Self {
        Self::configured(&format!("[semaphores]\n{semaphores}\n"))
    }

    /// With a whole configuration file.
    pub(crate) fn configured(text: &str) -> Self {
        let mut configuration = NamedTempFile::new().unwrap();
        configuration.write_all(text.as_bytes()).unwrap();
        let (child, address) = launch(&configuration, 0).unwrap();
        Self { configuration, address, child }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(format!("http://{}", self.address())).unwrap()
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Brings it back to its port. What it knew is lost.
    pub(crate) fn start_again(&mut self) {
        let start = Instant::now();
        (self.child, self.address) = loop {
            match launch(&self.configuration, self.address.port()) {
                Ok(started) => break started,
                // Another test's server may have been given the port meanwhile.
                Err(log) => assert!(start.elapsed() < DEADLINE, "it does not come back:\n{log}"),
            }
            thread::sleep(Duration::from_millis(100));
        };
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a process; its log, when it ends before it listens.
fn launch(configuration: &NamedTempFile, port: u16) -> Result<(Child, SocketAddr), String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throttle"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("THROTTLE_") {
            command.env_remove(name);
        }
    }
    command.args(["--address", "127.0.0.1", "--port", &port.to_string(), "-c"]);
    command.arg(configuration.path()).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let (found, address) = mpsc::channel();
    thread::spawn(move || follow(stderr, &found));
    match address.recv_timeout(DEADLINE) {
        Ok(Ok(address)) => Ok((child, address)),
        failed => {
            child.kill().unwrap();
            child.wait().unwrap();
            Err(failed.ok().and_then(Result::err).unwrap_or_else(|| "it says nothing".to_owned()))
        }
    }
}

/// Tells the address as soon as the log has it, and reads on, so that the log never blocks its writer.
fn follow(stderr: ChildStderr, found: &mpsc::Sender<Result<SocketAddr, String>>) {
    let mut log = String::new();
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("listens on http://") {
            let address = address.split_whitespace().next().unwrap();
            let _ = found.send(Ok(address.parse().unwrap()));
        }
        log.push_str(&line);
        log.push('\n');
    }
    let _ = found.send(Err(log));
}
