//! How it is written: times are milliseconds since the Unix epoch, what is not there is left out.

use serde::{Serialize, Serializer};

use super::configured::Differs;
use super::journal::{Entry, Kind};
use super::operated::Operated;
use super::terms::{Manners, Rated, Said, State};
use crate::engine::{BucketView, Label, PeerId, SemaphoreName, SemaphoreView, Time};

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
    /// Names that are in the file, and not here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) removed: Vec<&'a str>,
}

/// The server, and when that was so. Those who watch are told the time beside it: what changes all the time would be
/// news to all of them.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    #[serde(flatten)]
    pub(super) server: Server<'a>,
    pub(super) now_ms: u64,
}

/// One semaphore, with its name.
#[derive(Serialize)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    #[serde(flatten)]
    pub(super) row: Row,
}

/// One semaphore.
#[derive(Serialize)]
pub(super) struct Row {
    max: u32,
    level: i32,
    #[serde(flatten)]
    manners: Manners,
    #[serde(skip_serializing_if = "is_false")]
    paused: bool,
    /// What the file says, when it says something else; `null`: it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    configured: Option<Option<Said>>,
    held: u64,
    /// Held by peers that have expired, and not given to others yet.
    #[serde(skip_serializing_if = "is_zero")]
    delayed: u64,
    holders: usize,
    pending: u64,
    waiters: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<Bucket>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<usize>,
}

/// The tokens of a bucket. What is there now follows from when it is full.
#[derive(Serialize)]
pub(super) struct Bucket {
    #[serde(flatten)]
    rate: Rated,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_at_ms: Option<u64>,
    reserved: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_until_ms: Option<u64>,
}

impl Bucket {
    pub(super) fn of(view: &BucketView) -> Self {
        Self {
            rate: Rated::of(view.rate),
            full_at_ms: view.full_at.map(millis),
            reserved: view.reserved,
            closed_until_ms: view.closed_until.map(millis),
        }
    }
}

impl Row {
    pub(super) fn of(view: &SemaphoreView, differs: Option<Differs>) -> Self {
        Self {
            max: view.max.get(),
            level: view.level.0,
            manners: Manners::of(view.manners),
            paused: view.paused,
            configured: differs.map(|differs| differs.map(Said::of)),
            held: view.held,
            delayed: view.delayed,
            holders: view.holders,
            pending: view.pending,
            waiters: view.waiters,
            waiting_since_ms: view.waiting_since.map(millis),
            bucket: view.bucket.as_ref().map(Bucket::of),
            keys: view.keys,
        }
    }
}

/// Something that happened.
#[derive(Serialize)]
pub(super) struct Happened<'a> {
    n: u64,
    at_ms: u64,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_text")]
    peer: Option<PeerId>,
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
    #[serde(flatten)]
    operated: Option<Operation<'a>>,
}

/// What an operator did.
#[derive(Serialize)]
struct Operation<'a> {
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locks: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_ms: Option<u64>,
}

impl<'a> Operation<'a> {
    fn of(operated: &'a Operated) -> Self {
        Self {
            by: &operated.by,
            why: operated.why.as_ref().map(Label::as_str),
            before: operated.before.map(State::of),
            after: operated.after.map(State::of),
            locks: operated.locks,
            grace_ms: operated.grace.map(|grace| grace.as_micros() / 1_000),
        }
    }
}

impl<'a> Happened<'a> {
    pub(super) fn of(entry: &'a Entry, label: Option<&'a Label>) -> Self {
        let lock = entry.lock.as_ref();
        let operated = entry.operated.as_deref();
        let of_lock = lock.map(|lock| &lock.name);
        let semaphore = of_lock.or_else(|| operated.and_then(|it| it.semaphore.as_ref()));
        Self {
            n: entry.n,
            at_ms: millis(entry.at),
            kind: entry.kind,
            peer: entry.peer,
            label: label.map(Label::as_str),
            semaphore: semaphore.map(SemaphoreName::as_str),
            count: lock.map(|lock| lock.count.get()),
            fence: lock.map(|lock| lock.fence.0),
            waited_ms: entry.waited.map(|waited| waited.as_micros() / 1_000),
            held_ms: entry.held.map(|held| held.as_micros() / 1_000),
            operated: operated.map(Operation::of),
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

#[allow(clippy::ref_option, reason = "serde passes a reference to the field")]
fn some_text<S: Serializer>(peer: &Option<PeerId>, serializer: S) -> Result<S::Ok, S::Error> {
    match peer {
        Some(peer) => text(peer, serializer),
        None => serializer.serialize_none(),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
pub(super) const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// As JSON. Numbers and texts always are.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
