//! How it is written: times are milliseconds since the Unix epoch, what is not there is left out.

use serde::{Serialize, Serializer};

use super::journal::{Entry, Kind};
use crate::engine::{Label, PeerId, SemaphoreView, Time};

/// The server itself.
#[derive(Serialize)]
pub(super) struct Server<'a> {
    pub(super) version: &'a str,
    pub(super) epoch: &'a str,
    pub(super) started_ms: u64,
    pub(super) ready: bool,
    pub(super) peers: usize,
    pub(super) sessions: u64,
    pub(super) grants: u64,
    pub(super) releases: u64,
    pub(super) expirations: u64,
}

/// One semaphore.
#[derive(Serialize)]
pub(super) struct Row {
    max: u32,
    level: i32,
    held: u64,
    holders: usize,
    pending: u64,
    waiters: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since_ms: Option<u64>,
}

impl Row {
    pub(super) fn of(view: &SemaphoreView) -> Self {
        Self {
            max: view.max.get(),
            level: view.level.0,
            held: view.held,
            holders: view.holders,
            pending: view.pending,
            waiters: view.waiters,
            waiting_since_ms: view.waiting_since.map(millis),
        }
    }
}

/// Something that happened.
#[derive(Serialize)]
pub(super) struct Happened<'a> {
    n: u64,
    at_ms: u64,
    kind: Kind,
    #[serde(serialize_with = "text")]
    peer: PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    semaphore: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_ms: Option<u64>,
}

impl<'a> Happened<'a> {
    pub(super) fn of(entry: &'a Entry, label: Option<&'a Label>) -> Self {
        let lock = entry.lock.as_ref();
        Self {
            n: entry.n,
            at_ms: millis(entry.at),
            kind: entry.kind,
            peer: entry.peer,
            label: label.map(Label::as_str),
            semaphore: lock.map(|lock| lock.name.as_str()),
            count: lock.map(|lock| lock.count.get()),
            fence: lock.map(|lock| lock.fence.0),
            waited_ms: entry.waited.map(|waited| waited.as_micros() / 1_000),
            held_ms: entry.held.map(|held| held.as_micros() / 1_000),
        }
    }
}

/// Since the Unix epoch.
pub(super) const fn millis(time: Time) -> u64 {
    time.as_micros() / 1_000
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
pub(super) fn text<S: Serializer>(peer: &PeerId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(peer)
}

/// As JSON. Numbers and texts always are.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
