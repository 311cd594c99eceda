//! The lease engine: semaphores, the peers that hold locks on them, and the queues of those who wait.
//!
//! It is pure. Absent are a clock, I/O, async, logging, randomness, and any dependence on the order of a hash
//! map: `apply(now, command)` depends on nothing but the commands before it. It knows neither HTTP nor JSON.

mod acquire;
mod bucket;
mod buckets;
mod class;
mod command;
mod connections;
mod core;
mod deadlines;
mod delays;
mod expiry;
mod ids;
mod invariants;
mod join;
mod keys;
mod life;
mod listing;
mod locks;
mod manners;
mod numbers;
mod operate;
mod operation;
mod outcome;
mod overdue;
mod patterns;
mod peers;
mod queue;
mod rate;
mod refusal;
mod reservations;
mod revocations;
mod revoked_peers;
mod semaphore_view;
mod semaphores;
mod session;
mod settings;
mod standing;
mod terms;
mod text;
mod time;
mod untold;
mod view;
mod want;
mod wish;

pub use self::core::Engine;
pub use command::Command;
pub use ids::{
    ConnectionId, Count, Fence, InvalidPeerId, Level, MAX_COUNT, PeerId, Priority, TicketId,
};
pub use manners::{LONGEST_HOLD, Manners};
pub use numbers::{Claims, MAX_SLOTS};
pub use operation::{Change, Operation, Revoked, SemaphoreState};
pub use outcome::{Effect, EndReason, Lock, Locks, Outcome, ReleaseReason, Reply};
pub use patterns::{DECLARED, most_specific};
pub use rate::{MAX_EVERY, MAX_RESERVED, MOST_RESERVED, Rate, RateWish};
pub use refusal::Refusal;
pub use semaphore_view::{Blocked, BucketView, SemaphoreView};
pub use session::{Key, OnDisconnect, Session};
pub use settings::{Limits, SemaphoreSettings, Settings};
pub use terms::{BucketParts, Terms};
pub use text::{InvalidText, Label, MAX_TEXT_BYTES, SemaphoreName};
pub use time::{Span, Time};
pub use view::{Life, PeerCursor, PeerView, TicketView, Wait};
pub use want::{InvalidWant, MAX_WANT_NAMES, Want};
pub use wish::{MannersWish, Wish};
