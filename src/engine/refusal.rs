//! Why the engine did not do what it was told. A refused command changes nothing, but that an acquire's
//! `expires_in` prolongs its peer all the same.

use super::ids::{Count, Fence, Level};
use super::numbers::MAX_SLOTS;
use super::settings::SemaphoreSettings;
use super::text::{Label, SemaphoreName};
use super::time::Span;

/// A reason, with what explains it. [`Refusal::code`] is stable; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No semaphore or bucket has this name.
    #[error("there is no semaphore {0:?}")]
    UnknownSemaphore(SemaphoreName),
    /// More is asked than there can ever be.
    #[error("{asked} of semaphore {name:?} can never be acquired, its max is {max}")]
    Never {
        /// Of which semaphore.
        name: SemaphoreName,
        /// The count that was asked for.
        asked: i64,
        /// The semaphore's maximum.
        max: Count,
    },
    /// No peer has this identity, or it has expired.
    #[error("there is no such peer, or it has expired")]
    UnknownPeer,
    /// The peer is somebody else's: the key is not the peer's, or it cannot be adopted.
    #[error("the peer is somebody else's")]
    Forbidden,
    /// The peer's identity is taken.
    #[error("there is a peer with this identity already")]
    PeerInUse,
    /// A count is below 1, or too large to restore.
    #[error("a count of semaphore {name:?} must be positive and at most 2^31, not {asked}")]
    InvalidCount {
        /// Of which semaphore.
        name: SemaphoreName,
        /// The count that was asked for.
        asked: i64,
    },
    /// What a permit is said to have used is below 0, or too large.
    #[error("what was used of {name:?} must be from 0 to 2^31, not {asked}")]
    InvalidUse {
        /// Of which bucket.
        name: SemaphoreName,
        /// How much it is said to be.
        asked: i64,
    },
    /// A lock that is held cannot grow: two peers that both try would wait for each other.
    #[error("the lock on {name:?} cannot grow from {held} to {asked} while it is held")]
    Growth {
        /// Of which semaphore.
        name: SemaphoreName,
        /// The count that is held.
        held: Count,
        /// The count that was asked for.
        asked: i64,
    },
    /// Locks must be acquired in strictly falling order of level.
    #[error(
        "semaphore {name:?} has level {level}, which is not below level {held_level} of {held:?}, which is held"
    )]
    Hierarchy {
        /// The semaphore that was asked for.
        name: SemaphoreName,
        /// Its level.
        level: Level,
        /// A semaphore of the lowest level that is held.
        held: SemaphoreName,
        /// Its level.
        held_level: Level,
    },
    /// The peer waits for something else.
    #[error("the peer waits for something else already")]
    AlreadyPending,
    /// It was not to be had at once, and waiting was not wanted.
    #[error("not acquired in time")]
    Timeout,
    /// It is known already that it would take longer than the caller is willing to wait.
    #[error("it would take {}, {}", wait.in_millis(), allowed(*max_wait))]
    TooLate {
        /// How long it would take.
        wait: Span,
        /// How long the caller would have waited.
        max_wait: Span,
    },
    /// As many as are allowed wait for it already.
    #[error("too many wait for {name:?} already; try again in {}", retry_after.in_millis())]
    Busy {
        /// What everybody waits for.
        name: SemaphoreName,
        /// After this time there may be room.
        retry_after: Span,
    },
    /// A semaphore has no tokens.
    #[error("{0:?} is a semaphore, not a bucket")]
    NotABucket(SemaphoreName),
    /// A bucket has no level, and none of a semaphore's manners.
    #[error("{0:?} is a bucket, which has no level, max_pending, max_hold, lock_delay and slots")]
    NotASemaphore(SemaphoreName),
    /// There are not so many numbers.
    #[error("with slots the max of {name:?} is at most {MAX_SLOTS}, not {max}")]
    TooManySlots {
        /// Of which semaphore.
        name: SemaphoreName,
        /// What its maximum would be.
        max: Count,
    },
    /// There is no such permit that could be given up: it is not known, or due already.
    #[error("there is no permit {0} that could still be given up")]
    UnknownPermit(Fence),
    /// A restore of a peer that is known and holds something else.
    #[error("the peer is known and holds something else")]
    RestoreConflict,
    /// An operator has taken the peer away and it wants to come back, or is going to and it wants more.
    #[error("an operator has revoked the peer{}", because(why.as_ref()))]
    Revoked {
        /// What the operator said about it.
        why: Option<Label>,
    },
    /// A duration is longer than the server allows.
    #[error("a duration of {asked} is longer than the {max} allowed")]
    TooLong {
        /// The duration that was asked for.
        asked: Span,
        /// The longest allowed one.
        max: Span,
    },
    /// There is a semaphore of this name.
    #[error("there is a semaphore {0:?} already")]
    SemaphoreExists(SemaphoreName),
    /// What somebody holds or waits for, or was promised, is not removed unless that is forced.
    #[error("semaphore {name:?} is in use: {holders} hold it and {waiters} wait for it{}", promised(*reserved))]
    InUse {
        /// Which one.
        name: SemaphoreName,
        /// How many peers hold it.
        holders: usize,
        /// How many peers wait for it.
        waiters: usize,
        /// How many tokens of it are promised and not yet due.
        reserved: u64,
    },
    /// The peer has no lock on this semaphore.
    #[error("the peer does not hold semaphore {0:?}")]
    NotHeld(SemaphoreName),
    /// There are as many semaphores as operators may bring them to.
    #[error(
        "operators may bring it to {max} semaphores and buckets, with those of the configuration file: no more can be made"
    )]
    TooManySemaphores {
        /// The limit.
        max: usize,
    },
    /// There are as many keys as the server allows.
    #[error("{max} names are in use that nobody has listed, which is the limit")]
    TooManyKeyed {
        /// The limit.
        max: usize,
    },
    /// What a client declares is not what there is.
    #[error("{name:?} is {} here, not {}", actual.described(), declared.described())]
    DeclaredOtherwise {
        /// Its name.
        name: SemaphoreName,
        /// What the client says.
        declared: Box<SemaphoreSettings>,
        /// What there is.
        actual: Box<SemaphoreSettings>,
    },
    /// There are as many peers as the server allows.
    #[error("there are {max} peers, which is the limit")]
    TooManyPeers {
        /// The limit.
        max: usize,
    },
}

impl Refusal {
    /// Every code there is, in the order of the alphabet.
    pub const CODES: [&str; 20] = [
        "already_pending",
        "busy",
        "declared_otherwise",
        "forbidden",
        "hierarchy",
        "in_use",
        "invalid_count",
        "limit_exceeded",
        "never",
        "not_a_bucket",
        "not_a_semaphore",
        "not_held",
        "peer_in_use",
        "restore_conflict",
        "revoked",
        "semaphore_exists",
        "timeout",
        "unknown_peer",
        "unknown_permit",
        "unknown_semaphore",
    ];

    /// The stable name of the reason, for programs and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownSemaphore(_) => "unknown_semaphore",
            Self::Never { .. } => "never",
            Self::UnknownPeer => "unknown_peer",
            Self::Forbidden => "forbidden",
            Self::PeerInUse => "peer_in_use",
            Self::InvalidCount { .. } | Self::InvalidUse { .. } => "invalid_count",
            Self::Growth { .. } | Self::Hierarchy { .. } => "hierarchy",
            Self::AlreadyPending => "already_pending",
            Self::Timeout | Self::TooLate { .. } => "timeout",
            Self::Busy { .. } => "busy",
            Self::NotABucket(_) => "not_a_bucket",
            Self::NotASemaphore(_) => "not_a_semaphore",
            Self::UnknownPermit(_) => "unknown_permit",
            Self::RestoreConflict => "restore_conflict",
            Self::Revoked { .. } => "revoked",
            Self::SemaphoreExists(_) => "semaphore_exists",
            Self::InUse { .. } => "in_use",
            Self::NotHeld(_) => "not_held",
            Self::DeclaredOtherwise { .. } => "declared_otherwise",
            Self::TooManyKeyed { .. }
            | Self::TooLong { .. }
            | Self::TooManyPeers { .. }
            | Self::TooManySlots { .. }
            | Self::TooManySemaphores { .. } => "limit_exceeded",
        }
    }
}

fn allowed(max_wait: Span) -> String {
    match max_wait {
        Span::ZERO => "and no wait is allowed".to_owned(),
        some => format!("longer than the {some} allowed"),
    }
}

fn promised(tokens: u64) -> String {
    match tokens {
        0 => String::new(),
        1 => ", and a token of it is promised".to_owned(),
        _ => format!(", and {tokens} tokens of it are promised"),
    }
}

fn because(why: Option<&Label>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}
