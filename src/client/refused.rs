//! What the server says when it refuses: a stable code, a sentence, and what explains it.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::limit::Limit;

/// What the server says when it refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
#[non_exhaustive]
pub struct Refused {
    /// Which kind of refusal. Stable.
    pub code: Code,
    /// For people; may change.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// What explains it; which fields are there depends on the code, as `docs/protocol.md` says.
    pub explanation: Explanation,
}

/// The fields that explain a refusal. What the server did not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Explanation {
    /// The semaphore that it is about.
    pub semaphore: Option<String>,
    /// The count that was asked for.
    pub asked: Option<i64>,
    /// The maximum of the semaphore.
    pub max: Option<u32>,
    /// The count that is held already.
    pub held: Option<u32>,
    /// The level of the semaphore.
    pub level: Option<i32>,
    /// The semaphore that is held and stands in the way.
    pub held_semaphore: Option<String>,
    /// The level of that.
    pub held_level: Option<i32>,
    /// The duration that was asked for, in milliseconds.
    pub asked_ms: Option<u64>,
    /// The longest duration, in milliseconds.
    pub max_ms: Option<u64>,
    /// The limit that was reached.
    pub limit: Option<u64>,
    /// How long it would take, in milliseconds.
    pub eta_ms: Option<u64>,
    /// How long it takes until there may be room again, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// What a name was declared to be.
    #[serde(deserialize_with = "limit")]
    pub declared: Option<Limit>,
    /// What it is.
    #[serde(deserialize_with = "limit")]
    pub actual: Option<Limit>,
}

/// A refusal counts, whatever is known of what explains it.
fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Limit>, D::Error> {
    Value::deserialize(deserializer).map(Limit::read)
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The server's codes for what it refuses. They are stable; a server may know more of them.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// One that this version of the client does not know.
            Other(Box<str>),
        }

        impl Code {
            /// The code as it stands on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for Code {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)*
                    text => Self::Other(text.into()),
                }
            }
        }
    };
}

codes! {
    /// The message cannot be read.
    BadMessage = "bad_message",
    /// There is no token, or a bad one.
    Unauthorized = "unauthorized",
    /// It is not allowed, or the key is wrong.
    Forbidden = "forbidden",
    /// There is no such semaphore.
    UnknownSemaphore = "unknown_semaphore",
    /// The server does not know the peer on this connection: it was closed there, or taken over.
    UnknownPeer = "unknown_peer",
    /// A count below 1.
    InvalidCount = "invalid_count",
    /// More than the semaphore's maximum.
    Never = "never",
    /// The level is not below all that is held; or the lock would grow while it is held.
    Hierarchy = "hierarchy",
    /// The peer waits for something else.
    AlreadyPending = "already_pending",
    /// Not to be had in time.
    Timeout = "timeout",
    /// The wait was cancelled.
    Cancelled = "cancelled",
    /// The peer is known and holds something else.
    RestoreConflict = "restore_conflict",
    /// An operator has taken the peer away.
    Revoked = "revoked",
    /// The connection has the peer already.
    PeerInUse = "peer_in_use",
    /// As many wait as may.
    Busy = "busy",
    /// It is a semaphore.
    NotABucket = "not_a_bucket",
    /// Nothing of it is held.
    NotHeld = "not_held",
    /// The name stands for something else than was declared.
    DeclaredOtherwise = "declared_otherwise",
    /// Too long, or too many.
    LimitExceeded = "limit_exceeded",
    /// The server is going away.
    Draining = "draining",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
