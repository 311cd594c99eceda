use serde_json::Value;

use super::*;
use crate::feed::board::tests::{read, update, view};
use crate::feed::board::{Cursor, Frame};

const MANY: usize = 2_000;

fn name(number: usize) -> String {
    format!("S{number:05}")
}

/// A board with many rows.
fn board() -> Board {
    let mut board = Board::default();
    show(&mut board, 0..MANY, |_| 0);
    board
}

fn show(board: &mut Board, numbers: impl Iterator<Item = usize>, held: impl Fn(usize) -> u64) {
    let views: Vec<_> = numbers.map(|number| view(&name(number), held(number))).collect();
    update(board, &views, &[]);
}

/// All parts of a text, and what happens behind the first one.
fn whole(board: &mut Board, frame: &Frame, meanwhile: impl FnOnce(&mut Board)) -> Value {
    let (mut text, mut more) = (frame.body.to_string(), frame.more.clone());
    meanwhile(board);
    while let Some(before) = more {
        let part;
        (part, more) = board.part(&before);
        assert!(part.len() <= 64 * 1024, "{}", part.len());
        text.push_str(&part);
    }
    read(&text)
}

fn held(state: &Value, number: usize) -> Option<u64> {
    state["semaphores"].get(name(number))?["held"].as_u64()
}

fn rows(state: &Value) -> usize {
    state["semaphores"].as_object().unwrap().len()
}

#[test]
fn many_rows_are_written_in_parts() {
    let mut board = board();
    let first = board.changes(Cursor::default(), None).unwrap();
    assert!(first.more.is_some() && first.body.len() < 64 * 1024);
    let state = whole(&mut board, &first, |_| {});
    assert_eq!((rows(&state), &state["snapshot"]), (MANY, &Value::Bool(true)));

    show(&mut board, 0..MANY, |_| 1);
    let changed = board.changes(first.to, None).unwrap();
    let state = whole(&mut board, &changed, |_| {});
    assert_eq!((rows(&state), state.get("snapshot")), (MANY, None));
    assert_eq!(held(&state, MANY - 1), Some(1));
}

/// The first rows are written by then, the last ones are not.
#[test]
fn what_changes_while_a_snapshot_is_taken_is_in_it_or_comes_next() {
    let mut board = board();
    let first = board.changes(Cursor::default(), None).unwrap();
    let changed = |number| u64::from(number == 1 || number == MANY - 2);
    let snapshot = whole(&mut board, &first, |board| show(board, 0..MANY - 1, changed));
    assert_eq!((held(&snapshot, 1), held(&snapshot, MANY - 2)), (Some(0), Some(1)));
    assert_eq!(held(&snapshot, MANY - 1), None, "it was no more when it was its turn");

    show(&mut board, (0..MANY - 1).chain([MANY]), changed);
    let next = board.changes(first.to, None).unwrap();
    let next = whole(&mut board, &next, |_| {});
    assert_eq!((held(&next, 1), held(&next, MANY - 2)), (Some(1), Some(1)));
    assert_eq!(held(&next, MANY), Some(0), "it is new");
    assert_eq!(next["gone"], serde_json::json!([name(MANY - 1)]));
}

/// What is gone is said at the beginning, so nothing may be told behind that which came back since.
#[test]
fn what_changes_while_changes_are_taken_comes_next() {
    let mut board = board();
    let first = board.changes(Cursor::default(), None).unwrap();
    show(&mut board, 0..MANY - 1, |_| 1);
    let changes = board.changes(first.to, None).unwrap();
    let state = whole(&mut board, &changes, |board| {
        show(board, 0..MANY, |number| if number == MANY - 2 { 2 } else { 1 })
    });
    assert_eq!(state["gone"], serde_json::json!([name(MANY - 1)]));
    assert_eq!((held(&state, MANY - 1), held(&state, MANY - 2)), (None, None));

    let next = board.changes(changes.to, None).unwrap();
    let next = whole(&mut board, &next, |_| {});
    assert_eq!((held(&next, MANY - 1), held(&next, MANY - 2)), (Some(1), Some(2)));
    assert_eq!((rows(&next), next.get("gone")), (2, None));
}

#[test]
fn the_last_rows_may_be_gone_when_it_is_their_turn() {
    let mut board = board();
    let first = board.changes(Cursor::default(), None).unwrap();
    let snapshot = whole(&mut board, &first, |board| show(board, 0..1, |_| 0));
    assert!(rows(&snapshot) < MANY);
}
