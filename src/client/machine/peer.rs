//! What the machine knows about one peer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::reports::Report;
use super::{AcquireId, Ask, LeaseId, Locks, ReportId, RequestId, Time};
use crate::client::settings::{OnDisconnect, PeerSettings};

/// One peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) label: String,
    /// Whole milliseconds, as they are told.
    pub(super) expires_in: Duration,
    pub(super) margin: Option<Duration>,
    pub(super) on_disconnect: OnDisconnect,
    pub(super) bound: Bound,
    /// What the server has given this peer to come back with.
    pub(super) key: Option<Key>,
    /// When the last message was sent that was answered on an earlier connection which had this peer.
    pub(super) proof: Option<Time>,
    /// Whether the program was told that it is open.
    pub(super) told: bool,
    pub(super) pending: Option<Pending>,
    /// What the server may hold or keep for the peer, and must not any more.
    pub(super) unwanted: Vec<Giving>,
    /// What there is to tell about what it holds, and is not answered.
    pub(super) reports: BTreeMap<ReportId, Report>,
    /// Leases that are not lost.
    pub(super) leases: BTreeSet<LeaseId>,
    pub(super) closing: bool,
    /// Whether the connection has somebody else by its number, who is of no use any more.
    pub(super) stale: bool,
    /// What the pace was told about it.
    pub(super) paced: Option<Duration>,
}

/// Whether the connection there is has the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Not,
    /// It was asked for with this request.
    Asked(RequestId),
    /// This request was answered.
    By(RequestId),
}

/// What the server has given a peer.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) resume: String,
    pub(super) peer_id: String,
    /// The memory that the server had then.
    pub(super) epoch: Arc<str>,
}

/// What a peer waits for.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) acquire: AcquireId,
    pub(super) ask: Ask,
    pub(super) since: Time,
    /// When the waiting is over.
    pub(super) until: Option<Time>,
    /// The request on the connection there is.
    pub(super) sent: Option<RequestId>,
    /// It is granted, but not known to be good for long enough.
    pub(super) granted: Option<Locks>,
}

/// Something to give back, each name in a message of its own: if the server knows one of several no more, it releases
/// none of them. Then an acquire right behind would be granted what is held still, of which the tokens are taken long
/// since; and to give that back after all would take it from under the new lease.
#[derive(Clone, Debug, Default)]
pub(super) struct Giving {
    pub(super) names: Vec<String>,
    /// Whether the peer may wait for it.
    pub(super) cancel: bool,
    /// Whether it is tokens that nobody has used.
    pub(super) unused: bool,
    /// Who wants to know.
    pub(super) lease: Option<LeaseId>,
}

impl Peer {
    pub(super) fn new(settings: PeerSettings) -> Self {
        let PeerSettings { label, expires_in, margin, on_disconnect } = settings;
        let millis = u64::try_from(expires_in.as_millis()).unwrap_or(u64::MAX).max(1);
        Self {
            label,
            expires_in: Duration::from_millis(millis),
            margin,
            on_disconnect,
            bound: Bound::Not,
            key: None,
            proof: None,
            told: false,
            pending: None,
            unwanted: Vec::new(),
            reports: BTreeMap::new(),
            leases: BTreeSet::new(),
            closing: false,
            stale: false,
            paced: None,
        }
    }

    /// For how long after a sign of life the server keeps the peer's locks for it. When the peer is gone with its
    /// connection, that is how long the server takes a silent connection for a living one.
    pub(super) fn validity(&self, heartbeat: Duration) -> Duration {
        match self.on_disconnect {
            OnDisconnect::Expire => self.expires_in,
            OnDisconnect::Release => self.expires_in.min(heartbeat.saturating_mul(2)),
        }
    }

    /// How long before the end of that a lease is lost.
    pub(super) fn margin(&self, heartbeat: Duration) -> Duration {
        let validity = self.validity(heartbeat);
        self.margin.unwrap_or(validity / 5).min(validity / 2)
    }

    /// Whether the server should know the peer.
    pub(super) const fn is_needed(&self) -> bool {
        !self.told || self.key.is_some() || self.pending.is_some()
    }

    /// Whether it depends on the connection.
    pub(super) fn is_active(&self) -> bool {
        self.pending.is_some() || !self.leases.is_empty()
    }
}
