//! The session of a client: what the program wants, what the server says and the time go in; frames and events come
//! out. It owns the safety deadline: the moment from which the server may give a lease's locks to others.
//!
//! It is pure. Absent are sockets, async, a clock and randomness. What it does depends on nothing but what it was
//! told before. Nothing is sent the moment it is wanted: a peer about which there is something to say is *dirty*, and
//! when a frame is asked for, it is made of what the dirty peers have to say by then (`requests`). So what is ready
//! leaves together, and a new connection is told all of it by marking every peer dirty.
//!
//! What must be true, whatever the server says:
//! - A lease is valid only before its peer's deadline: the moment a message was sent that the server has answered on
//!   a connection that had the peer, plus the time the server grants (`deadlines`). Once lost, it stays lost.
//! - What the server may hold for a peer without a valid lease, or without a wait for it, is given back, again after
//!   each reconnect, until the server has confirmed it.

mod acquires;
mod answers;
mod connection;
mod deadlines;
mod frame;
mod leases;
mod peer;
mod reports;
mod requests;
mod resumed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::clock::Time;
use super::error::Error;
use super::limit::Limits;
use super::settings::{PeerSettings, Settings};
use super::want::Want;
use super::wire::{Locks, PeerNumber, RequestId};
use connection::{Connection, Link};
use deadlines::Pace;
use leases::Lease;
use peer::{Giving, Peer};

pub(super) use connection::Gone;
pub(super) use deadlines::FOR_AN_ANSWER;
pub(super) use reports::Told;

/// A server that says nothing about it takes frames of this size.
const FRAME_BYTES: usize = 64 * 1024;

/// Until a server says how often it wants to hear something.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Number of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LeaseId(pub(super) u64);

/// Number of an acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AcquireId(pub(super) u64);

/// Number of what the holder of tokens has told about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ReportId(pub(super) u64);

/// What a program wants of an acquire.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) want: Want,
    /// `None`: for ever.
    pub(super) timeout: Option<Duration>,
    /// How long it may take as far as that is known beforehand.
    pub(super) max_wait: Option<Duration>,
    pub(super) priority: i8,
    pub(super) progress: bool,
    pub(super) declare: Limits,
    /// Whether it wants a bucket, and nothing else: what was taken is never lost.
    pub(super) permit: bool,
}

/// Where an acquire stands that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The place in line: 1 is the next one. Of several lines, it is that in the longest.
    pub position: u64,
    /// How long it will take, if the server knows.
    pub eta: Option<Duration>,
    /// The labels of the first few who hold what is wanted.
    pub blocked_by: Vec<String>,
}

/// What happened. Each concerns one thing that the program has asked for, and is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Opened {
        peer: PeerNumber,
        result: Result<(), Error>,
    },
    Acquired {
        acquire: AcquireId,
        result: Result<LeaseId, Error>,
    },
    Progress {
        acquire: AcquireId,
        progress: Progress,
    },
    /// Nobody else is given the locks before its deadline has passed.
    Lost {
        lease: LeaseId,
    },
    /// An operator is going to take it away.
    Noticed {
        lease: LeaseId,
    },
    /// The server has confirmed that it was released; or it is free for another reason.
    Released {
        lease: LeaseId,
        result: Result<(), Error>,
    },
    /// The server has done what a report asks for, or will not.
    Reported {
        report: ReportId,
        result: Result<(), Error>,
    },
}

/// What was asked on the connection there is, and when it was sent.
#[derive(Debug)]
struct Asked {
    sent: Time,
    about: About,
}

#[derive(Debug)]
enum About {
    Hello,
    Open(PeerNumber),
    Acquire(PeerNumber, AcquireId),
    Release(PeerNumber, Giving),
    Close(PeerNumber),
    Report(PeerNumber, ReportId),
    Ping,
}

/// The session of a client. See the module.
#[derive(Debug)]
pub(super) struct Machine {
    settings: Settings,
    link: Link,
    /// How often there was no connection since one has lasted.
    attempts: u32,
    /// Why there is no connection, or had better be none.
    trouble: Option<Gone>,
    asked: BTreeMap<RequestId, Asked>,
    last_id: u64,
    peers: BTreeMap<PeerNumber, Peer>,
    acquires: BTreeMap<AcquireId, PeerNumber>,
    leases: BTreeMap<LeaseId, Lease>,
    /// Peers about which there is something to say.
    dirty: BTreeSet<PeerNumber>,
    /// Peers with a grant that is not known to be good for long enough.
    confirming: BTreeSet<PeerNumber>,
    /// When acquires are given up.
    give_up: BTreeSet<(Time, AcquireId)>,
    /// No lease is lost before this for lack of signs of life.
    look_again: Option<Time>,
    pace: Pace,
    /// The memory that the server has had when it was last heard.
    epoch: Option<Arc<str>>,
    heartbeat: Duration,
    max_frame_bytes: usize,
    /// Messages that did not fit into the last frame.
    left_over: VecDeque<String>,
    closing: bool,
    events: VecDeque<Event>,
}

impl Machine {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            link: Link::new(),
            attempts: 0,
            trouble: None,
            asked: BTreeMap::new(),
            last_id: 0,
            peers: BTreeMap::new(),
            acquires: BTreeMap::new(),
            leases: BTreeMap::new(),
            dirty: BTreeSet::new(),
            confirming: BTreeSet::new(),
            give_up: BTreeSet::new(),
            look_again: None,
            pace: Pace::default(),
            epoch: None,
            heartbeat: HEARTBEAT,
            max_frame_bytes: FRAME_BYTES,
            left_over: VecDeque::new(),
            closing: false,
            events: VecDeque::new(),
        }
    }

    /// What has happened, in order.
    pub(super) fn pop_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A new peer. [`Event::Opened`] follows.
    pub(super) fn open(&mut self, settings: PeerSettings) -> PeerNumber {
        let number = PeerNumber(self.next_id());
        if let Some(error) = self.over() {
            self.events.push_back(Event::Opened { peer: number, result: Err(error) });
            return number;
        }
        self.peers.insert(number, Peer::new(settings));
        self.dirty.insert(number);
        number
    }

    /// A peer is of no use any more: what it holds and waits for is given back.
    pub(super) fn close_peer(&mut self, number: PeerNumber) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        peer.closing = true;
        self.dirty.insert(number);
    }

    /// The program has had enough: all that it has is given back, and no connection is made any more.
    pub(super) fn close(&mut self, now: Time) {
        self.closing = true;
        let numbers: Vec<_> = self.peers.keys().copied().collect();
        for number in &numbers {
            self.close_peer(*number);
        }
        self.fail_all(now, &Error::Ended);
    }

    /// Whether the program has had enough, and nothing can be said about it any more or everything is.
    pub(super) fn is_done(&self) -> bool {
        match &self.link {
            Link::Over(_) => true,
            Link::Down { .. } => self.closing,
            Link::Up(_) => {
                self.closing
                    && self.left_over.is_empty()
                    && (self.dirty.is_empty() || !self.can_ask())
            }
        }
    }

    /// Why there will be no connection any more.
    pub(super) fn over(&self) -> Option<Error> {
        match &self.link {
            Link::Over(error) => Some(error.clone()),
            Link::Down { .. } | Link::Up(_) => self.closing.then_some(Error::Ended),
        }
    }

    /// Whether the server has welcomed this client on the connection there is.
    pub(super) fn is_welcome(&self) -> bool {
        self.connection().is_some_and(|connection| connection.welcomed)
    }

    /// The public name of a peer, which operators see.
    pub(super) fn peer_id(&self, number: PeerNumber) -> Option<&str> {
        self.peers.get(&number)?.key.as_ref().map(|key| key.peer_id.as_str())
    }

    /// Whether requests can be sent and will be answered.
    fn can_ask(&self) -> bool {
        self.connection().is_some_and(|it| it.welcomed && it.draining.is_none())
    }

    fn connection(&self) -> Option<&Connection> {
        match &self.link {
            Link::Up(connection) => Some(connection),
            Link::Down { .. } | Link::Over(_) => None,
        }
    }

    fn connection_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.link {
            Link::Up(connection) => Some(connection),
            Link::Down { .. } | Link::Over(_) => None,
        }
    }

    /// Numbers of requests, peers, acquires and leases are of one series, so that none can be taken for another.
    const fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[cfg(test)]
mod tests;
