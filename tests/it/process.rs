//! The server as a process of its own, for what only a process has: signals, exit codes, a log.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use tempfile::NamedTempFile;

use crate::server::{DEADLINE, eventually};

/// A server process. It is killed with the test.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
    follower: Option<JoinHandle<()>>,
    configuration: NamedTempFile,
}

impl Process {
    /// Starts one, with a configuration file of its own, on a free port.
    pub(crate) fn start(configuration: &str) -> Self {
        Self::start_with(command(), 0, configuration)
    }

    /// Starts one where another one was before.
    pub(crate) fn start_at(address: SocketAddr, configuration: &str) -> Self {
        Self::start_with(command(), address.port(), configuration)
    }

    /// Starts one that may have so many files open at once.
    pub(crate) fn start_with_files(files: usize, configuration: &str) -> Self {
        let program = command();
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script]).arg(program.get_program());
        for (name, _) in program.get_envs() {
            shell.env_remove(name);
        }
        Self::start_with(shell, 0, configuration)
    }

    /// Starts one with a command that runs the program, such as that of [`command`].
    pub(crate) fn start_with(mut command: Command, port: u16, configuration: &str) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(configuration.as_bytes()).unwrap();
        command.args(["--port", &port.to_string(), "-c"]).arg(file.path());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let stderr = child.stderr.take().unwrap();
        let written = Arc::clone(&log);
        let follower = Some(std::thread::spawn(move || follow(stderr, &written, &found)));
        let address = address.recv_timeout(DEADLINE).expect("the server does not say its address");
        Self { address, child, log, follower, configuration: file }
    }

    /// What it has written to its log by now.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// From now on nobody reads its log, until what is returned is dropped.
    pub(crate) fn stop_reading(&self) -> mpsc::Sender<()> {
        let log = Arc::clone(&self.log);
        let (stopped, is_stopped) = mpsc::channel();
        let (end, is_over) = mpsc::channel();
        std::thread::spawn(move || {
            let _log = log.lock().unwrap();
            stopped.send(()).unwrap();
            let _ = is_over.recv();
        });
        is_stopped.recv().unwrap();
        end
    }

    /// Changes its configuration file, which it does not notice by itself.
    pub(crate) fn configure(&self, configuration: &str) {
        std::fs::write(self.configuration.path(), configuration).unwrap();
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end, and for the end of its log.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        eventually("the process ends", || async {
            child.lock().unwrap().try_wait().unwrap().is_some()
        })
        .await;
        // Only then is all in the log that it has written.
        if let Some(follower) = self.follower.take() {
            follower.join().unwrap();
        }
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, in an environment that says nothing to it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throttle"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("THROTTLE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Keeps what comes, and tells the address when it is there.
fn follow(stderr: ChildStderr, log: &Mutex<String>, found: &mpsc::Sender<SocketAddr>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { return };
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
        drop(log);
        // The address is not the last line of the start: the log has all of them when this one is there.
        if let Some((_, url)) = line.split_once("try it: curl ") {
            let address = url.split('/').nth(2).unwrap();
            let _ = found.send(address.parse().unwrap());
        }
    }
}
