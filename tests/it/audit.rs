//! What is on record of what operators do: who, from where, what, and why; and nothing when nothing has changed.

use reqwest::{Client, Method};

use crate::process::Process;
use crate::server::{eventually, read, with_json};

/// Lines of the log about what was done.
fn records(process: &Process) -> Vec<String> {
    let log = process.log();
    log.lines().filter(|line| line.contains("an operator acted")).map(str::to_owned).collect()
}

#[tokio::test]
async fn an_action_is_on_record_with_grace_and_origin() {
    let mut process = Process::start("[semaphores]\nA = 1\n");
    let ask = |method: Method, path: &str, body: &str| {
        let url = format!("http://{}{path}", process.address);
        let request = with_json(Client::new().request(method, url), body);
        async { read(request.send().await.unwrap()).await }
    };
    let peer = ask(Method::POST, "/new_peer", r#"{"expires_in":"5m"}"#).await.body;
    let held = ask(Method::PUT, &format!("/peers/{peer}/A"), "1").await;
    assert_eq!(held.status, 200);
    // Neither of these changes anything.
    ask(Method::PATCH, "/operate/semaphores/A", r#"{"max":1,"why":"the same"}"#).await;
    let free = r#"{"grace":"30s","why":"deploy"}"#;
    ask(Method::POST, "/operate/semaphores", r#"{"name":"B","max":1}"#).await;
    ask(Method::POST, "/operate/semaphores/B/free", free).await;
    assert_eq!(ask(Method::POST, "/operate/semaphores/A/free", free).await.status, 200);
    process.signal("HUP");
    eventually("it is reloaded", || async { records(&process).len() >= 3 }).await;
    let counted = ask(Method::GET, "/metrics", "").await.body;
    assert!(counted.contains(r#"throttle_operator_actions_total{action="free"} 1"#), "{counted}");
    let reloads = r#"throttle_operator_actions_total{action="reload"} 0"#;
    assert!(counted.contains(reloads), "it has changed nothing: {counted}");
    process.signal("TERM");
    assert_eq!(process.exit_code().await, Some(0));
    let records = records(&process);
    assert_eq!(records.len(), 3, "{records:?}");
    assert!(
        records[0].contains(r#"action="create" by="anybody" remote=127.0.0.1:"#),
        "{records:?}"
    );
    let whom = format!("peers=\"{peer}\" semaphore=\"A\" locks=1 grace=30s");
    for part in [r#"action="free" by="anybody" remote=127.0.0.1:"#, &whom, r#"why="deploy""#] {
        assert!(records[1].contains(part), "{records:?}");
    }
    let reload = &records[2];
    assert!(reload.contains(r#"action="reload" by="SIGHUP""#), "{reload}");
    assert!(!reload.contains("remote") && !reload.contains("grace"), "{reload}");
    assert!(process.log().contains("the configuration is read again"), "{}", process.log());
}
