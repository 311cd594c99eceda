//! What all watchers see, and what of it is new to each. Pure: it is told the time and what there is, and writes each
//! thing once. Watchers who saw the same get the same text.
//!
//! However many rows there are, no watcher needs room for all of them: a long text is written part by part, as it is
//! taken.

mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

pub use self::rows::More;
use super::configured::Differs;
use super::journal::Entry;
use super::shapes::{Happened, Row, Server, json, millis};
use crate::engine::{BucketView, Label, SemaphoreName, SemaphoreView, Time};

/// Events that are kept for those who come later.
const EVENTS: usize = 100;

/// Names of semaphores that are no more, for those who saw them.
const GONE: usize = 1_000;

/// Which semaphores somebody wants to see.
pub type Names = BTreeSet<SemaphoreName>;

/// What somebody has seen. The default: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    version: u64,
    event: u64,
}

/// What is new to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What they have seen then.
    pub to: Cursor,
    /// The fields of a `state` message, without the braces: all of them, or the first part.
    pub body: Arc<str>,
    /// What comes behind it. Nearly always nothing.
    pub more: Option<More>,
}

/// The board. Everything on it has the version in which it came or changed.
#[derive(Default)]
pub(super) struct Board {
    version: u64,
    now_ms: u64,
    server: String,
    rows: BTreeMap<SemaphoreName, Shown>,
    gone: VecDeque<(u64, SemaphoreName)>,
    /// The version of the last name that had to give way: who saw less than that needs a snapshot.
    forgotten: u64,
    events: VecDeque<Event>,
    last_event: u64,
    /// What was already written for somebody, of this version.
    written: HashMap<Cursor, Frame>,
}

struct Shown {
    version: u64,
    view: SemaphoreView,
    differs: Option<Differs>,
    /// With the name before it.
    json: String,
}

struct Event {
    version: u64,
    json: String,
}

impl Board {
    /// Takes in what there is now, and what has happened.
    pub(super) fn update(
        &mut self,
        now: Time,
        server: &Server<'_>,
        views: Vec<(SemaphoreView, Option<Differs>)>,
        happened: Vec<(Entry, Option<Label>)>,
    ) {
        let next = self.version + 1;
        let server = json(server);
        let mut changed = server != self.server;
        self.server = server;
        self.now_ms = millis(now);
        changed |= !happened.is_empty();
        self.note(next, &happened);
        changed |= self.show(next, views);
        if changed {
            self.version = next;
        }
        self.written.clear();
    }

    /// What is new to who has seen `from`. `None`: nothing, or nothing is known yet.
    pub(super) fn changes(&mut self, from: Cursor, names: Option<&Names>) -> Option<Frame> {
        if self.version == from.version {
            return None;
        }
        if names.is_some() {
            return Some(self.write(from, names));
        }
        if let Some(frame) = self.written.get(&from) {
            return Some(frame.clone());
        }
        let frame = self.write(from, None);
        self.written.insert(from, frame.clone());
        Some(frame)
    }

    /// Nothing but that it is still so.
    pub(super) fn sign_of_life(&self, from: Cursor) -> Frame {
        Frame { to: from, body: self.head().into(), more: None }
    }

    fn note(&mut self, version: u64, happened: &[(Entry, Option<Label>)]) {
        for (entry, label) in happened {
            if self.events.len() == EVENTS {
                self.events.pop_front();
            }
            self.last_event = entry.n;
            let json = json(&Happened::of(entry, label.as_ref()));
            self.events.push_back(Event { version, json });
        }
    }

    /// Returns whether anything is different from before.
    fn show(&mut self, version: u64, views: Vec<(SemaphoreView, Option<Differs>)>) -> bool {
        let names = views.iter().map(|(view, _)| &view.name);
        // Nearly always. Then no row has to be looked for, or to be moved.
        if self.rows.keys().eq(names) {
            let rows = self.rows.values_mut().zip(views);
            return rows.fold(false, |changed, (row, now)| row.become_now(version, now) | changed);
        }
        let mut changed = false;
        let mut before = std::mem::take(&mut self.rows);
        for now in views {
            let name = now.0.name.clone();
            let shown = match before.remove(&name) {
                Some(mut shown) => {
                    changed |= shown.become_now(version, now);
                    shown
                }
                None => {
                    changed = true;
                    Shown::new(version, now)
                }
            };
            self.rows.insert(name, shown);
        }
        for name in before.into_keys() {
            changed = true;
            if self.gone.len() == GONE {
                self.forgotten =
                    self.gone.pop_front().map_or(self.forgotten, |(version, _)| version);
            }
            self.gone.push_back((version, name));
        }
        changed
    }

    fn head(&self) -> String {
        format!("\"now_ms\":{},\"server\":{}", self.now_ms, self.server)
    }

    fn write(&self, from: Cursor, names: Option<&Names>) -> Frame {
        let to = Cursor { version: self.version, event: self.last_event };
        let snapshot = from.version == 0 || from.version < self.forgotten;
        let seen = if snapshot { 0 } else { from.version };
        let wanted = |name: &SemaphoreName| names.is_none_or(|names| names.contains(name));
        let mut body = self.head();
        if snapshot {
            body.push_str(",\"snapshot\":true");
        }
        let gone = self.gone.iter().filter(|(version, name)| *version > seen && wanted(name));
        let gone = gone.filter(|(_, name)| !snapshot && !self.rows.contains_key(name));
        list(&mut body, "gone", gone.map(|(_, name)| json(&name.as_str())));
        let events = self.events.iter().filter(|event| event.version > seen);
        let known = events.clone().count() as u64;
        list(&mut body, "events", events.map(|event| event.json.clone()));
        let lost = (self.last_event - from.event).saturating_sub(known);
        if lost > 0 && !snapshot {
            // Writing to a string does not fail.
            let _ = write!(body, ",\"events_lost\":{lost}");
        }
        let newest = if snapshot { u64::MAX } else { self.version };
        let more = self.write_rows(&mut body, seen, newest, names);
        Frame { to, body: body.into(), more }
    }
}

impl Shown {
    fn new(version: u64, (view, differs): (SemaphoreView, Option<Differs>)) -> Self {
        let view = without_tokens(view);
        let name = json(&view.name.as_str());
        let json = format!("{name}:{}", json(&Row::of(&view, differs)));
        Self { version, view, differs, json }
    }

    /// Returns whether it is different from before.
    fn become_now(&mut self, version: u64, now: (SemaphoreView, Option<Differs>)) -> bool {
        let now = (without_tokens(now.0), now.1);
        let changed = (&self.view, self.differs) != (&now.0, now.1);
        if changed {
            *self = Self::new(version, now);
        }
        changed
    }
}

/// How many tokens there are follows from when the bucket is full: it is not shown, and nothing new when it changes.
fn without_tokens(view: SemaphoreView) -> SemaphoreView {
    let bucket = view.bucket.map(|bucket| BucketView { available: 0, ..bucket });
    SemaphoreView { bucket, ..view }
}

/// Adds a field that is a list, unless it is empty.
fn list(body: &mut String, field: &str, items: impl Iterator<Item = String>) {
    let mut separator = '[';
    for item in items {
        if separator == '[' {
            let _ = write!(body, ",\"{field}\":");
        }
        body.push(separator);
        body.push_str(&item);
        separator = ',';
    }
    if separator == ',' {
        body.push(']');
    }
}

#[cfg(test)]
pub(super) mod tests;
