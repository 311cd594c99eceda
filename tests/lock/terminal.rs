//! On a terminal: the command can use it, keys reach it, and the wait is shown.

use std::process::Command;

use crate::on_terminal::OnTerminal;
use crate::process::command;
use crate::running::{HELD, Running, WAITERS, lock, metric_becomes, server};

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

/// What runs a script that Ctrl-Z is to stop. Not `sh`, where that is dash: what it starts comes by vfork, and if that is
/// stopped before it has begun, dash itself never stops, with or without a lock around it. Bash takes notice of Ctrl-C
/// only with a trap, if what it has started ends by itself just then.
const STOPPABLE: &str = "bash -c";

/// Under a shell with job control: it stops with its command, and goes on with it.
#[tokio::test]
async fn ctrl_z_stops_both_and_fg_continues_both() {
    let server = server();
    let mut bash = command_in_bash();
    bash.env("THROTTLE_SERVER", server.address.to_string());
    for reads in ["", "read line; "] {
        let mut terminal = OnTerminal::start(&bash);
        let script = format!(
            "trap exit INT; trap 'echo awa''ke' CONT; echo st''arted; {reads}echo rea''dy; while :; do sleep 0.02; done"
        );
        let line =
            format!("$T lock --expires-in 60s A -- {STOPPABLE} \"{script}\"; echo en''ded $?\n");
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
    let line = format!("$T lock --expires-in 1s A -- {STOPPABLE} \"{script}\"; echo en''ded $?\n");
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
