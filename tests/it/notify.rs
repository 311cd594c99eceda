//! What a service manager is told, on a socket as systemd has one.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use throttle::app::notify;

use crate::process::{Process, command};
use crate::server::DEADLINE;

/// Listens as a service manager does.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _directory: TempDir,
}

impl Manager {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, path, _directory: directory }
    }

    /// The next message, as lines.
    fn told(&self) -> Vec<String> {
        let mut message = [0; 1024];
        let length = self.socket.recv(&mut message).expect("nothing is told");
        String::from_utf8_lossy(&message[..length]).lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn the_manager_is_told_when_it_listens_and_when_it_ends() {
    let manager = Manager::new();
    let mut program = command();
    program.env("NOTIFY_SOCKET", &manager.path);
    let mut process = Process::start_with(program, 0, "");
    let listens = format!("STATUS=listens on http://{}", process.address);
    assert_eq!(manager.told(), ["READY=1", &listens]);
    process.signal("TERM");
    assert_eq!(manager.told(), ["STOPPING=1", "STATUS=shutting down after SIGTERM"]);
    assert_eq!(process.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_watchdog_gets_signs_of_life() {
    let manager = Manager::new();
    let mut program = command();
    program.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "20000");
    let _process = Process::start_with(program, 0, "");
    let mut signs = 0;
    while signs < 3 {
        match manager.told().first().map(String::as_str) {
            Some("WATCHDOG=1") => signs += 1,
            first => assert_eq!(first, Some("READY=1")),
        }
    }
}

#[tokio::test]
async fn a_manager_that_is_not_there_does_no_harm() {
    let mut program = command();
    program.env("NOTIFY_SOCKET", "/nowhere/to/be/found");
    let mut process = Process::start_with(program, 0, "");
    process.signal("TERM");
    assert_eq!(process.exit_code().await, Some(0));
    let log = process.log();
    assert_eq!(
        log.matches("cannot tell the service manager how the server is").count(),
        2,
        "{log}"
    );
}

/// The environment belongs to the whole process. So this test runs again in one of its own, and tells from there.
#[test]
fn a_reload_is_told_with_its_time() {
    const INSIDE: &str = "TEST_OF_RELOADING";
    if std::env::var_os(INSIDE).is_some() {
        notify::reloading();
        return;
    }
    let manager = Manager::new();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "notify::a_reload_is_told_with_its_time"]).stdout(Stdio::null());
    let ended = again.env(INSIDE, "1").env("NOTIFY_SOCKET", &manager.path).status().unwrap();
    assert!(ended.success());
    let [reloading, time] = &manager.told()[..] else { panic!("it is told otherwise") };
    assert_eq!(reloading, "RELOADING=1");
    let time = time.strip_prefix("MONOTONIC_USEC=").unwrap();
    assert!(time.parse::<u64>().unwrap() > 0);
}
