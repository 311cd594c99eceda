//! What it exits with, what it says, and what the command is told.

use std::net::TcpListener;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::process::{Process, command};
use crate::running::{
    CONFIGURATION, Ended, HELD, Running, WAITERS, lock, metric, metric_becomes, server, with_a,
};
use crate::server::eventually;

async fn run(server: std::net::SocketAddr, arguments: &[&str]) -> Ended {
    Running::start(&mut lock(server, arguments)).ended().await
}

#[tokio::test]
async fn the_command_runs_while_it_is_held() {
    let server = server();
    let script =
        "printf '%s|' \"$THROTTLE_LOCK_HELD\" \"$THROTTLE_FENCE\" \"$THROTTLE_PEER_ID\"; exit 3";
    let ended = run(server.address, &["A", "database=4", "--", "sh", "-c", script]).await;
    assert_eq!((ended.code, ended.said.as_str()), (Some(3), ""), "{ended:?}");
    // It was released before the process ended.
    assert_eq!(metric(&server, HELD).await.as_deref(), Some("0"));
    let words: Vec<_> = ended.printed.split('|').collect();
    let [held, fence, peer, ""] = words[..] else { panic!("{words:?}") };
    assert_eq!(held, "A=1\ndatabase=4");
    let fence: u64 = fence.parse().unwrap();
    assert!(peer.starts_with('s'), "{peer}");
    let next = run(server.address, &with_a("printf $THROTTLE_FENCE")).await;
    assert!(next.printed.parse::<u64>().unwrap() > fence);
    metric_becomes(&server, "throttle_peers", "0").await;
}

#[tokio::test]
async fn the_command_knows_which_ones_it_has() {
    let server =
        Process::start("[semaphores]\nA = 1\ngpu = { max = 4, level = 1, slots = true }\n");
    let print = ["--", "sh", "-c", "printf '%s' \"${THROTTLE_SLOTS-none}\""];
    for (want, printed) in
        [(vec!["gpu=2"], "0,1"), (vec!["A"], "none"), (vec!["A", "gpu=3"], "gpu=0,1,2")]
    {
        let ended = run(server.address, &[&want[..], &print].concat()).await;
        assert_eq!((ended.code, ended.printed.as_str()), (Some(0), printed), "{ended:?}");
    }
    // What is said of the lock around it is not said of its own.
    let program = command();
    let inner = [program.get_program().to_str().unwrap(), "lock", "A"];
    let arguments = [&["gpu", "--"], &inner[..], &print].concat();
    let mut around = lock(server.address, &arguments);
    around.env("THROTTLE_SERVER", server.address.to_string());
    assert_eq!(Running::start(&mut around).ended().await.printed, "none");
}

/// It says welcome, and nothing else.
async fn mute() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_hdr_async(socket, chosen).await.unwrap();
        let hello = socket.next().await.unwrap().unwrap().into_text().unwrap();
        let hello: serde_json::Value = serde_json::from_str(&hello).unwrap();
        let hello = hello.as_array().map_or(&hello, |messages| &messages[0]);
        let welcome = json!({
            "type": "welcome", "id": hello["id"], "server": "mute", "epoch": "e", "heartbeat_ms": 60_000,
            "limits": {"max_frame_bytes": 65_536, "max_peers": 1, "max_expires_in_ms": 60_000},
        });
        socket.send(Message::text(welcome.to_string())).await.unwrap();
        while socket.next().await.is_some() {}
    });
    address
}

#[allow(clippy::unnecessary_wraps, clippy::result_large_err, reason = "a callback of tungstenite")]
fn chosen(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    response.headers_mut().insert("sec-websocket-protocol", "throttle.v1".parse().unwrap());
    Ok(response)
}

#[tokio::test]
async fn a_timeout_is_one_whatever_the_server_does() {
    let ended = run(mute().await, &["--timeout", "1s", "A", "--", "true"]).await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(ended.said.contains("did not get A within 1s"), "{ended:?}");
}

#[tokio::test]
async fn codes_are_those_of_shells() {
    let server = server();
    for (arguments, code, said) in [
        (with_a("exit 0"), 0, ""),
        (vec!["--timeout", "0s", "A", "--", "true"], 0, ""),
        (with_a("exit 255"), 255, ""),
        (with_a("kill -TERM $$"), 143, ""),
        (with_a("kill -KILL $$"), 137, ""),
        (vec!["A", "--", "/nowhere/to/be/found"], 127, "cannot run /nowhere/to/be/found: "),
        (vec!["A", "--", "/"], 126, "cannot run /: "),
        (vec!["A=2", "--", "true"], 125, "there is never more than 1 of \"A\": ask for less\n"),
        (
            vec!["nope=1=1", "--", "true"],
            125,
            " has no semaphore \"nope=1\": add it to the server's configuration\n",
        ),
        (
            vec!["--expires-in", "400d", "A", "--", "true"],
            125,
            "lets nobody have that much time: 365 days at most\n",
        ),
        (vec!["--expires-in", "10ms", "A", "--", "true"], 125, "at least 1s"),
        (vec!["A=0", "--", "true"], 125, "the count must be from 1 to 2147483648\n"),
        (
            vec!["A=x", "--", "true"],
            125,
            " has no semaphore \"A=x\" (a count is digits alone): add it to the server's configuration\n",
        ),
        (
            vec!["-c", "x", "A", "--", "true"],
            125,
            "--configuration is for the server: `throttle lock`",
        ),
        (vec!["A"], 125, "Usage: throttle lock"),
        (vec!["A", "true"], 125, "COMMAND follows `--`, such as in `throttle lock A -- make"),
        (vec!["A=1"], 125, "COMMAND follows `--`"),
        (vec!["--port", "3", "A", "--", "true"], 125, "--port is for the server: `throttle lock`"),
    ] {
        let ended = run(server.address, &arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        assert!(ended.said.contains(said), "{arguments:?} {ended:?}");
    }
    metric_becomes(&server, "throttle_peers", "0").await;
}

#[tokio::test]
async fn whoever_does_not_get_it_in_time_is_told_why() {
    let server = server();
    let holder = Running::start(&mut lock(
        server.address,
        &["--label", "the holder", "A", "--", "sleep", "60"],
    ));
    metric_becomes(&server, HELD, "1").await;
    for timeout in ["0s", "50ms"] {
        let ended = run(server.address, &["--timeout", timeout, "A", "--", "true"]).await;
        assert_eq!(ended.code, Some(124), "{ended:?}");
        assert!(
            ended.said.contains(&format!("throttle lock: did not get A within {timeout}")),
            "{ended:?}"
        );
    }
    let ended = run(server.address, &["--timeout", "2s", "A", "--", "true"]).await;
    let waiting = "throttle lock: waiting for A: place 1 in line, held by the holder\n";
    assert!(ended.said.starts_with(waiting), "{ended:?}");
    assert_eq!(metric(&server, WAITERS).await.as_deref(), Some("0"));
    drop(holder);
}

#[tokio::test]
async fn without_a_server_there_is_one_line_that_says_what_to_do() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = run(nobody, &["A", "--", "true"]).await;
    assert_eq!((ended.code, ended.said.lines().count()), (Some(125), 1), "{ended:?}");
    assert!(ended.said.contains("is a server there? --server or THROTTLE_SERVER name another one"));
    // The variable counts when there is no flag.
    let server = server();
    let mut by_variable = command();
    by_variable
        .args(["lock", "A", "--", "true"])
        .env("THROTTLE_SERVER", server.address.to_string());
    assert_eq!(Running::start(&mut by_variable).ended().await.code, Some(0));
    by_variable.env("THROTTLE_SERVER", "ftp://localhost");
    let ended = Running::start(&mut by_variable).ended().await;
    assert!(ended.code == Some(125) && ended.said.contains("wss://"), "{ended:?}");
}

/// Nothing bounds the wait: it must not look like one in line.
#[tokio::test]
async fn whoever_waits_is_told_that_the_server_is_away_and_when_it_is_back() {
    for (bound, hint) in [(None, ", for ever: --timeout sets an end"), (Some("1h"), "")] {
        let mut server = server();
        let address = server.address;
        let holder = Running::start(&mut lock(address, &["A", "--", "sleep", "60"]));
        metric_becomes(&server, HELD, "1").await;
        let mut arguments: Vec<_> =
            bound.into_iter().flat_map(|bound| ["--timeout", bound]).collect();
        arguments.extend(with_a("echo mine"));
        let waiter = Running::start(&mut lock(address, &arguments));
        metric_becomes(&server, WAITERS, "1").await;
        drop(holder);
        server.signal("KILL");
        server.exit_code().await;
        eventually("it is told", || async { waiter.said().contains("trying again") }).await;
        let _back = Process::start_at(address, CONFIGURATION);
        let ended = waiter.ended().await;
        assert_eq!((ended.code, ended.printed.as_str()), (Some(0), "mine\n"), "{ended:?}");
        let lines: Vec<_> = ended.said.lines().collect();
        let [waiting, away, back] = lines[..] else { panic!("{ended:?}") };
        assert!(waiting.starts_with("throttle lock: waiting for A: place 1 in line"), "{ended:?}");
        let is_away = format!("throttle lock: ws://{address}: no connection to the server: ");
        assert!(away.starts_with(&is_away), "{ended:?}");
        assert!(away.ends_with(&format!("; trying again{hint}")), "{ended:?}");
        assert_eq!(back, format!("throttle lock: ws://{address} is back"));
    }
}
