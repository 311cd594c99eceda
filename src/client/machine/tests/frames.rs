//! What is ready leaves together, in frames that the server takes.

use super::*;
use crate::client::token::Token;

#[test]
fn the_first_frame_is_only_a_greeting() {
    let mut stage = Stage::new();
    let peer = stage.machine.open(ten_seconds());
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    stage.connect();
    assert_eq!(stage.kinds(), ["open", "acquire"]);
    assert_eq!(stage.frames.len(), 2);
}

#[test]
fn a_release_and_the_next_acquires_are_one_frame() {
    let (mut stage, peer, lease) = Stage::with_lease();
    let frames = stage.frames.len();
    stage.machine.release(lease, stage.now);
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let other = stage.machine.open(ten_seconds());
    stage.machine.acquire(stage.now, other, want("A")).unwrap();
    assert_eq!(stage.kinds(), ["release", "acquire", "open", "acquire"]);
    assert_eq!(stage.frames.len(), frames + 1);
}

#[test]
fn frames_are_as_large_as_the_server_takes_them() {
    let mut stage = Stage::new();
    for number in 0..3_000 {
        let peer = stage.machine.open(ten_seconds());
        stage.machine.acquire(stage.now, peer, want(&format!("semaphore {number}"))).unwrap();
    }
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.len(), 6_000);
    let (largest, frames) = (stage.frames.iter().max().unwrap(), stage.frames.len());
    assert!(*largest <= 65_536 && frames < 12, "{largest} {frames}");
    // In order, each peer before what it wants.
    assert!(
        sent.chunks(2).all(|pair| kind(&pair[0]) == "open" && pair[0]["peer"] == pair[1]["peer"])
    );
}

#[test]
fn what_was_said_is_not_said_again_when_there_is_something_else_to_say() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    assert_eq!(stage.kinds(), ["acquire"]);
    stage.machine.release(lease, stage.now);
    assert_eq!(stage.kinds(), ["release"]);
}

#[test]
fn what_was_left_over_is_not_for_the_next_connection() {
    let mut stage = Stage::up();
    for _ in 0..2_000 {
        stage.machine.open(ten_seconds());
    }
    assert!(stage.machine.pop_frame(stage.now).is_some());
    stage.disconnect();
    stage.connect();
    assert_eq!(stage.sent().len(), 2_000);
}

#[test]
fn nothing_is_sent_twice_and_nothing_for_nothing() {
    let (mut stage, _, _) = Stage::with_lease();
    assert_eq!(stage.kinds(), Vec::<String>::new());
    stage.pass(1_000);
    assert_eq!(stage.kinds(), Vec::<String>::new());
    stage.pass(1_000);
    assert_eq!(stage.kinds(), ["ping"]);
    assert_eq!(stage.kinds(), Vec::<String>::new());
}

#[test]
fn a_token_is_shown() {
    let token = Some(Token("t".to_owned()));
    let settings = Settings { token, name: "n/1".to_owned(), ..Settings::default() };
    let mut machine = Machine::new(settings);
    machine.connected(Time::default());
    let hello: Value = serde_json::from_str(&machine.pop_frame(Time::default()).unwrap()).unwrap();
    assert_eq!((&hello["token"], &hello["client"]), (&json!("t"), &json!("n/1")));
    machine.on_text(Time::default(), &refused(&hello, "unauthorized").to_string());
    assert!(matches!(machine.trouble(), Some(Gone::ForGood(Error::Refused(_)))));
}
