//! A lease that cannot be kept: the command is dead before the next one runs, whatever it is that has failed.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use reqwest::Client;
use tempfile::TempDir;

use crate::process::Process;
use crate::proxy::Proxy;
use crate::running::{Ended, HELD, Running, WAITERS, lock, metric_becomes, server, with_a};
use crate::server::{eventually, send};

/// What fails under the command.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    /// The server is stopped. It goes on when the command is dead.
    ServerStops,
    /// The network is frozen, and the server notices when heartbeats are missing.
    NetworkFreezes,
    /// The server notices at once, and the client not at all.
    OnlyTheServerNotices,
}

/// Of the group, the leader ends when it is asked to, and its child does not care.
const STUBBORN: &str = "(trap '' TERM; : > ready; exec sleep 60) & echo $$ > group; wait";

/// Says whether somebody in the group of the other command is alive. Who is dead and not yet buried does not count:
/// whoever buries orphans may take his time.
const LOOK: &str =
    "if ps -eo pgid=,stat= | grep -q \"^ *$(cat group) [^Z]\"; then echo alive; else echo dead; fi";

/// `throttle lock` around a script in a folder.
fn script(server: SocketAddr, folder: &TempDir, script: &str) -> Running {
    let mut command = lock(server, &["--expires-in", "3s", "A", "--", "sh", "-c", script]);
    Running::start(command.current_dir(folder.path()))
}

fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap_or_default()
}

/// Runs a command under a lock that another one waits for, lets something fail, and returns what became of the first,
/// and what the second saw.
async fn fail_under(folder: &TempDir, command: &str, trouble: Trouble) -> (Ended, Ended) {
    let server: Process = server();
    let proxy = Proxy::start(server.address).await;
    let first = script(proxy.address, folder, command);
    eventually("the command runs", || async {
        folder.path().join("ready").exists() && !read(folder, "group").is_empty()
    })
    .await;
    metric_becomes(&server, HELD, "1").await;
    // Whoever looks now sees that it is alive.
    let seen = Command::new("sh").args(["-c", LOOK]).current_dir(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8(seen.stdout).unwrap(), "alive\n");
    let second = script(server.address, folder, LOOK);
    metric_becomes(&server, WAITERS, "1").await;
    match trouble {
        Trouble::ServerStops => server.signal("STOP"),
        Trouble::NetworkFreezes => proxy.freeze(),
        Trouble::OnlyTheServerNotices => {
            proxy.freeze();
            proxy.cut_off_the_server();
        }
    }
    let first = first.ended().await;
    if trouble == Trouble::ServerStops {
        server.signal("CONT");
    }
    (first, second.ended().await)
}

#[tokio::test]
async fn the_command_is_dead_before_the_next_one_runs() {
    let all = [
        Trouble::ServerStops,
        Trouble::NetworkFreezes,
        Trouble::OnlyTheServerNotices,
        Trouble::OnlyTheServerNotices,
    ];
    let all = all.map(|trouble| async move {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = fail_under(&folder, STUBBORN, trouble).await;
        assert_eq!(first.code, Some(125), "{trouble:?} {first:?}");
        assert!(
            first.said.starts_with("throttle lock: lost A, so that the command was ended: "),
            "{first:?}"
        );
        assert_eq!(
            (second.code, second.printed.as_str()),
            (Some(0), "dead\n"),
            "{trouble:?} {second:?}"
        );
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn the_command_is_asked_before_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let polite = "trap 'echo asked > asked; exit 0' TERM; echo $$ > group; : > ready; while :; do sleep 0.01; done";
    let (first, second) = fail_under(&folder, polite, Trouble::OnlyTheServerNotices).await;
    assert_eq!((first.code, read(&folder, "asked").as_str()), (Some(125), "asked\n"), "{first:?}");
    assert_eq!(second.printed, "dead\n");
}

/// The command is told nothing, but whoever looks is: and it may be done before the grace is over.
#[tokio::test]
async fn who_is_going_to_lose_the_lock_is_told_until_when_and_why() {
    for (script, code, then) in [
        (
            "while :; do sleep 0.01; done",
            125,
            "lost A, so that the command was ended: somebody has taken it away: deploy",
        ),
        ("sleep 1", 0, ""),
    ] {
        let server = server();
        let running = Running::start(&mut lock(server.address, &with_a(script)));
        metric_becomes(&server, HELD, "1").await;
        let grace = if code == 0 { "1h" } else { "2s" };
        let free = format!("http://{}/operate/semaphores/A/free", server.address);
        let free = Client::new().post(free).header("content-type", "application/json");
        let freed = send(free.body(format!(r#"{{"grace":"{grace}","why":"deploy"}}"#))).await;
        assert_eq!(freed.status, 200, "{freed:?}");
        let ended = running.ended().await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let lines: Vec<_> = ended.said.lines().collect();
        let notice = format!(
            "throttle lock: an operator takes A away in {grace}; the command is ended then: deploy"
        );
        assert_eq!(lines[0], notice, "{ended:?}");
        assert!(ended.said.ends_with(&format!("{then}\n")) || then.is_empty(), "{ended:?}");
        assert_eq!(lines.len(), 1 + usize::from(code != 0), "{ended:?}");
    }
}

/// A short failure is no reason to end anything.
#[tokio::test]
async fn what_comes_back_in_time_was_never_away() {
    let server = server();
    let proxy = Proxy::start(server.address).await;
    let arguments = ["--expires-in", "10s", "A", "--", "sleep", "2"];
    let running = Running::start(&mut lock(proxy.address, &arguments));
    metric_becomes(&server, HELD, "1").await;
    for _ in 0..3 {
        proxy.freeze();
        proxy.cut();
        metric_becomes(&server, "throttle_sessions", "0").await;
        proxy.thaw();
        metric_becomes(&server, "throttle_sessions", "1").await;
    }
    let ended = running.ended().await;
    assert_eq!((ended.code, ended.said.as_str()), (Some(0), ""), "{ended:?}");
    metric_becomes(&server, HELD, "0").await;
}
