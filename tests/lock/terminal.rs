//! On a terminal: the command can use it, keys reach it, and the wait is shown.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::pty::openpty;

use crate::process::command;
use crate::running::{HELD, Running, WAITERS, lock, metric_becomes, server};
use crate::server::eventually;

/// A process in a session of its own, on a terminal that the test looks at.
struct OnTerminal {
    child: Child,
    keys: File,
    screen: Arc<Mutex<String>>,
    /// How much of it was waited for.
    seen: usize,
}

impl OnTerminal {
    fn start(program: &Command) -> Self {
        let pair = openpty(None, None).unwrap();
        let (master, slave) = (File::from(pair.master), File::from(pair.slave));
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session.stdin(Stdio::from(slave.try_clone().unwrap()));
        session.stdout(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave));
        let child = session.spawn().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let (shown, mut output) = (Arc::clone(&screen), master.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Self { child, keys: master, screen, seen: 0 }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Returns when the text is there, behind what was waited for before.
    async fn shows(&mut self, text: &str) {
        let find = || self.screen.lock().unwrap()[self.seen..].find(text);
        let what = format!("the terminal shows {text:?}");
        eventually(&what, || async { find().is_some() }).await;
        self.seen += find().unwrap() + text.len();
    }

    async fn exit_code(mut self) -> Option<i32> {
        let child = Mutex::new(&mut self.child);
        eventually("it ends", || async { child.lock().unwrap().try_wait().unwrap().is_some() })
            .await;
        self.child.wait().unwrap().code()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the terminal shows:\n{}", self.screen.lock().unwrap());
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_command_can_read_from_the_terminal() {
    let server = server();
    let script =
        "read one; echo \"<$one>\"; stty -echo; read two; stty echo; echo \"<$two>\"; exit 5";
    let mut terminal = OnTerminal::start(&lock(server.address, &["A", "--", "sh", "-c", script]));
    terminal.press("hello\n");
    terminal.shows("<hello>").await;
    terminal.press("again\n");
    terminal.shows("<again>").await;
    assert_eq!(terminal.exit_code().await, Some(5));
}

#[tokio::test]
async fn ctrl_c_reaches_the_command_whether_it_has_the_terminal_or_not() {
    let server = server();
    for reads in ["", "read line; "] {
        let script =
            format!("trap 'exit 9' INT; echo on; {reads}echo ready; while :; do sleep 0.02; done");
        let mut terminal =
            OnTerminal::start(&lock(server.address, &["A", "--", "sh", "-c", &script]));
        terminal.shows("on").await;
        terminal.press("\n");
        terminal.shows("ready").await;
        terminal.press("\x03");
        assert_eq!(terminal.exit_code().await, Some(9), "{reads:?}");
    }
}

/// Under a shell with job control: it stops with its command, and goes on with it.
#[tokio::test]
async fn ctrl_z_stops_both_and_fg_continues_both() {
    let server = server();
    let mut bash = command_in_bash();
    bash.env("THROTTLE_SERVER", server.address.to_string());
    for reads in ["", "read line; "] {
        let mut terminal = OnTerminal::start(&bash);
        let script = format!(
            "trap 'echo awa''ke' CONT; echo st''arted; {reads}echo rea''dy; while :; do sleep 0.02; done"
        );
        let line = format!("$T lock --expires-in 60s A -- sh -c \"{script}\"; echo en''ded $?\n");
        terminal.press(&line);
        terminal.shows("started").await;
        terminal.press("\n");
        terminal.shows("ready").await;
        terminal.press("\x1a");
        terminal.shows("Stopped").await;
        metric_becomes(&server, HELD, "1").await;
        terminal.press("fg\n");
        terminal.shows("awake").await;
        terminal.press("\x03");
        metric_becomes(&server, HELD, "0").await;
        terminal.press("exit\n");
    }
}

/// What was stopped for longer than its lease lives does not go on beside whoever has the lock then.
#[tokio::test]
async fn what_was_stopped_for_too_long_does_not_go_on() {
    let server = server();
    let mut bash = command_in_bash();
    bash.env("THROTTLE_SERVER", server.address.to_string());
    let mut terminal = OnTerminal::start(&bash);
    let script = "trap 'echo awa''ke' CONT; echo rea''dy; while :; do sleep 0.02; done";
    let line = format!("$T lock --expires-in 1s A -- sh -c \"{script}\"; echo en''ded $?\n");
    terminal.press(&line);
    terminal.shows("ready").await;
    terminal.press("\x1a");
    terminal.shows("Stopped").await;
    metric_becomes(&server, HELD, "0").await;
    terminal.press("fg; echo af''ter $?\n");
    terminal.shows("after 125").await;
    assert!(!terminal.screen.lock().unwrap().contains("awake"));
}

fn command_in_bash() -> Command {
    let program = command();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]);
    bash.env("T", program.get_program()).env("PS1", "$ ");
    bash
}

#[tokio::test]
async fn a_wait_is_shown_and_wiped_away() {
    let server = server();
    let holder = Running::start(&mut lock(
        server.address,
        &["--label", "the holder", "A", "--", "sleep", "60"],
    ));
    metric_becomes(&server, HELD, "1").await;
    let mut terminal = OnTerminal::start(&lock(server.address, &["A", "--", "echo", "mine"]));
    metric_becomes(&server, WAITERS, "1").await;
    terminal.shows("waiting for A: place 1 in line, held by the holder, for 1s").await;
    holder.signal("TERM");
    terminal.shows("\r\x1b[Kmine").await;
    assert_eq!(terminal.exit_code().await, Some(0));
}
