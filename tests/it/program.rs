//! How the process starts and ends, and how it gets along with what the system gives it.

use std::net::TcpListener;

use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Process, command};
use crate::server::{Answer, DEADLINE, eventually, read, send, text, with_json};
use crate::wire;

const CALLERS: usize = 1_000;

async fn metric(process: &Process, series: &str) -> Option<String> {
    let metrics = send(Client::new().get(format!("http://{}/metrics", process.address))).await;
    let line = metrics.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(str::to_owned)
}

async fn new_peer(client: &Client, process: &Process) -> u64 {
    let request = client.post(format!("http://{}/new_peer", process.address));
    let opened: Answer =
        read(with_json(request, r#"{"expires_in":"1h"}"#).send().await.unwrap()).await;
    opened.body.parse().unwrap()
}

async fn acquire(process: &Process, peer: u64) -> TcpStream {
    let head = format!("PUT /peers/{peer}/A?block_for=1h HTTP/1.1\r\nHost: localhost\r\n");
    let body = "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n1";
    wire::open(process.address, &format!("{head}{body}")).await
}

#[tokio::test]
async fn sigterm_answers_a_thousand_blocked_callers() {
    let mut process = Process::start("[semaphores]\nA = 1\n");
    let client = Client::new();
    let mut holder = acquire(&process, new_peer(&client, &process).await).await;
    assert!(wire::response(&mut holder).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let peer = new_peer(&client, &process).await;
        callers.push((peer, acquire(&process, peer).await));
    }
    eventually("all of them wait", || async {
        metric(&process, "throttle_waiters{semaphore=\"A\"}").await == Some(CALLERS.to_string())
    })
    .await;
    process.signal("TERM");
    for (peer, caller) in callers {
        let answer = wire::rest(caller).await;
        assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{peer}")), "{answer}");
    }
    assert_eq!(process.exit_code().await, Some(0));
}

#[tokio::test]
async fn sigint_ends_it_gracefully() {
    let mut process = Process::start("[semaphores]\nA = 1\n");
    process.signal("INT");
    assert_eq!(process.exit_code().await, Some(0));
    assert!(process.log().contains("SIGINT received"), "{}", process.log());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let mut process =
            Process::start("[limits]\ndrain_timeout = \"1h\"\nbody_read_timeout = \"1h\"\n");
        let head =
            "POST /new_peer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        let half = format!("{head}Expect: 100-continue\r\nContent-Length: 19\r\n\r\n");
        let mut slow = wire::open(process.address, &half).await;
        let mut asked = [0; 25];
        slow.read_exact(&mut asked).await.unwrap();
        process.signal(signal);
        eventually("it shuts down", || async { process.log().contains("shutting down") }).await;
        process.signal(signal);
        assert_eq!(process.exit_code().await, Some(code));
    }
}

#[tokio::test]
async fn the_start_is_logged() {
    let process = Process::start("[semaphores]\nB = 5\nA = 1\n\"/ &\" = 2\n");
    let log = process.log();
    let listens = format!("listens on http://{}", process.address);
    assert!(log.contains(&listens), "{log}");
    let served = format!("served by {}", throttle::config::Config::default().serving_threads());
    assert!(served.ends_with(" cores)") || served.ends_with(" core)"), "{served}");
    assert!(log.contains(&served), "{log}");
    assert!(log.contains("semaphores: \"/ &\"=2, A=1, B=5"), "{log}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nobody() {
    let mut process = Process::start("[semaphores]\nA = 1\n");
    let unread = process.stop_reading();
    let url = format!("http://{}/operate/semaphores/A", process.address);
    let client = Client::builder().timeout(DEADLINE).build().unwrap();
    // Each has a line in the log, together they are more than a pipe takes.
    for max in 1..=600 {
        let change = format!(r#"{{"max":{max},"why":"{}"}}"#, "x".repeat(100));
        let request = client.patch(&url).header("content-type", "application/json").body(change);
        assert_eq!(request.send().await.unwrap().status(), 200, "{max}");
    }
    process.signal("TERM");
    drop(unread);
    assert_eq!(process.exit_code().await, Some(0));
    assert!(process.log().contains("max=600"), "it is written when somebody reads it");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = command().args(["--port", &address.port().to_string()]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("throttle: cannot listen on {address}: ")), "{said}");
}

#[tokio::test]
async fn more_connections_than_files_do_no_harm() {
    let process = Process::start_with_files(128, "");
    let get = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut callers = Vec::new();
    for _ in 0..300 {
        callers.push(TcpStream::connect(process.address).await.unwrap());
    }
    let (mut served, mut refused) = (0, 0);
    for mut caller in callers {
        // Those for whom there is no room may have been closed already.
        let _ = caller.write_all(get.as_bytes()).await;
        let answer = wire::response(&mut caller).await;
        served += usize::from(answer.ends_with("\r\n\r\nOk"));
        refused += usize::from(!answer.ends_with("\r\n\r\nOk"));
    }
    assert!(served > 0 && refused > 0, "{served} {refused}");
    eventually("there is room again", || async {
        let health = format!("http://{}/health", process.address);
        send(Client::new().get(health)).await == text(200, "Ok")
    })
    .await;
    assert!(!process.log().contains("cannot accept"), "{}", process.log());
}

/// A name may look like a line of the log. It is written so that it cannot.
#[tokio::test]
async fn a_lock_that_expires_is_logged() {
    let process = Process::start("[semaphores]\n\"A\\u2028B\" = 1\n");
    let url = format!("http://{}", process.address);
    let restore = r#"{"expires_in":"1ms","peer_id":42,"acquired":{"A\u2028B":1}}"#;
    let client = reqwest::Client::new();
    let request = client.post(format!("{url}/restore")).header("content-type", "application/json");
    assert_eq!(request.body(restore).send().await.unwrap().status(), 200);
    eventually("it is logged", || async { process.log().contains("a lock expired") }).await;
    let log = process.log();
    assert!(log.contains("a lock was brought back peer=42"), "{log}");
    assert!(!log.contains('\u{2028}'), "{log}");
}

#[tokio::test]
async fn the_start_says_how_to_reach_it_over_tls() {
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
    let process = Process::start(&format!(
        "[tls]\ncertificate = \"{made}/first.pem\"\nkey = \"{made}/first.key\"\n"
    ));
    let log = process.log();
    assert!(log.contains(&format!("listens on https://{}", process.address)), "{log}");
    assert!(log.contains(&format!("try it: curl https://{}/new_peer", process.address)), "{log}");
}
