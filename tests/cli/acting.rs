//! Semaphores made, changed, paused, resumed, deleted; the file read again. What was before and after is printed.

use std::fmt::Write;

use crate::process::Process;
use crate::running::{HELD, Running, WAITERS, lock, metric_becomes};
use crate::server::eventually;
use crate::{done, run};

const CONFIGURATION: &str = "[semaphores]\nA = 1\n";

#[tokio::test]
async fn each_action_tells_what_was_before_and_after() {
    let server = Process::start(CONFIGURATION);
    for (arguments, name, before, after) in [
        (
            ["create", "B=3", "--level", "-1"].as_slice(),
            "B",
            "nothing of that name",
            "max 3, level -1",
        ),
        (&["change", "B", "--max", "5"], "B", "max 3, level -1", "max 5, level -1"),
        (&["change", "B", "--level", "2"], "B", "max 5, level -1", "max 5, level 2"),
        (&["pause", "B"], "B", "max 5, level 2", "max 5, level 2, paused"),
        (&["resume", "B", "--yes"], "B", "max 5, level 2, paused", "max 5, level 2"),
        (&["delete", "B", "--yes"], "B", "max 5, level 2", "nothing of that name"),
        (&["delete", "A", "--force", "-y"], "A", "max 1, level 0", "nothing of that name"),
    ] {
        let printed = done(&server, &[&["semaphore"], arguments].concat()).await;
        let expected = format!("semaphore {name}\nbefore  {before}\nafter   {after}\n");
        assert_eq!(printed, expected, "{arguments:?}");
    }
    assert!(done(&server, &["status"]).await.contains("There are no semaphores"));
}

#[tokio::test]
async fn manners_and_buckets_are_made_and_changed() {
    let server = Process::start(CONFIGURATION);
    for (line, name, before, after) in [
        (
            "semaphore create B=3 --max-pending 2 --slots true",
            "semaphore B",
            "nothing of that name",
            "max 3, level 0, max_pending 2, slots",
        ),
        (
            "semaphore change B --max-pending none --max-hold 90m --lock-delay 1500ms --slots false",
            "semaphore B",
            "max 3, level 0, max_pending 2, slots",
            "max 3, level 0, max_hold 1h 30m, lock_delay 1s 500ms",
        ),
        (
            "bucket create api --capacity 10 --refill 10 --every 60s",
            "bucket api",
            "nothing of that name",
            "capacity 10, 10 in 1m, max_reserved 1000, slop 600ms",
        ),
        (
            "bucket change api --every 30s --max-reserved 3",
            "bucket api",
            "capacity 10, 10 in 1m, max_reserved 1000, slop 600ms",
            "capacity 10, 10 in 30s, max_reserved 3, slop 300ms",
        ),
        (
            "bucket change api --min-interval 3s --max-reserved none --slop 1ms",
            "bucket api",
            "capacity 10, 10 in 30s, max_reserved 3, slop 300ms",
            "capacity 1, 1 in 3s, max_reserved 1000, slop 1ms",
        ),
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        let printed = done(&server, &arguments).await;
        assert_eq!(printed, format!("{name}\nbefore  {before}\nafter   {after}\n"), "{line}");
    }
    for line in [
        "semaphore change api --max-hold 1h",
        "bucket change A --every 1s",
        "bucket create c --capacity 3",
        "bucket create A --min-interval 1s",
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        let ended = run(&server, &arguments).await;
        assert_eq!(ended.code, Some(1), "{line}: {ended:?}");
    }
    for line in [
        "bucket create c",
        "bucket change api",
        "bucket create c --capacity 3 --min-interval 1s",
        "semaphore change A --max-hold soon",
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        let ended = run(&server, &arguments).await;
        assert_eq!(ended.code, Some(2), "{line}: {ended:?}");
    }
}

#[tokio::test]
async fn a_larger_max_lets_waiters_in_and_a_pause_does_not() {
    let server = Process::start(CONFIGURATION);
    let hold = || Running::start(&mut lock(server.address, &["A", "--", "sleep", "60"]));
    let _holder = hold();
    metric_becomes(&server, HELD, "1").await;
    let _waiter = hold();
    metric_becomes(&server, WAITERS, "1").await;
    done(&server, &["semaphore", "pause", "A"]).await;
    done(&server, &["semaphore", "change", "A", "--max", "2"]).await;
    assert!(done(&server, &["status"]).await.contains("1/2"));
    done(&server, &["semaphore", "resume", "A"]).await;
    metric_becomes(&server, HELD, "2").await;
}

#[tokio::test]
async fn the_reason_is_on_record() {
    let server = Process::start(CONFIGURATION);
    let why = "a new replica & more \"quoted\" 100%";
    done(&server, &["semaphore", "change", "A", "--max", "2", "--why", why]).await;
    done(&server, &["semaphore", "delete", "A", "--yes", "--why", why]).await;
    eventually("both are logged", || async {
        let log = server.log();
        let of =
            |action: &str| log.lines().any(|line| line.contains(action) && line.contains("100%"));
        of("action=\"change\"") && of("action=\"delete\"")
    })
    .await;
}

#[tokio::test]
async fn what_the_server_refuses_is_1_and_says_why() {
    let server = Process::start(CONFIGURATION);
    let _holder = Running::start(&mut lock(server.address, &["A", "--", "sleep", "60"]));
    metric_becomes(&server, HELD, "1").await;
    for (arguments, said) in [
        (["create", "A=1"].as_slice(), "\"A\""),
        (&["change", "nope", "--max", "1"], "\"nope\""),
        (&["pause", "nope"], "\"nope\""),
        (&["resume", "nope"], "\"nope\""),
        (&["delete", "nope", "--yes"], "\"nope\""),
        (
            &["delete", "A", "--yes"],
            "in use: 1 hold it and 0 wait for it; with --force they lose it, and it is deleted",
        ),
        (&["free", "nope", "--yes"], "\"nope\""),
        (&["free", "A", "--yes", "--grace", "9000d"], "365d"),
        (&["create", "new\nline=1"], "control"),
    ] {
        let ended = run(&server, &[&["semaphore"], arguments].concat()).await;
        assert_eq!((ended.code, ended.printed.as_str()), (Some(1), ""), "{arguments:?} {ended:?}");
        assert!(ended.said.starts_with("throttle semaphore: "), "{ended:?}");
        assert!(ended.said.contains(said), "{arguments:?} {ended:?}");
    }
    assert!(done(&server, &["status"]).await.contains("1/1"));
}

#[tokio::test]
async fn what_makes_no_sense_is_2_and_asks_nobody() {
    let server = Process::start(CONFIGURATION);
    for (arguments, said) in [
        (["semaphore", "change", "A"].as_slice(), "--max"),
        (&["semaphore", "create", "A"], "database=10"),
        (&["semaphore", "create", "A=0"], "from 1"),
        (&["semaphore", "change", "A", "--max", "0"], "pause"),
        (&["semaphore", "free", "A", "--yes", "--grace", "soon"], "--grace"),
        (&["semaphore", "delete", "A"], "--yes does it without asking"),
        (&["semaphore", "free", "A"], "--yes does it without asking"),
        (&["peer", "revoke", "s1"], "--yes does it without asking"),
        (&["status", "--token", "secret"], "unexpected argument"),
        (&["status", "--token-file", "/nowhere"], "cannot read the token in /nowhere"),
    ] {
        let ended = run(&server, arguments).await;
        assert_eq!((ended.code, ended.printed.as_str()), (Some(2), ""), "{arguments:?} {ended:?}");
        assert!(ended.said.contains(said), "{arguments:?} {ended:?}");
    }
    assert!(done(&server, &["status", "A"]).await.starts_with("A: 0/1 "));
}

#[tokio::test]
async fn a_reload_takes_all_of_the_file_or_nothing() {
    let server = Process::start("[semaphores]\nA = 1\nB = 1\n");
    assert_eq!(done(&server, &["reload"]).await, "no semaphore has changed\n");
    server.configure("expiry_grace = \"10s\"\n\n[semaphores]\nA = 2\nC = 3\n");
    let mut expected = String::new();
    for (name, before, after) in [
        ("A", "max 1, level 0", "max 2, level 0"),
        ("C", "nothing of that name", "max 3, level 0"),
        ("B", "max 1, level 0", "nothing of that name"),
    ] {
        _ = writeln!(expected, "semaphore {name}\nbefore  {before}\nafter   {after}");
    }
    let printed = done(&server, &["reload", "--why", "a new file"]).await;
    let mut lines: Vec<_> = printed.lines().collect();
    let restart = "changed in the file, and in need of a restart: expiry_grace";
    assert_eq!(lines.pop(), Some(restart));
    let sorted = |mut changes: Vec<Vec<String>>| {
        changes.sort();
        changes
    };
    let threes = |lines: &[&str]| {
        sorted(lines.chunks(3).map(|it| it.iter().map(|&line| line.to_owned()).collect()).collect())
    };
    assert_eq!(threes(&lines), threes(&expected.lines().collect::<Vec<_>>()));
    server.configure("[semaphores]\nA = 0\nD = \"many\"\n");
    let ended = run(&server, &["reload"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.said.contains(":2:") && ended.said.contains(":3:"), "{ended:?}");
    assert!(done(&server, &["status", "A"]).await.starts_with("A: 0/2 "));
}
