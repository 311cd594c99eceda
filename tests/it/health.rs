//! `throttle health`: what it exits with, and what it says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use crate::process::{Process, command};

/// Exit code, standard output and standard error stream.
type Ended = (Option<i32>, String, String);

fn health(arguments: &[&str]) -> Ended {
    let output = command().arg("health").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn well(said: String) -> Ended {
    (Some(0), said, String::new())
}

fn unwell(said: String) -> Ended {
    (Some(1), String::new(), said)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

#[test]
fn a_server_that_is_well_is_0() {
    let process = Process::start("");
    let url = url(process.address);
    assert_eq!(health(&["--url", &url]), well(format!("{url} is healthy\n")));
    assert_eq!(health(&["--url", &url, "--ready"]), well(format!("{url} is ready\n")));
    let localhost = format!("ws://localhost:{}", process.address.port());
    let mut with_variable = command();
    with_variable.arg("health").env("THROTTLE_SERVER", &localhost);
    assert_eq!(
        with_variable.output().unwrap().stdout,
        format!("{localhost} is healthy\n").as_bytes()
    );
}

#[test]
fn a_server_that_waits_for_its_clients_is_healthy_and_not_ready() {
    let process = Process::start("recovery_grace = \"1h\"\n");
    let url = url(process.address);
    assert_eq!(health(&["--url", &url]), well(format!("{url} is healthy\n")));
    let why = "503 Service Unavailable: The server waits for clients to come back after its start.";
    let said = format!("throttle: {url} is not ready: {why}\n");
    assert_eq!(health(&["--url", &url, "--ready"]), unwell(said));
}

#[test]
fn where_nobody_listens_is_1() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap());
    drop(listener);
    let (code, printed, said) = health(&["--url", &url]);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(said.starts_with(&format!("throttle: {url} is not healthy: ")), "{said}");
    assert!(said.contains("refused"), "{said}");
}

#[test]
fn who_says_nothing_or_something_else_is_1() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = url(silent.local_addr().unwrap());
    let said = format!("throttle: {silent_url} is not healthy: no answer within 4s\n");
    assert_eq!(health(&["--url", &silent_url]), unwell(said));

    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    let foreign_url = url(foreign.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = foreign.accept().unwrap();
        let mut head = Vec::new();
        // What is not read makes the end of a connection a reset.
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"GET /health HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n<html>").unwrap();
    });
    let why = "what answers there is no throttle server";
    let said = format!("throttle: {foreign_url} is not healthy: {why}\n");
    assert_eq!(health(&["--url", &foreign_url]), unwell(said));
    answering.join().unwrap();
}

/// By the name in its certificate, trusting those who vouch for it.
#[test]
fn a_server_with_a_certificate_is_asked_over_tls() {
    let made = |name: &str| format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let (certificate, key) = (made("first.pem"), made("first.key"));
    let process =
        Process::start(&format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"));
    let url = format!("https://localhost:{}", process.address.port());
    let authority = made("authority.pem");
    assert_eq!(health(&["--url", &url, "--ca", &authority]), well(format!("{url} is healthy\n")));
    let (code, _, said) = health(&["--url", &url]);
    assert!(code == Some(1) && said.contains("invalid peer certificate: UnknownIssuer"), "{said}");
    let (code, _, said) = health(&["--url", &url, "--ca", "/nowhere"]);
    assert!(code == Some(1) && said.contains("/nowhere"), "{said}");
}
