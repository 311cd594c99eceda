//! Why something did not work, for programs and for people. What the server refuses carries the server's code; the
//! rest has no code, because the server never saw it.

use super::lost::Lost;
use super::refused::{Code, Refused};

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
