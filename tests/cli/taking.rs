//! What is taken away from those who hold it.

use crate::process::Process;
use crate::running::{HELD, Running, lock, metric, metric_becomes, server};
use crate::{done, run, throttle};

async fn holder(server: &Process) -> (Running, String) {
    let holder =
        Running::start(&mut lock(server.address, &["A", "database=2", "--", "sleep", "60"]));
    metric_becomes(server, HELD, "1").await;
    let shown = done(server, &["status", "A", "--json"]).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    (holder, shown["holders"][0]["peer"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn freeing_takes_one_semaphore_from_all() {
    let server = server();
    let (holder, peer) = holder(&server).await;
    let printed = done(&server, &["semaphore", "free", "A", "--yes", "--why", "maintenance"]).await;
    let lines: Vec<_> = printed.lines().collect();
    let ["semaphore A", before, "after   nobody holds it"] = lines[..] else { panic!("{printed}") };
    assert!(before.starts_with(&format!("before  {peer} held A=1 (fence ")), "{printed}");
    assert_eq!(metric(&server, HELD).await.as_deref(), Some("0"));
    let ended = holder.ended().await;
    assert_eq!(ended.code, Some(125), "{ended:?}");
    let printed = done(&server, &["semaphore", "free", "A", "--yes"]).await;
    assert_eq!(printed, "semaphore A\nbefore  nobody held anything\nafter   nobody holds it\n");
}

#[tokio::test]
async fn a_peer_loses_one_lock_or_all() {
    let server = server();
    let (_first, peer) = holder(&server).await;
    let printed = done(&server, &["peer", "revoke", &peer, "--semaphore", "A", "--yes"]).await;
    assert!(printed.contains(&format!("before  {peer} held A=1 (fence ")), "{printed}");
    assert!(printed.ends_with("after   it holds nothing of A\n"), "{printed}");
    metric_becomes(&server, HELD, "0").await;
    let (_second, peer) = holder(&server).await;
    let printed = done(&server, &["peer", "revoke", &peer, "--yes"]).await;
    assert!(printed.starts_with(&format!("peer {peer}\nbefore  {peer} held ")), "{printed}");
    assert!(
        printed.contains("database=2") && printed.ends_with("after   it is gone\n"),
        "{printed}"
    );
    assert_eq!(run(&server, &["peer", "show", &peer]).await.code, Some(1));
    assert_eq!(run(&server, &["peer", "revoke", &peer, "--yes"]).await.code, Some(1));
}

#[tokio::test]
async fn a_grace_is_granted_and_shown() {
    let server = server();
    let (_holder, peer) = holder(&server).await;
    let arguments = ["peer", "revoke", &peer, "--semaphore", "A", "--grace", "10m", "--yes"];
    let printed = done(&server, &arguments).await;
    assert!(
        printed.ends_with("after   it holds nothing of A, in 10m at the latest\n"),
        "{printed}"
    );
    let shown = done(&server, &["status", "A"]).await;
    assert!(shown.contains("revoked in 9m 5") || shown.contains("revoked in 10m 00s"), "{shown}");
}

#[tokio::test]
async fn on_a_pipe_nothing_is_taken_away_by_mistake() {
    let server = server();
    let (_holder, peer) = holder(&server).await;
    for arguments in [
        ["semaphore", "free", "A"].as_slice(),
        &["peer", "revoke", &peer],
        &["semaphore", "delete", "A", "--force"],
    ] {
        let mut command = throttle(server.address, arguments);
        let ended = Running::start(&mut command).ended().await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
    }
    assert_eq!(metric(&server, HELD).await.as_deref(), Some("1"));
}
