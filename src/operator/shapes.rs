//! What the server says, as far as it is shown. What is new to this version is left alone.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::time::Duration;

/// The server itself.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    pub(super) version: String,
    pub(super) started_ms: u64,
    /// The time of the answer, which earlier versions do not tell.
    pub(super) now_ms: Option<u64>,
    pub(super) ready: bool,
    pub(super) peers: u64,
    pub(super) sessions: u64,
    pub(super) grants: u64,
    /// Semaphores that are in the file, and not there.
    #[serde(default)]
    pub(super) removed: Vec<String>,
}

/// What operators can change about a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(super) struct State {
    pub(super) max: u64,
    pub(super) level: i64,
    #[serde(default)]
    pub(super) paused: bool,
    pub(super) max_pending: Option<u64>,
    pub(super) max_hold_ms: Option<f64>,
    pub(super) lock_delay_ms: Option<f64>,
    #[serde(default)]
    pub(super) slots: bool,
    /// What makes it a bucket, with what follows.
    pub(super) refill: Option<u64>,
    pub(super) every_ms: Option<f64>,
    pub(super) max_reserved: Option<u64>,
    pub(super) slop_ms: Option<f64>,
}

impl State {
    /// With what a bucket is told, where that stands apart.
    pub(super) fn with(self, bucket: Option<&Bucket>) -> Self {
        let Some(&Bucket { refill, every_ms, max_reserved, slop_ms, .. }) = bucket else {
            return self;
        };
        Self { refill: Some(refill), every_ms: Some(every_ms), max_reserved, slop_ms, ..self }
    }
}

/// One of all semaphores.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) state: State,
    /// What the file says, when it says something else; `Some(None)`: it says nothing.
    #[serde(default, deserialize_with = "present")]
    pub(super) configured: Option<Option<State>>,
    pub(super) held: u64,
    /// Nobody gets this much yet, because its holders have expired.
    #[serde(default)]
    pub(super) delayed: u64,
    pub(super) waiters: u64,
    pub(super) waiting_since_ms: Option<u64>,
    /// What makes it a bucket.
    pub(super) bucket: Option<Bucket>,
    /// What makes it a pattern: how many keys it has, each with that `max`. What is held is the sum of all.
    pub(super) keys: Option<u64>,
}

/// The tokens of a bucket.
#[derive(Debug, Deserialize)]
pub(super) struct Bucket {
    refill: u64,
    every_ms: f64,
    max_reserved: Option<u64>,
    slop_ms: Option<f64>,
    full_at_ms: Option<u64>,
    pub(super) reserved: u64,
    pub(super) closed_until_ms: Option<u64>,
}

impl Bucket {
    /// How many tokens are not there.
    #[allow(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "it is rounded, and shown"
    )]
    pub(super) fn spent(&self, now_ms: u64) -> u64 {
        let ahead = self.full_at_ms.map_or(0, |at| at.saturating_sub(now_ms));
        (ahead as f64 * self.refill as f64 / self.every_ms).ceil() as u64
    }

    /// Such as `10 in 1m`.
    pub(super) fn rate(&self) -> String {
        format!("{} in {}", self.refill, length(self.every_ms))
    }
}

/// A length of time that somebody has chosen, as it can be written in the file.
pub(super) fn length(ms: f64) -> String {
    let length = Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or_default();
    in_days(length)
}

/// In days, hours and less: what is longer than a month is not told in months, which are of no certain length.
pub(super) fn in_days(length: Duration) -> String {
    const DAY: u64 = 86_400;
    let days = length.as_secs() / DAY;
    let rest = length.saturating_sub(Duration::from_secs(days * DAY));
    let days = match days {
        0 => return humantime::format_duration(length).to_string(),
        1 => "1day".to_owned(),
        many => format!("{many}days"),
    };
    if rest.is_zero() { days } else { format!("{days} {}", humantime::format_duration(rest)) }
}

/// One semaphore in full.
#[derive(Debug, Deserialize)]
pub(super) struct Semaphore {
    pub(super) name: String,
    pub(super) now_ms: u64,
    #[serde(flatten)]
    pub(super) state: State,
    pub(super) held: u64,
    #[serde(default)]
    pub(super) delayed: u64,
    pub(super) holder_count: u64,
    #[serde(default)]
    pub(super) pending: u64,
    pub(super) waiters: u64,
    /// What makes it a bucket.
    pub(super) bucket: Option<Bucket>,
    pub(super) holders: Vec<Holder>,
    pub(super) queue: Vec<InLine>,
    #[serde(default)]
    pub(super) blocked: Vec<Blocked>,
}

/// What nobody gets yet, because its holder has expired.
#[derive(Debug, Deserialize)]
pub(super) struct Blocked {
    #[serde(default)]
    pub(super) slots: Vec<u64>,
    pub(super) until_ms: u64,
}

/// A peer, and how it is connected.
#[derive(Debug, Deserialize)]
pub(super) struct Who {
    pub(super) peer: String,
    pub(super) label: Option<String>,
    pub(super) transport: String,
    pub(super) remote: Option<String>,
    pub(super) expires_ms: Option<u64>,
}

/// Who holds a semaphore.
#[derive(Debug, Deserialize)]
pub(super) struct Holder {
    #[serde(flatten)]
    pub(super) who: Who,
    pub(super) count: u64,
    pub(super) fence: u64,
    #[serde(default)]
    pub(super) slots: Vec<u64>,
    pub(super) since_ms: u64,
    pub(super) revoked_ms: Option<u64>,
}

/// Who waits for a semaphore.
#[derive(Debug, Deserialize)]
pub(super) struct InLine {
    #[serde(flatten)]
    pub(super) who: Who,
    #[serde(flatten)]
    pub(super) waiting: Waiting,
}

/// A wait.
#[derive(Debug, Deserialize)]
pub(super) struct Waiting {
    pub(super) position: u64,
    pub(super) want: BTreeMap<String, u64>,
    pub(super) priority: i64,
    pub(super) since_ms: u64,
    pub(super) until_ms: Option<u64>,
}

/// A peer in full.
#[derive(Debug, Deserialize)]
pub(super) struct Peer {
    pub(super) now_ms: u64,
    #[serde(flatten)]
    pub(super) who: Who,
    pub(super) expires_in_ms: u64,
    pub(super) revoked_ms: Option<u64>,
    pub(super) locks: Vec<Lock>,
    pub(super) waiting: Option<Waiting>,
}

/// What a peer holds.
#[derive(Debug, Deserialize)]
pub(super) struct Lock {
    pub(super) semaphore: String,
    pub(super) count: u64,
    pub(super) fence: u64,
    #[serde(default)]
    pub(super) slots: Vec<u64>,
    #[serde(default)]
    pub(super) since_ms: u64,
}

/// What a change has changed.
#[derive(Debug, Deserialize)]
pub(super) struct Changed {
    #[serde(alias = "semaphore")]
    pub(super) name: String,
    pub(super) before: Option<State>,
    pub(super) after: Option<State>,
    #[serde(default)]
    pub(super) opened: bool,
}

/// What was taken away.
#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    pub(super) revoked: Vec<Loss>,
}

/// What one peer loses.
#[derive(Debug, Deserialize)]
pub(super) struct Loss {
    pub(super) peer: String,
    pub(super) locks: Vec<Lock>,
}

/// What a reload has changed.
#[derive(Debug, Deserialize)]
pub(super) struct Reloaded {
    pub(super) changes: Vec<Changed>,
    /// In words.
    #[serde(default)]
    pub(super) tokens: Vec<String>,
    /// In words.
    pub(super) certificate: Option<String>,
    pub(super) restart: Vec<String>,
}

/// Tells `null` from what is not there.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<State>>, D::Error> {
    Option::deserialize(from).map(Some)
}
