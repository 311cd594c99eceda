//! What the engine says to a command, and what else happened because of it.

use smallvec::SmallVec;

use super::ids::{ConnectionId, Count, Fence, PeerId, TicketId};
use super::operation::{Change, Revoked};
use super::refusal::Refusal;
use super::text::SemaphoreName;
use super::time::{Span, Time};

/// All that came of one command.
///
/// The caller gets `reply`. The `effects` are in the order in which they happened, those of expiries that were
/// due before the command first; each is owed to somebody else (a waiting caller, a connection, a metric).
/// Neither may leave the process before the store has the command.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer to who asked.
    pub reply: Result<Reply, Refusal>,
    /// What happened, to whomever.
    pub effects: Vec<Effect>,
    /// How many of the effects happened before there was a reply. The others came of serving those in line, or are for
    /// whoever has got the reply.
    pub before_reply: usize,
}

/// What a peer holds on one semaphore.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lock {
    /// Of which semaphore.
    pub name: SemaphoreName,
    /// How much of it.
    pub count: Count,
    /// The number of the grant. Shrinking keeps it.
    pub fence: Fence,
    /// When it was granted.
    pub since: Time,
    /// Which pieces of the semaphore, if those are told apart; in ascending order.
    pub slots: Box<[u32]>,
}

/// Locks that belong together. Nearly always it is one.
pub type Locks = SmallVec<[Lock; 1]>;

/// The answer to a command that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The peer is there.
    Opened,
    /// The peer is there, with these locks.
    Restored {
        /// All that it holds.
        locks: Locks,
    },
    /// The peer lives longer.
    KeptAlive,
    /// The peer lives as long as the connection.
    Bound {
        /// All that it holds.
        locks: Locks,
        /// What it waits for.
        pending: Option<TicketId>,
    },
    /// The connection keeps nobody alive any more.
    Disconnected {
        /// How many peers it kept alive.
        peers: usize,
    },
    /// The peer is forgotten.
    Closed,
    /// All of the want is held.
    Held {
        /// The locks of the want.
        locks: Locks,
    },
    /// The want waits; [`Effect::Granted`] or [`Effect::Ended`] with the same ticket follows.
    Queued {
        /// The wait. A repeated acquire joins it: the ticket is the same.
        ticket: TicketId,
        /// The place in line, 1 for the next one; in the longest of the lines if there are several.
        position: usize,
        /// How long it will take, where that is known: see [`Wait::eta`](super::Wait::eta).
        eta: Option<Span>,
    },
    /// Tokens are promised.
    Reserved {
        /// The number of the grant, which stands for the permit.
        permit: Fence,
        /// From when it may be used.
        from: Time,
        /// Until when.
        until: Time,
    },
    /// What was taken is corrected.
    Settled,
    /// A bucket gives nothing.
    BackedOff {
        /// Before this.
        until: Time,
    },
    /// Locks were released.
    Released {
        /// How many.
        locks: usize,
    },
    /// The peer does not wait any longer.
    Cancelled {
        /// The wait that was ended, if there was one.
        ticket: Option<TicketId>,
    },
    /// Semaphores were made, changed or removed.
    Changed(Vec<Change>),
    /// Something is taken away.
    Revoked {
        /// What, of whom.
        revoked: Vec<Revoked>,
        /// When all of it is gone: now, unless there is a grace.
        until: Time,
    },
    /// Time has passed.
    Expired {
        /// How many peers were taken away.
        peers: usize,
    },
}

/// Something that happened because of a command or of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Locks were granted.
    Granted {
        /// To whom.
        peer: PeerId,
        /// After which wait. `None`: at once.
        ticket: Option<TicketId>,
        /// What: the locks that are new, each with its own fence.
        locks: Locks,
        /// How long it waited for them.
        waited: Span,
        /// The connection that the peer is bound to.
        connection: Option<ConnectionId>,
    },
    /// A wait ended without a grant.
    Ended {
        /// Who waited.
        peer: PeerId,
        /// Which wait.
        ticket: TicketId,
        /// Why.
        reason: EndReason,
        /// The connection that the peer is bound to.
        connection: Option<ConnectionId>,
    },
    /// A lock was released, as a whole.
    Released {
        /// Who held it.
        peer: PeerId,
        /// What it was.
        lock: Lock,
        /// For how long it was held.
        held: Span,
        /// Why.
        reason: ReleaseReason,
        /// When it was given back: the connection that the peer is bound to. What becomes of a peer as a whole is told
        /// by another effect.
        connection: Option<ConnectionId>,
    },
    /// A lock came back with its client, even above the maximum.
    Restored {
        /// To whom.
        peer: PeerId,
        /// Which.
        lock: Lock,
    },
    /// A peer's time was over. What it held and waited for is told by effects of their own, before this one.
    Expired {
        /// Who it was.
        peer: PeerId,
    },
    /// A peer was closed while it was bound. What it held and waited for is told before this one.
    Closed {
        /// Which peer.
        peer: PeerId,
        /// The connection that it was bound to.
        connection: ConnectionId,
    },
    /// Something will be taken away unless it is given back before.
    Yield {
        /// What, of whom.
        revoked: Revoked,
        /// How long it may take.
        grace: Span,
        /// The connection that the peer is bound to.
        connection: Option<ConnectionId>,
    },
    /// An operator took something away. What was released and waited for is told before this one.
    Revoked {
        /// What, of whom.
        revoked: Revoked,
        /// The connection that the peer is, or was, bound to.
        connection: Option<ConnectionId>,
    },
    /// A peer was bound to another connection.
    Superseded {
        /// Which peer.
        peer: PeerId,
        /// The connection that lost it.
        connection: ConnectionId,
    },
}

impl Effect {
    /// The connection that has to be told.
    pub const fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Granted { connection, .. }
            | Self::Ended { connection, .. }
            | Self::Released { connection, .. }
            | Self::Yield { connection, .. }
            | Self::Revoked { connection, .. } => *connection,
            Self::Closed { connection, .. } | Self::Superseded { connection, .. } => {
                Some(*connection)
            }
            Self::Restored { .. } | Self::Expired { .. } => None,
        }
    }
}

/// Why a wait ended without a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its timeout was over.
    TimedOut,
    /// Its peer gave up.
    Cancelled,
    /// Its peer was closed.
    Closed,
    /// Its peer expired.
    Expired,
    /// Its peer's connection is gone, and the peer with it.
    Disconnected,
    /// An operator took its peer away.
    Revoked,
    /// It wants more than there can be: the maximum was lowered.
    Never,
    /// It wants a semaphore that was removed.
    Deleted,
}

/// Why a lock was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleaseReason {
    /// Its peer gave it back.
    Released,
    /// Its peer was closed.
    Closed,
    /// Its peer expired.
    Expired,
    /// Its peer's connection is gone, and the peer with it.
    Disconnected,
    /// An operator took it away.
    Revoked,
}
