//! The messages of `throttle.v1` as they are on the wire: requests are read and checked, messages are written.
//! Nothing here knows what a request leads to.

mod buckets;
mod failure;
mod fields;
mod frame;
mod kind;
mod look;
mod message;
mod open;
mod plain;
mod rejected;
mod request;

pub(super) use failure::Failure;
pub use kind::MESSAGES;
pub(super) use look::Look;
pub(super) use message::{
    Labels, Limits, LockMap, LostReason, Message, PeerIdText, ResumeText, millis,
};
pub(super) use open::{Held, Open, Origin};
pub(super) use rejected::Rejected;
pub(super) use request::{Acquire, Ask, Request, read};

use serde::Serialize;

/// Largest integer in a message. Every language's JSON can hold it.
pub(super) const MAX_INTEGER: i64 = (1 << 53) - 1;

/// What a client calls one of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct RequestId(pub(super) i64);

/// What a client calls one of its peers, on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct LocalPeer(pub(super) i64);

/// Says what went wrong, for programs. They are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    BadMessage,
    Unauthorized,
    Forbidden,
    UnknownSemaphore,
    UnknownPeer,
    InvalidCount,
    Never,
    Hierarchy,
    AlreadyPending,
    Timeout,
    Cancelled,
    RestoreConflict,
    Revoked,
    PeerInUse,
    LimitExceeded,
    Busy,
    DeclaredOtherwise,
    NotABucket,
    NotHeld,
    Draining,
}
