//! What is shown of a server, to people and to programs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::on_terminal::OnTerminal;
use crate::process::Process;
use crate::running::{HELD, Running, WAITERS, lock, metric_becomes};
use crate::{done, run, throttle};

const CONFIGURATION: &str = "[semaphores]\nA = 1\ndatabase = { max = 10, level = 2 }\n";

/// A holds, and B waits.
async fn busy(server: &Process) -> [Running; 2] {
    let lock = |label| {
        Running::start(&mut lock(server.address, &["--label", label, "A", "--", "sleep", "60"]))
    };
    let holder = lock("the holder");
    metric_becomes(server, HELD, "1").await;
    let waiter = lock("the waiter");
    metric_becomes(server, WAITERS, "1").await;
    [holder, waiter]
}

#[tokio::test]
async fn without_a_name_all_semaphores_are_shown() {
    let server = Process::start(CONFIGURATION);
    let _busy = busy(&server).await;
    done(&server, &["semaphore", "change", "database", "--max", "20"]).await;
    done(&server, &["semaphore", "create", "gpu=4"]).await;
    done(&server, &["semaphore", "pause", "gpu"]).await;
    let shown = done(&server, &["status"]).await;
    let lines: Vec<_> = shown.lines().collect();
    let [first, "", heading, a, database, gpu] = lines[..] else { panic!("{shown}") };
    let start = concat!("throttle ", env!("CARGO_PKG_VERSION"), " at http://127.0.0.1:");
    assert!(first.starts_with(start), "{first}");
    assert!(
        first.contains(", up ") && first.contains("s, ready, 2 peers, 2 sessions, 1 grant"),
        "{first}"
    );
    assert_eq!(words(heading), ["SEMAPHORE", "USED", "WAITERS", "LONGEST", "LEVEL,", "RATE"]);
    let a = words(a);
    assert_eq!((&a[..4], a[5]), (&["A", "1/1", "[##########]", "1"][..], "0"), "{shown}");
    assert!(a[4].ends_with('s'), "{shown}");
    assert_eq!(words(database)[..6], ["database", "0/20", "[..........]", "0", "-", "2"]);
    assert!(database.ends_with("  in the file: max 10, level 2"), "{shown}");
    assert!(gpu.ends_with("  paused, not in the file"), "{shown}");
    assert_eq!(database.find('['), gpu.find('['), "{shown}");
}

#[tokio::test]
async fn with_a_name_its_holders_and_its_queue_are_shown() {
    let server = Process::start(CONFIGURATION);
    assert_eq!(
        done(&server, &["status", "database"]).await,
        "database: 0/10 [..........] held by 0 peers, 0 wait; max 10, level 2\n"
    );
    let _busy = busy(&server).await;
    let shown = done(&server, &["status", "A"]).await;
    let lines: Vec<_> = shown.lines().collect();
    let [first, "", _, holder, "", _, waiter] = lines[..] else { panic!("{shown}") };
    assert_eq!(first, "A: 1/1 [##########] held by 1 peer, 1 waits; max 1, level 0");
    assert!(holder.contains("  the holder      1  ") && holder.contains("127.0.0.1:"), "{shown}");
    assert!(words(waiter)[0] == "1" && waiter.contains("  the waiter  "), "{shown}");
    assert!(waiter.contains("  A=1  "), "{shown}");
    let peer = words(holder)[0];
    let shown = done(&server, &["peer", "show", peer]).await;
    let lines: Vec<_> = shown.lines().collect();
    let [first, "", _, held] = lines[..] else { panic!("{shown}") };
    assert!(
        first.starts_with(&format!("{peer} (the holder), over websocket from 127.0.0.1:")),
        "{shown}"
    );
    assert_eq!(words(held)[..2], ["A", "1"]);
    let shown = done(&server, &["peer", "show", words(waiter)[1]]).await;
    assert!(shown.contains("\nwaits for A=1: place 1 in line, for "), "{shown}");
}

#[tokio::test]
async fn what_was_taken_of_a_bucket_is_not_more_than_that() {
    let server = Process::start("[buckets]\nA = { min_interval = \"1h\" }\n");
    // By a clock that only counts seconds, what is taken in the middle of one is paid for later than it should be.
    let second = Duration::from_secs(1).as_nanos();
    let into_second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() % second;
    let left = u64::try_from(second - into_second).unwrap();
    tokio::time::sleep(Duration::from_nanos(left) + Duration::from_millis(200)).await;
    let _taken = Running::start(&mut lock(server.address, &["A", "--", "sleep", "60"]));
    metric_becomes(&server, HELD, "1").await;
    let shown = done(&server, &["status"]).await;
    assert_eq!(words(shown.lines().last().unwrap())[..2], ["A", "1/1"], "{shown}");
    let all: Value = serde_json::from_str(&done(&server, &["status", "--json"]).await).unwrap();
    assert!(all["server"]["now_ms"].as_u64() > all["server"]["started_ms"].as_u64(), "{all}");
}

#[tokio::test]
async fn programs_get_what_the_server_says() {
    let server = Process::start(CONFIGURATION);
    let _busy = busy(&server).await;
    let shown = done(&server, &["status", "--json"]).await;
    assert_eq!(shown.lines().count(), 1);
    let all: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(all["server"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&all["semaphores"][0]["name"], &all["semaphores"][0]["waiters"]),
        (&"A".into(), &1.into())
    );
    let one: Value =
        serde_json::from_str(&done(&server, &["status", "A", "--json"]).await).unwrap();
    assert_eq!((&one["max"], &one["holders"][0]["label"]), (&1.into(), &"the holder".into()));
    let peer = one["holders"][0]["peer"].as_str().unwrap();
    let peer: Value =
        serde_json::from_str(&done(&server, &["peer", "show", peer, "--json"]).await).unwrap();
    assert_eq!(peer["locks"][0]["semaphore"], "A");
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let server = Process::start(CONFIGURATION);
    for (arguments, said) in [
        (["status", "nope"].as_slice(), "throttle status: "),
        (&["peer", "show", "s1"], "throttle peer: "),
        (&["peer", "show", "../status"], "throttle peer: "),
    ] {
        let ended = run(&server, arguments).await;
        assert_eq!((ended.code, ended.printed.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.said.starts_with(said) && ended.said.lines().count() == 1, "{ended:?}");
    }
    for arguments in [["status", ""].as_slice(), &["status", "A", "B"], &["peer"], &["semaphore"]] {
        assert_eq!(run(&server, arguments).await.code, Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn an_empty_server_says_how_to_begin() {
    let shown = done(&Process::start(""), &["status"]).await;
    assert!(shown.contains("`throttle semaphore create NAME=MAX`"), "{shown}");
}

#[tokio::test]
async fn names_with_any_characters_are_told_apart() {
    let server = Process::start("[semaphores]\n");
    for name in ["/&", "%2F", "..", "a b?c#d", "日本", "A", "a=1"] {
        done(&server, &["semaphore", "create", &format!("{name}=7")]).await;
        let shown = done(&server, &["status", name]).await;
        assert!(shown.starts_with(&format!("{name}: 0/7 ")), "{shown}");
        let deleted = done(&server, &["semaphore", "delete", name, "--yes"]).await;
        assert!(deleted.starts_with(&format!("semaphore {name}\n")), "{deleted}");
        assert_eq!(run(&server, &["status", name]).await.code, Some(1));
    }
}

#[tokio::test]
async fn colours_are_for_terminals_where_they_are_wanted() {
    let server = Process::start(CONFIGURATION);
    assert!(!done(&server, &["status"]).await.contains('\x1b'));
    for (name, value, coloured) in
        [("TERM", "xterm", true), ("NO_COLOR", "1", false), ("TERM", "dumb", false)]
    {
        let mut terminal =
            OnTerminal::start(throttle(server.address, &["status"]).env(name, value));
        terminal.shows("database").await;
        terminal.shows("2").await;
        let screen = terminal.screen.lock().unwrap().clone();
        assert_eq!(screen.contains("\x1b["), coloured, "{name}={value} {screen:?}");
        assert_eq!(terminal.exit_code().await, Some(0));
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
