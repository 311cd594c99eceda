//! What can be chosen about a client and about a peer, with its defaults.

use std::time::Duration;

use super::token::Token;

/// How long a peer outlives its connection, unless something else is said.
pub(super) const EXPIRES_IN: Duration = Duration::from_secs(30);

/// What becomes of a peer when its connection is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnDisconnect {
    /// It has its time to live to come back, with its locks and its place in line. The default.
    #[default]
    Expire,
    /// It is gone at once, and its locks go to the next in line. Its leases are lost the moment the connection is.
    ///
    /// No client can know that moment in advance: something between the two may cut the server off first. So this is
    /// for locks whose holders may overlap for a short time; leases are lost after two of the server's heartbeats
    /// without a sign of life at the latest, because the server gives up then.
    Release,
}

/// What can be chosen about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerSettings {
    /// Who this is, for operators. Empty: not said.
    pub(super) label: String,
    pub(super) expires_in: Duration,
    /// How long before the server may give locks to others a lease is lost. `None`: a fifth of that time.
    pub(super) margin: Option<Duration>,
    pub(super) on_disconnect: OnDisconnect,
}

impl Default for PeerSettings {
    fn default() -> Self {
        Self {
            label: String::new(),
            expires_in: EXPIRES_IN,
            margin: None,
            on_disconnect: OnDisconnect::default(),
        }
    }
}

/// What can be chosen about a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// What program this is, such as `worker/2.1`.
    pub(super) name: String,
    pub(super) token: Option<Token>,
    pub(super) connect_timeout: Duration,
    /// Bounds of the time that is waited before the first and any later attempt to reconnect.
    pub(super) backoff: (Duration, Duration),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: concat!("throttle-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
            token: None,
            connect_timeout: Duration::from_secs(5),
            backoff: (Duration::from_millis(100), Duration::from_secs(10)),
        }
    }
}
