//! Why something did not work, for programs and for people. What the server refuses carries the server's code; the
//! rest has no code, because the server never saw it.

use std::fmt;

use super::lost::Lost;

/// Why something did not work. Cheap to clone in comparison with a round trip.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no address of a server.
    #[error("{url:?} is no address of a server: {reason}")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is nobody to trust: no certificates where they should be.
    #[error("cannot set up TLS: {reason}")]
    Tls {
        /// What is wrong.
        reason: String,
    },
    /// The server could not be reached the first time.
    #[error("cannot connect to {url}: {reason}")]
    Connect {
        /// The address of the session.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server has refused the request. Nothing has changed by it.
    #[error(transparent)]
    Refused(#[from] Box<Refused>),
    /// Not acquired in time. Nothing of it is held.
    #[error("not acquired in time")]
    Timeout,
    /// There was no connection to the server when it was needed. It may be back later.
    #[error("no connection to the server: {reason}")]
    Disconnected {
        /// What went wrong last.
        reason: String,
    },
    /// The server has ended the session for good, and said why with a close code after which nobody reconnects.
    #[error("the server has ended the session: {reason} (close code {code})")]
    Closed {
        /// The close code of the WebSocket, or the status of the handshake.
        code: u16,
        /// What the server said.
        reason: String,
    },
    /// The program has closed the client.
    #[error("the client is closed")]
    Ended,
    /// The lease was lost before it was released.
    #[error("the lease was lost: {0}")]
    Lost(Lost),
    /// What was asked for cannot be asked for: no name, or one of them twice.
    #[error("{0}")]
    InvalidWant(&'static str),
    /// The peer waits for something else. A peer waits for one thing at a time: open another one.
    #[error("the peer waits for something else")]
    AlreadyPending,
    /// The peer has another lease on this semaphore. Only one lease of a peer may have it.
    #[error("the peer has a lease on {semaphore:?} already")]
    AlreadyHeld {
        /// The name of the semaphore.
        semaphore: String,
    },
    /// The server has said something that makes no sense.
    #[error("the server does not keep to the protocol: {0}")]
    Protocol(&'static str),
}

impl Error {
    /// The server's code for it, if the server refused.
    ///
    /// ```
    /// use throttle::client::{Code, Error};
    ///
    /// assert_eq!(Error::Timeout.code(), Some(Code::Timeout));
    /// assert_eq!(Error::Ended.code(), None);
    /// ```
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refused) => Some(refused.code.clone()),
            Self::Timeout => Some(Code::Timeout),
            Self::Address { .. }
            | Self::Tls { .. }
            | Self::Connect { .. }
            | Self::Disconnected { .. }
            | Self::Closed { .. }
            | Self::Ended
            | Self::Lost(_)
            | Self::InvalidWant(_)
            | Self::AlreadyPending
            | Self::AlreadyHeld { .. }
            | Self::Protocol(_) => None,
        }
    }
}

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
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
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
