//! `--watch`: it goes on until it is interrupted, whatever becomes of the server.

use std::fs::File;
use std::io::{BufRead, BufReader, pipe};
use std::process::Stdio;
use std::sync::{Mutex, mpsc};

use serde_json::Value;

use crate::on_terminal::OnTerminal;
use crate::process::Process;
use crate::running::{HELD, Running, lock, metric_becomes};
use crate::server::{DEADLINE, eventually};
use crate::throttle;

const CONFIGURATION: &str = "[semaphores]\nA = 1\n";

/// The lines of a stream, as they come.
fn lines(stream: impl Into<File>) -> mpsc::Receiver<String> {
    let (heard, lines) = mpsc::channel();
    let stream = BufReader::new(stream.into());
    std::thread::spawn(move || {
        stream.lines().map_while(Result::ok).try_for_each(|line| heard.send(line))
    });
    lines
}

/// A `throttle` whose streams are pipes.
struct Piped {
    child: std::process::Child,
    printed: mpsc::Receiver<String>,
    said: mpsc::Receiver<String>,
}

impl Piped {
    fn start(mut command: std::process::Command) -> Self {
        let [(out, print), (err, say)] = [pipe().unwrap(), pipe().unwrap()];
        let child = command.stdin(Stdio::null()).stdout(print).stderr(say).spawn().unwrap();
        // The command keeps the other ends open for as long as it lives here.
        drop(command);
        let [out, err] = [out, err].map(std::os::fd::OwnedFd::from);
        Self { child, printed: lines(out), said: lines(err) }
    }

    fn prints(&self) -> String {
        self.printed.recv_timeout(DEADLINE).expect("nothing is printed")
    }

    fn says(&self) -> String {
        self.said.recv_timeout(DEADLINE).expect("nothing is said")
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        let status = std::process::Command::new("kill").args(["-s", "INT", &id]).status();
        assert!(status.unwrap().success());
    }

    async fn exit_code(mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        eventually("it ends", || async { child.lock().unwrap().try_wait().unwrap().is_some() })
            .await;
        self.child.wait().unwrap().code()
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn on_a_pipe_it_appends_and_outlives_the_server() {
    let mut server = Process::start(CONFIGURATION);
    let watching = Piped::start(throttle(server.address, &["status", "--watch", "--json"]));
    let parse = |line: String| serde_json::from_str::<Value>(&line).unwrap();
    let first = parse(watching.prints());
    assert_eq!(first["semaphores"][0]["max"], 1);
    assert_eq!(parse(watching.prints())["server"]["epoch"], first["server"]["epoch"]);
    server.signal("TERM");
    assert_eq!(server.exit_code().await, Some(0));
    let said = watching.says();
    assert!(said.starts_with("throttle status: cannot reach http://127.0.0.1:"), "{said}");
    assert!(said.ends_with("; trying again"), "{said}");
    let server = Process::start_at(server.address, "[semaphores]\nA = 2\n");
    assert_eq!(watching.says(), "throttle status: it is back");
    let again = loop {
        let again = parse(watching.prints());
        if again["server"]["epoch"] != first["server"]["epoch"] {
            break again;
        }
    };
    assert_eq!(again["semaphores"][0]["max"], 2);
    watching.interrupt();
    assert_eq!(watching.exit_code().await, Some(0));
    drop(server);
}

#[tokio::test]
async fn text_on_a_pipe_has_a_gap_after_each_look() {
    let server = Process::start(CONFIGURATION);
    let watching = Piped::start(throttle(server.address, &["status", "A", "--watch"]));
    for _ in 0..2 {
        assert!(watching.prints().starts_with("A: 0/1 "));
        assert_eq!(watching.prints(), "");
    }
    watching.interrupt();
    assert_eq!(watching.exit_code().await, Some(0));
}

/// It also waits for a server that is not there yet, and for a name that was there.
#[tokio::test]
async fn it_waits_for_what_is_away() {
    let address = Process::start("").address;
    let watching = Piped::start(throttle(address, &["status", "A", "--watch"]));
    assert!(watching.says().contains("cannot reach"));
    let server = Process::start_at(address, CONFIGURATION);
    assert_eq!(watching.says(), "throttle status: it is back");
    assert!(watching.prints().starts_with("A: "));
    crate::done(&server, &["semaphore", "delete", "A", "--yes"]).await;
    let said = watching.says();
    assert!(said.contains("\"A\"") && said.ends_with("; trying again"), "{said}");
    crate::done(&server, &["semaphore", "create", "A=3"]).await;
    assert_eq!(watching.says(), "throttle status: it is back");
}

#[tokio::test]
async fn what_was_never_there_is_not_waited_for() {
    let server = Process::start(CONFIGURATION);
    let ended = crate::run(&server, &["status", "nope", "--watch"]).await;
    assert_eq!((ended.code, ended.said.lines().count()), (Some(1), 1), "{ended:?}");
}

#[tokio::test]
async fn whoever_reads_no_more_ends_it() {
    let server = Process::start(CONFIGURATION);
    let mut watching = Piped::start(throttle(server.address, &["status", "--watch"]));
    watching.prints();
    // Its reader ends at the next line.
    watching.printed = mpsc::channel().1;
    assert_eq!(watching.exit_code().await, Some(0));
}

#[tokio::test]
async fn on_a_terminal_it_is_shown_in_place() {
    let mut server = Process::start(CONFIGURATION);
    let mut terminal = OnTerminal::start(&throttle(server.address, &["status", "--watch"]));
    terminal.shows("0/1").await;
    let holder = Running::start(&mut lock(server.address, &["A", "--", "sleep", "60"]));
    metric_becomes(&server, HELD, "1").await;
    // Up over the heading and the lines before it.
    terminal.shows("\r\x1b[4A").await;
    terminal.shows("1/1").await;
    server.signal("TERM");
    assert_eq!(server.exit_code().await, Some(0));
    terminal.shows("cannot reach").await;
    terminal.shows("; trying again").await;
    let server = Process::start_at(server.address, "[semaphores]\nA = 5\n");
    terminal.shows("/5").await;
    terminal.press("\x03");
    terminal.shows("\x1b[?7h\x1b[0m").await;
    assert_eq!(terminal.exit_code().await, Some(0));
    drop((server, holder));
}
