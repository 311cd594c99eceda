//! On a terminal somebody is asked, and shown what will be hit.

use crate::on_terminal::OnTerminal;
use crate::running::{HELD, Running, lock, metric, metric_becomes, server};
use crate::{done, throttle};

#[tokio::test]
async fn only_a_yes_is_a_yes() {
    let server = server();
    let holder = ["--label", "the holder", "A", "--", "sleep", "60"];
    let _holder = Running::start(&mut lock(server.address, &holder));
    metric_becomes(&server, HELD, "1").await;
    for (keys, code, held) in [("\n", 1, "1"), ("n\n", 1, "1"), ("\x04", 1, "1"), ("y\n", 0, "0")] {
        let mut terminal =
            OnTerminal::start(&throttle(server.address, &["semaphore", "free", "A"]));
        terminal.shows("This takes A away from all that hold it, at once.").await;
        terminal.shows("A: 1/1 [##########] held by 1 peer").await;
        terminal.shows("the holder").await;
        terminal.shows("Do it? [y/N] ").await;
        terminal.press(keys);
        terminal
            .shows(if code == 0 { "after   nobody holds it" } else { "nothing was done" })
            .await;
        assert_eq!(terminal.exit_code().await, Some(code), "{keys:?}");
        assert_eq!(metric(&server, HELD).await.as_deref(), Some(held), "{keys:?}");
    }
}

#[tokio::test]
async fn what_will_be_hit_is_shown_first() {
    let server = server();
    done(&server, &["semaphore", "change", "database", "--max", "11"]).await;
    let three = ["--label", "it", "database=3", "--", "sleep", "60"];
    let _holder = Running::start(&mut lock(server.address, &three));
    metric_becomes(&server, "throttle_acquired{semaphore=\"database\"}", "3").await;
    let peer = done(&server, &["status", "database", "--json"]).await;
    let peer: serde_json::Value = serde_json::from_str(&peer).unwrap();
    let peer = peer["holders"][0]["peer"].as_str().unwrap();
    for (arguments, shown) in [
        (
            ["semaphore", "create", "gpu=4"].as_slice(),
            "This makes the semaphore gpu: max 4, level 0.",
        ),
        (
            &["semaphore", "change", "database", "--max", "2"],
            "from max 11, level 0 to max 2, level 0. More is held: nothing is granted until it fits.",
        ),
        (&["semaphore", "pause", "database"], "This pauses database"),
        (&["semaphore", "resume", "database"], "This resumes database"),
        (
            &["semaphore", "delete", "database"],
            "This deletes database, if nobody holds it or waits for it by then: otherwise it takes --force.",
        ),
        (&["semaphore", "delete", "A"], "This deletes A."),
        (
            &["peer", "revoke", peer, "--grace", "30s"],
            "all that it holds and waits for, in 30s at the latest:",
        ),
        (
            &["peer", "revoke", peer, "--semaphore", "database"],
            "takes database away from this peer, at once:",
        ),
        (
            &["reload"],
            "database: max 11, level 0; when the file was last read, it had max 10, level 0",
        ),
    ] {
        let mut terminal = OnTerminal::start(&throttle(server.address, arguments));
        terminal.shows(shown).await;
        if arguments[0] == "peer" {
            terminal.shows("(it), over websocket").await;
        }
        terminal.shows("Do it? [y/N] ").await;
        terminal.press("no\n");
        assert_eq!(terminal.exit_code().await, Some(1), "{arguments:?}");
    }
    let mut terminal =
        OnTerminal::start(&throttle(server.address, &["semaphore", "pause", "nope"]));
    terminal.shows("\"nope\"").await;
    assert_eq!(terminal.exit_code().await, Some(1));
    let yes = throttle(server.address, &["semaphore", "create", "gpu=4", "--yes"]);
    assert_eq!(OnTerminal::start(&yes).exit_code().await, Some(0));
}
