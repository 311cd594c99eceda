//! Signals end a wait, and are passed on to a command.

use std::fs;
use std::process::Command;

use crate::process::command;
use crate::running::{HELD, Running, WAITERS, lock, metric_becomes, server, with_a};
use crate::server::eventually;

#[tokio::test]
async fn a_command_gets_the_signals() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    for signal in ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"] {
        let ready = folder.path().join(signal);
        let script = format!(
            "trap 'exit 7' {signal}; : > {}; while :; do sleep 0.02; done",
            ready.display()
        );
        let running = Running::start(&mut lock(server.address, &with_a(&script)));
        eventually("it runs", || async { ready.exists() }).await;
        running.signal(signal);
        let ended = running.ended().await;
        assert_eq!(ended.code, Some(7), "{signal} {ended:?}");
        metric_becomes(&server, HELD, "0").await;
    }
}

#[tokio::test]
async fn whoever_is_interrupted_while_it_waits_leaves_the_line() {
    let server = server();
    let holder = Running::start(&mut lock(server.address, &["A", "--", "sleep", "60"]));
    metric_becomes(&server, HELD, "1").await;
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let waiter = Running::start(&mut lock(server.address, &with_a("echo ran")));
        metric_becomes(&server, WAITERS, "1").await;
        waiter.signal(signal);
        let ended = waiter.ended().await;
        assert_eq!((ended.code, ended.printed.as_str()), (Some(code), ""), "{ended:?}");
        metric_becomes(&server, WAITERS, "0").await;
        metric_becomes(&server, "throttle_peers", "1").await;
    }
    drop(holder);
}

/// As `nohup` has it.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn what_is_ignored_stays_ignored() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    let inner = format!(
        "grep SigIgn /proc/$$/status; : > {}; read line < /dev/null; sleep 0.2",
        ready.display()
    );
    let program = command();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(program.get_program());
    shell.args(["lock", "--server", &server.address.to_string(), "A", "--", "sh", "-c", &inner]);
    let running = Running::start(&mut shell);
    eventually("it runs", || async { ready.exists() }).await;
    running.signal("HUP");
    let ended = running.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ignored = ended.printed.trim().rsplit_once('\t').unwrap().1;
    assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & 1, 1, "{ended:?}");
    assert!(fs::exists(&ready).unwrap());
}
