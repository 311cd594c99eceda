//! What can be asked of the engine. A list of `(Time, Command)` is the engine's whole history: replaying it into
//! a fresh engine rebuilds the same state bit for bit.

use super::ids::{ConnectionId, Fence, PeerId, Priority};
use super::numbers::Claims;
use super::operation::Operation;
use super::session::Session;
use super::settings::SemaphoreSettings;
use super::text::SemaphoreName;
use super::time::Span;
use super::want::Want;

/// One request to the engine. Each answers with an [`Outcome`](super::Outcome).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Makes a new peer. With a `session` it lives as long as that connection, without one it expires
    /// `expires_in` from now. Answers [`Reply::Opened`](super::Reply::Opened).
    Open {
        /// The new peer's identity; refused when it is taken.
        peer: PeerId,
        /// Time to live, counted from now or from when the connection is gone. Zero is over at once.
        expires_in: Span,
        /// The connection that keeps the peer alive, and who it is there.
        session: Option<Session>,
    },
    /// Makes a peer known again, with the locks its client says it holds, even above a semaphore's maximum.
    /// On a peer that holds exactly that already, it only prolongs; with a `session`, which must have the peer's
    /// key, it binds the peer as [`Command::Resume`] does. Answers [`Reply::Restored`](super::Reply::Restored).
    Restore {
        /// The peer's identity from before.
        peer: PeerId,
        /// Time to live, as in [`Command::Open`].
        expires_in: Span,
        /// The connection that keeps the peer alive, and who it is there.
        session: Option<Session>,
        /// What it holds. `None`: nothing.
        held: Option<Want>,
        /// The numbers of its locks. It keeps those that are free, as many as it has a count of; of the others the
        /// smallest free ones take the place. What is said of semaphores without numbers, or not held, counts for
        /// nothing, as does all of it when the peer is known.
        slots: Claims,
        /// What the caller takes names of what it holds for, as in [`Command::Acquire`]; but of a name that is there, or
        /// fits a pattern, what is there counts.
        declared: Box<[SemaphoreSettings]>,
    },
    /// The heartbeat: lets the peer expire `expires_in` from now. For a peer that is bound to a connection it
    /// only sets the time to live for when that is gone. Answers [`Reply::KeptAlive`](super::Reply::KeptAlive).
    KeepAlive {
        /// Whose heartbeat it is.
        peer: PeerId,
        /// Time to live from now. Zero is over at once.
        expires_in: Span,
    },
    /// Binds a peer whose key the session has to the session's connection, with all that it holds and waits for.
    /// The connection that it was bound to before is told ([`Effect::Superseded`](super::Effect::Superseded)).
    /// Answers [`Reply::Bound`](super::Reply::Bound).
    Resume {
        /// Who is bound.
        peer: PeerId,
        /// Time to live for when the connection is gone.
        expires_in: Span,
        /// To what, and the peer's key.
        session: Session,
    },
    /// Binds a peer made over REST to a connection, which is its heartbeat from now on, and gives it a key. The
    /// connection that it was bound to before is told. Answers [`Reply::Bound`](super::Reply::Bound).
    Adopt {
        /// Who is bound.
        peer: PeerId,
        /// Time to live for when the connection is gone.
        expires_in: Span,
        /// To what, and the peer's key from now on.
        session: Session,
    },
    /// A connection is gone: of each peer that is bound to it, the time to live starts to run, or it is closed
    /// if its session said so. Answers [`Reply::Disconnected`](super::Reply::Disconnected).
    Disconnect {
        /// Which one.
        connection: ConnectionId,
    },
    /// Releases all that the peer holds, gives up what it waits for, and forgets it. Answers
    /// [`Reply::Closed`](super::Reply::Closed).
    Close {
        /// Who leaves.
        peer: PeerId,
    },
    /// Sets what the peer holds on the named semaphores: all of the want or, while it waits, nothing of it. What
    /// is held already with the same count stays; a smaller count shrinks the lock at once. Answers
    /// [`Reply::Held`](super::Reply::Held) or [`Reply::Queued`](super::Reply::Queued).
    Acquire {
        /// Who asks.
        peer: PeerId,
        /// For what.
        want: Want,
        /// Before whom.
        priority: Priority,
        /// How long to wait: `None` for ever, zero not at all.
        timeout: Option<Span>,
        /// Refuse at once if it is known that it will take longer; if that is not known, wait so long.
        max_wait: Option<Span>,
        /// Prolongs the peer from the moment that it is known, whatever the outcome.
        expires_in: Option<Span>,
        /// What the caller takes names of the want for. Those that nobody has listed are made so, if clients may do
        /// that ([`Limits::dynamic`](super::Limits)); the others have to be so.
        declared: Box<[SemaphoreSettings]>,
    },
    /// Releases locks; what the peer waits for is left alone. Answers [`Reply::Released`](super::Reply::Released).
    Release {
        /// Who releases.
        peer: PeerId,
        /// Which semaphores. `None`: all that it holds.
        names: Option<Vec<SemaphoreName>>,
    },
    /// Ends the peer's wait. Answers [`Reply::Cancelled`](super::Reply::Cancelled).
    Cancel {
        /// Who gives up.
        peer: PeerId,
    },
    /// Releases the peer's lock on one semaphore or, when it holds none there, ends its wait if that is for this
    /// semaphore. Answers [`Reply::Released`](super::Reply::Released).
    Leave {
        /// Who leaves.
        peer: PeerId,
        /// Which semaphore.
        name: SemaphoreName,
    },
    /// Promises tokens of a bucket to somebody who does not wait here: behind all who wait and all that is promised.
    /// Answers [`Reply::Reserved`](super::Reply::Reserved).
    Reserve {
        /// Of which bucket.
        name: SemaphoreName,
        /// How many.
        count: i64,
        /// Refuse when it takes longer.
        max_wait: Option<Span>,
        /// What the caller takes the name for, as in [`Command::Acquire`].
        declared: Option<Box<SemaphoreSettings>>,
    },
    /// Gives up tokens that are promised and not due: their turn is for others. Answers
    /// [`Reply::Released`](super::Reply::Released).
    Unreserve {
        /// Of which bucket.
        name: SemaphoreName,
        /// What [`Reply::Reserved`](super::Reply::Reserved) said.
        permit: Fence,
    },
    /// Corrects what a peer took of buckets to what it used, more or less; what was promised to others meanwhile stays
    /// promised. Answers [`Reply::Settled`](super::Reply::Settled).
    Settle {
        /// Whose permits.
        peer: PeerId,
        /// How much was used, which may be nothing.
        used: Want,
    },
    /// The resource behind a bucket has refused somebody: nothing is given for a while, to anybody. What is promised
    /// already stays promised. Answers [`Reply::BackedOff`](super::Reply::BackedOff).
    BackOff {
        /// Who says so: it must hold a permit of the bucket. `None`: somebody who does not wait here.
        peer: Option<PeerId>,
        /// Of which bucket.
        name: SemaphoreName,
        /// For how long, from now. The longest that anybody says counts.
        retry_after: Span,
    },
    /// What only operators do.
    Operate(Operation),
    /// Nothing but the passage of time: what is due expires. Answers [`Reply::Expired`](super::Reply::Expired).
    Expire,
}
