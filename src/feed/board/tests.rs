use serde_json::{Value, json};

use super::*;
use crate::engine::{Count, Level, Manners, PeerId};
use crate::feed::journal::Kind;

fn server() -> Server<'static> {
    Server {
        version: "1",
        epoch: "e",
        started_ms: 0,
        ready: true,
        peers: 0,
        sessions: 0,
        grants: 0,
        releases: 0,
        expirations: 0,
        removed: Vec::new(),
    }
}

pub(in crate::feed) fn view(name: &str, held: u64) -> SemaphoreView {
    SemaphoreView {
        name: SemaphoreName::new(name).unwrap(),
        max: Count::new(1).unwrap(),
        level: Level(0),
        manners: Manners::NONE,
        paused: false,
        held,
        delayed: 0,
        holders: 0,
        pending: 0,
        waiters: 0,
        waiting_since: None,
        bucket: None,
        keys: None,
    }
}

fn event(n: u64) -> (Entry, Option<Label>) {
    let peer = PeerId::Session(1);
    let (lock, waited, held) = (None, None, None);
    let entry = Entry {
        n,
        at: Time::default(),
        kind: Kind::Superseded,
        peer: Some(peer),
        lock,
        waited,
        held,
        operated: None,
    };
    (entry, Label::new("\"w\"").ok())
}

pub(super) fn update(board: &mut Board, views: &[SemaphoreView], events: &[u64]) {
    let events = events.iter().copied().map(event).collect();
    board.update(
        Time::from_micros(7_000),
        &server(),
        views.iter().map(|view| (view.clone(), None)).collect(),
        events,
    );
}

/// What is new to a watcher, who has seen it then.
fn changes(board: &mut Board, from: &mut Cursor, names: Option<&Names>) -> Option<Value> {
    let Frame { to, body, mut more } = board.changes(*from, names)?;
    *from = to;
    let mut text = body.to_string();
    while let Some(before) = more {
        let part;
        (part, more) = board.part(&before);
        text.push_str(&part);
    }
    Some(read(&text))
}

/// The fields but those that are always there.
pub(super) fn read(body: &str) -> Value {
    let mut fields: Value = serde_json::from_str(&format!("{{{body}}}")).unwrap();
    assert_eq!(fields["now_ms"], 7);
    assert_eq!(fields["server"]["epoch"], "e");
    let map = fields.as_object_mut().unwrap();
    map.remove("now_ms");
    map.remove("server");
    fields
}

fn names(value: &Value) -> Vec<&str> {
    value["semaphores"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn first_comes_all_and_then_what_has_changed() {
    let mut board = Board::default();
    let mut from = Cursor::default();
    assert_eq!(changes(&mut board, &mut from, None), None, "nothing is known yet");
    update(&mut board, &[view("A\"", 0), view("B", 0)], &[]);
    let first = changes(&mut board, &mut from, None).unwrap();
    assert_eq!((names(&first), &first["snapshot"]), (vec!["A\"", "B"], &json!(true)));
    assert_eq!(changes(&mut board, &mut from, None), None);

    update(&mut board, &[view("A\"", 0), view("B", 0)], &[]);
    assert_eq!(changes(&mut board, &mut from, None), None, "nothing has changed");
    update(&mut board, &[view("A\"", 0), view("B", 1)], &[]);
    let row = json!({"max": 1, "level": 0, "held": 1, "holders": 0, "pending": 0, "waiters": 0});
    let changed = changes(&mut board, &mut from, None);
    assert_eq!(changed, Some(json!({"semaphores": {"B": row}})));
}

#[test]
fn who_looks_seldom_sees_the_last_of_each() {
    let mut board = Board::default();
    let mut from = Cursor::default();
    update(&mut board, &[view("A", 0), view("B", 0), view("C", 0)], &[]);
    changes(&mut board, &mut from, None);
    update(&mut board, &[view("A", 1), view("B", 0), view("C", 0)], &[1]);
    update(&mut board, &[view("A", 0), view("B", 1), view("C", 0)], &[2]);
    let changed = changes(&mut board, &mut from, None).unwrap();
    assert_eq!(names(&changed), ["A", "B"]);
    assert_eq!(changed["semaphores"]["A"]["held"], 0);
    assert_eq!(changed["events"].as_array().unwrap().len(), 2);
    assert_eq!(changed["events"][0]["label"], "\"w\"");
}

#[test]
fn those_who_saw_the_same_get_the_same_text() {
    let mut board = Board::default();
    update(&mut board, &[view("A", 0)], &[]);
    let [one, two] = [0, 1].map(|_| board.changes(Cursor::default(), None).unwrap());
    assert!(Arc::ptr_eq(&one.body, &two.body));
}

#[test]
fn what_is_no_more_is_said_once() {
    let mut board = Board::default();
    let mut from = Cursor::default();
    update(&mut board, &[view("A", 0), view("B", 0)], &[]);
    changes(&mut board, &mut from, None);
    update(&mut board, &[view("B", 0)], &[]);
    assert_eq!(changes(&mut board, &mut from, None), Some(json!({"gone": ["A"]})));
    let fresh = changes(&mut board, &mut Cursor::default(), None).unwrap();
    assert_eq!((names(&fresh), fresh.get("gone")), (vec!["B"], None));

    let before = from;
    update(&mut board, &[view("A", 0), view("B", 0)], &[]);
    let back = changes(&mut board, &mut from, None).unwrap();
    assert_eq!((names(&back), back.get("gone")), (vec!["A"], None));
    assert!(board.changes(before, None).is_some());
}

#[test]
fn a_watcher_of_some_sees_no_others() {
    let mut board = Board::default();
    let mut from = Cursor::default();
    let only: Names = [SemaphoreName::new("A").unwrap()].into();
    update(&mut board, &[view("A", 0), view("B", 0)], &[]);
    assert_eq!(names(&changes(&mut board, &mut from, Some(&only)).unwrap()), ["A"]);
    update(&mut board, &[view("A", 0), view("B", 1)], &[]);
    assert_eq!(changes(&mut board, &mut from, Some(&only)), Some(json!({})));
}

#[test]
fn events_that_were_missed_are_counted() {
    let mut board = Board::default();
    let mut from = Cursor::default();
    update(&mut board, &[], &[1]);
    changes(&mut board, &mut from, None);
    update(&mut board, &[], &(2..=150).collect::<Vec<_>>());
    let changed = changes(&mut board, &mut from, None).unwrap();
    assert_eq!(changed["events"].as_array().unwrap().len(), EVENTS);
    assert_eq!((&changed["events"][0]["n"], &changed["events_lost"]), (&json!(51), &json!(49)));
}

#[test]
fn who_missed_too_much_gets_all_of_it() {
    let mut board = Board::default();
    let mut from = Cursor::default();
    let many: Vec<_> = (0..=GONE).map(|n| view(&format!("S{n}"), 0)).collect();
    update(&mut board, &many, &[]);
    changes(&mut board, &mut from, None);
    update(&mut board, &[view("B", 0)], &[]);
    let changed = changes(&mut board, &mut from, None).unwrap();
    assert_eq!((names(&changed), &changed["snapshot"]), (vec!["B"], &json!(true)));
}
