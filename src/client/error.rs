//! Why something did not work, for programs and for people. What the server refuses carries the server's code; the
//! rest has no code, because the server never saw it. Refusals that programs act upon have a variant of their own.

use std::time::Duration;

use super::limit::Limit;
use super::lost::Lost;
use super::refused::{Code, Explanation, Refused};

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
    Refused(Box<Refused>),
    /// Not acquired in time, or it would take too long. Nothing of it is held, and nothing waits.
    #[error("not acquired in time{}", at_least(*.eta))]
    Timeout {
        /// How long it would have taken, if that was known and the caller was not willing to wait for so long: of
        /// buckets, with a `max_wait`.
        eta: Option<Duration>,
    },
    /// As many wait as may, or have a promise: the `max_reserved` of a bucket, the `max_pending` of a semaphore.
    /// Nothing waits.
    #[error("too many wait for {semaphore:?} already; try again in {retry_after:?}")]
    Busy {
        /// The name of the bucket or semaphore.
        semaphore: String,
        /// How long it takes until there may be room again: of a bucket, until the next one is served.
        retry_after: Duration,
    },
    /// What was to be settled, or closed for a while, is a semaphore.
    #[error("{semaphore:?} is no bucket")]
    NotABucket {
        /// The name of the semaphore.
        semaphore: String,
    },
    /// Nothing of the bucket is held any more, or ever was: there is nothing to be told about it.
    #[error("nothing of {semaphore:?} is held")]
    NotHeld {
        /// The name of the bucket.
        semaphore: String,
    },
    /// The name stands for something else than was declared: somebody else has declared it, or the server's
    /// configuration has it.
    #[error("{message}")]
    DeclaredOtherwise {
        /// The name.
        semaphore: String,
        /// What was declared. A pacer is told as a bucket.
        declared: Option<Limit>,
        /// What it is. `None`: something that this version of the client does not know.
        actual: Option<Limit>,
        /// What the server says about it, for people.
        message: String,
    },
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
    /// assert_eq!(Error::Timeout { eta: None }.code(), Some(Code::Timeout));
    /// assert_eq!(Error::Ended.code(), None);
    /// ```
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refused) => Some(refused.code.clone()),
            Self::Timeout { .. } => Some(Code::Timeout),
            Self::Busy { .. } => Some(Code::Busy),
            Self::NotABucket { .. } => Some(Code::NotABucket),
            Self::NotHeld { .. } => Some(Code::NotHeld),
            Self::DeclaredOtherwise { .. } => Some(Code::DeclaredOtherwise),
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

fn at_least(eta: Option<Duration>) -> String {
    eta.map(|eta| format!(": it would take {eta:?}")).unwrap_or_default()
}

impl From<Box<Refused>> for Error {
    fn from(refused: Box<Refused>) -> Self {
        let Explanation { semaphore, eta_ms, retry_after_ms, declared, actual, .. } =
            &refused.explanation;
        let semaphore = semaphore.clone().unwrap_or_default();
        match refused.code {
            Code::Timeout => Self::Timeout { eta: eta_ms.map(Duration::from_millis) },
            Code::Busy => {
                let retry_after = Duration::from_millis(retry_after_ms.unwrap_or_default());
                Self::Busy { semaphore, retry_after }
            }
            Code::NotABucket => Self::NotABucket { semaphore },
            Code::NotHeld => Self::NotHeld { semaphore },
            Code::DeclaredOtherwise => {
                let (declared, actual, message) = (*declared, *actual, refused.message);
                Self::DeclaredOtherwise { semaphore, declared, actual, message }
            }
            Code::BadMessage
            | Code::Unauthorized
            | Code::Forbidden
            | Code::UnknownSemaphore
            | Code::UnknownPeer
            | Code::InvalidCount
            | Code::Never
            | Code::Hierarchy
            | Code::AlreadyPending
            | Code::Cancelled
            | Code::RestoreConflict
            | Code::Revoked
            | Code::PeerInUse
            | Code::LimitExceeded
            | Code::Draining
            | Code::Other(_) => Self::Refused(refused),
        }
    }
}
