//! Servers that are away, that are none, that want a token, that are slow, and names that want to do harm.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};

use crate::canned::Canned;
use crate::on_terminal::OnTerminal;
use crate::process::command;
use crate::running::{Ended, Running};
use crate::throttle;

const EACH: [&[&str]; 5] = [
    &["status"],
    &["status", "A", "--json"],
    &["semaphore", "free", "A", "--yes"],
    &["peer", "show", "s1"],
    &["reload"],
];

async fn run(server: SocketAddr, arguments: &[&str]) -> Ended {
    Running::start(&mut throttle(server, arguments)).ended().await
}

#[tokio::test]
async fn without_a_server_there_is_one_line_that_says_what_to_do() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for arguments in EACH {
        let ended = run(nobody, arguments).await;
        assert_eq!((ended.code, ended.said.lines().count()), (Some(125), 1), "{ended:?}");
        assert!(ended.said.contains("is a server there? --server or THROTTLE_SERVER"), "{ended:?}");
    }
}

#[tokio::test]
async fn the_variable_counts_when_there_is_no_flag() {
    let server = Canned::answers("200 OK", "[]");
    for url in ["ws://", "http://", ""] {
        let mut by_variable = command();
        by_variable.arg("status").env("THROTTLE_SERVER", format!("{url}{}/ws", server.address));
        assert_eq!(Running::start(&mut by_variable).ended().await.code, Some(125));
    }
    assert!(
        server.asked().iter().all(|head| head.starts_with("GET /operate/")),
        "{:?}",
        server.asked()
    );
    let ended = Running::start(command().args(["status", "--server", "ftp://x"])).ended().await;
    assert!(ended.code == Some(2) && ended.said.contains("it must begin with"), "{ended:?}");
}

#[tokio::test]
async fn flags_of_the_server_are_refused() {
    for arguments in EACH {
        let arguments = [&["--port", "3"], arguments].concat();
        let ended = Running::start(command().args(arguments)).ended().await;
        assert!(ended.code == Some(2) && ended.printed.is_empty(), "{ended:?}");
        assert!(ended.said.starts_with("error: --port is for the server: "), "{ended:?}");
    }
}

#[tokio::test]
async fn what_is_no_server_of_this_kind_is_trouble() {
    for (head, body, said) in [
        ("200 OK", "<html>", "answers something else than was asked"),
        ("200 OK", "{}", "answers something else than was asked"),
        ("404 Not Found", "<html>\x1b[2J", "is it a throttle server of version"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", "", "answers 302 Found"),
        (
            "503 Service Unavailable\r\nContent-Type: application/problem+json",
            r#"{"detail":"The lease engine has ended."}"#,
            "The lease engine has ended.",
        ),
    ] {
        let server = Canned::answers(head, body);
        for arguments in EACH.into_iter().filter(|it| !it.contains(&"--json")) {
            let ended = run(server.address, arguments).await;
            assert_eq!((ended.code, ended.printed.as_str()), (Some(125), ""), "{head} {ended:?}");
            assert!(ended.said.contains(said) && !ended.said.contains('\x1b'), "{ended:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for_for_long() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    for (arguments, said) in [
        (["status"].as_slice(), "does not answer in time"),
        (&["semaphore", "pause", "A"], "whether it was done is not known"),
    ] {
        let ended = run(address, arguments).await;
        assert!(ended.code == Some(125) && ended.said.contains(said), "{ended:?}");
    }
}

#[tokio::test]
async fn a_token_is_shown_to_the_server_and_to_nobody_else() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"from-the-file\n").unwrap();
    let path = file.path().to_str().unwrap();
    let elsewhere = Canned::answers("200 OK", "[]");
    let moved = format!("307 Moved\r\nLocation: http://{}/", elsewhere.address);
    let server = Canned::answers(&moved, "");
    for (arguments, expected) in [
        (["status"].as_slice(), "authorization: bearer from-the-variable"),
        (&["status", "--token-file", path], "authorization: bearer from-the-file"),
        (&["reload", "--token-file", path], "authorization: bearer from-the-file"),
    ] {
        let mut command = throttle(server.address, arguments);
        command.env("THROTTLE_TOKEN", "from-the-variable");
        let ended = Running::start(&mut command).ended().await;
        assert!(ended.code == Some(125) && !ended.said.contains("from-the"), "{ended:?}");
        let asked = server.asked().last().unwrap().to_lowercase();
        assert!(asked.lines().any(|line| line == expected), "{asked}");
    }
    let mut by_variable = throttle(server.address, &["status"]);
    Running::start(by_variable.env("THROTTLE_TOKEN_FILE", path)).ended().await;
    assert!(server.asked().last().unwrap().to_lowercase().contains("bearer from-the-file"));
    assert_eq!(elsewhere.asked(), [""; 0]);
    run(server.address, &["status"]).await;
    assert!(!server.asked().last().unwrap().to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_what_to_do() {
    for (head, body, said) in [
        (
            "401 Unauthorized",
            "A token is needed.",
            "asks for a token: give one with --token-file FILE or THROTTLE_TOKEN",
        ),
        (
            "403 Forbidden",
            "The role is lease; this needs operate.",
            "does not allow this: The role is lease; this needs",
        ),
    ] {
        let server = Canned::answers(head, body);
        for arguments in EACH {
            let ended = run(server.address, arguments).await;
            assert_eq!((ended.code, ended.said.lines().count()), (Some(1), 1), "{ended:?}");
            assert!(ended.said.contains(said), "{ended:?}");
        }
    }
    let server = Canned::answers("401 Unauthorized", "The token is not known here.");
    let mut command = throttle(server.address, &["status", "--watch"]);
    let ended = Running::start(command.env("THROTTLE_TOKEN", "wrong")).ended().await;
    assert!(ended.code == Some(1) && ended.said.contains("does not know this token"), "{ended:?}");
}

/// A name, and a label, that clears the screen, sets its title, turns the direction of text and hides in it.
const HOSTILE: &str =
    r"\u001b[2J\u001b]0;x\u0007\u009b31m\u202eA\u2066\u200b\u0000\r\n\u007f\u2028";

#[tokio::test]
async fn names_cannot_write_to_the_terminal() {
    let who = format!(
        r#""peer":"{HOSTILE}","label":"{HOSTILE}","transport":"{HOSTILE}","remote":"{HOSTILE}""#
    );
    let wait = format!(r#""position":1,"want":{{"{HOSTILE}":1}},"priority":0,"since_ms":0"#);
    let lock = format!(r#"{{"semaphore":"{HOSTILE}","count":1,"fence":1,"since_ms":0}}"#);
    let row = format!(
        r#"{{"name":"{HOSTILE}","now_ms":1,"max":1,"level":0,"held":1,"holder_count":1,"waiters":1,{who},
        "holders":[{{{who},"count":1,"fence":1,"since_ms":0}}],"queue":[{{{who},{wait}}}],
        "expires_in_ms":1,"locks":[{lock}],"waiting":{{{wait}}},"before":null,"after":null,
        "revoked":[{{"peer":"{HOSTILE}","locks":[{lock}]}}],"changes":[],"restart":["{HOSTILE}"]}}"#
    );
    let answers = Canned::answers("200 OK", &row);
    let problem = format!(r#"{{"detail":"{HOSTILE}"}}"#);
    let refuses =
        Canned::answers("409 Conflict\r\nContent-Type: application/problem+json", &problem);
    let server = crate::process::Process::start("[semaphores]\n\"a\\u202Eb\\u2028\" = 1\n");
    for (address, arguments, code) in [
        (answers.address, ["status", "A"].as_slice(), 0),
        (answers.address, &["status", "A", "--json"], 0),
        (answers.address, &["peer", "show", "A"], 0),
        (answers.address, &["semaphore", "pause", "A", "--yes"], 0),
        (answers.address, &["semaphore", "free", "A", "--yes"], 0),
        (answers.address, &["peer", "revoke", "A", "--yes"], 0),
        (answers.address, &["reload", "--yes"], 0),
        (refuses.address, &["status"], 1),
        (refuses.address, &["reload", "--yes"], 1),
        (server.address, &["status"], 0),
    ] {
        let mut command = throttle(address, arguments);
        let mut terminal = OnTerminal::start(command.env("NO_COLOR", "1"));
        terminal.shows("\\u").await;
        terminal.shows("\r\n").await;
        let screen = terminal.screen.lock().unwrap().replace("\r\n", "");
        let unseen = |c: char| c.is_control() || "\u{202e}\u{2066}\u{200b}\u{2028}".contains(c);
        assert!(!screen.contains(unseen), "{arguments:?} {screen:?}");
        assert_eq!(terminal.exit_code().await, Some(code), "{arguments:?}");
    }
}
