//! What there is to say about a lease that is lost: why, and how long its locks are still certainly one's own.

use std::fmt;
use std::time::Duration;

use super::clock::{self, Time};

/// A moment on the client's clock, which counts a machine's sleep where the system has such a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub(super) Time);

impl Deadline {
    /// The moment `span` from now.
    pub fn after(span: Duration) -> Self {
        Self(clock::now().after(span))
    }

    /// How long it is until then; zero when it has passed. Every call looks at the clock.
    pub fn remaining(self) -> Duration {
        self.0.since(clock::now())
    }

    /// Whether it has passed.
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// The moment `span` earlier.
    #[must_use]
    pub fn earlier_by(self, span: Duration) -> Self {
        Self(self.0.before(span))
    }
}

/// That a lease is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Why.
    pub reason: LostReason,
    /// Until then nobody else is given the locks. It has passed already unless the reason is [`LostReason::Silence`]
    /// or [`LostReason::Ended`]; then whoever used the locks has this time to stop.
    pub deadline: Deadline,
    /// What the server said about it, such as why an operator took the locks away.
    pub message: Option<String>,
}

/// That an operator is going to take a lease's locks away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// When the lease is lost, unless it is given back before.
    pub until: Deadline,
    /// Why.
    pub message: Option<String>,
}

/// Why a lease is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// The server was not heard of for so long that it may soon give the locks to others: it is frozen, or the
    /// network is, or this program was.
    Silence,
    /// The connection is gone, and the peer was to be gone with it ([`OnDisconnect::Release`]).
    ///
    /// [`OnDisconnect::Release`]: super::OnDisconnect::Release
    Disconnected,
    /// The server says that it does not hold the locks for this peer any more.
    NotHeld,
    /// Another connection has taken the peer over.
    Superseded,
    /// Somebody has taken the peer's locks away.
    Revoked,
    /// The server says that the peer has expired.
    Expired,
    /// The client has ended: the program closed it, or the server ended the session for good.
    Ended,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silence => "nothing was heard from the server for too long",
            Self::Disconnected => "the connection to the server is gone",
            Self::NotHeld => "the server does not hold it any more",
            Self::Superseded => "another connection has taken the peer over",
            Self::Revoked => "somebody has taken it away",
            Self::Expired => "the server says that it has expired",
            Self::Ended => "the client has ended",
        })
    }
}
