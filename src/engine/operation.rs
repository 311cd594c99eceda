//! What operators may ask of the engine, and what comes of it.

use super::ids::{Count, Level, PeerId};
use super::manners::Manners;
use super::outcome::Locks;
use super::rate::Rate;
use super::settings::SemaphoreSettings;
use super::text::{Label, SemaphoreName};
use super::time::Span;
use super::wish::Wish;

/// Something that an operator does. A part of [`Command`](super::Command).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Makes a semaphore. Answers [`Reply::Changed`](super::Reply::Changed).
    Create(SemaphoreSettings),
    /// Changes what is given, and nothing else of a semaphore or a bucket. A smaller maximum takes nothing away: nothing new is
    /// granted until it fits. Whoever waits for more than it is told that it can never be granted. A level is looked
    /// at when somebody acquires, so those who hold or wait are not concerned. What a bucket has given is paid for at
    /// the old rate. Answers [`Reply::Changed`](super::Reply::Changed).
    Change {
        /// Which one.
        name: SemaphoreName,
        /// What is to be different.
        wish: Wish,
    },
    /// Removes a semaphore. Unless it is forced, nobody may hold it or wait for it; if it is, those who hold it lose
    /// their locks and those who wait are told. Answers [`Reply::Changed`](super::Reply::Changed).
    Delete {
        /// Which one.
        name: SemaphoreName,
        /// Whether to take it from those who hold or wait.
        force: bool,
        /// What the holders are told.
        why: Option<Label>,
    },
    /// Makes the semaphores of a configuration what it says, all or none of them: those that are there are changed,
    /// but stay paused or not, and the others are made. Refused when one that is to be removed is in use. Answers
    /// [`Reply::Changed`](super::Reply::Changed) with what is different now.
    Configure {
        /// What is to be there.
        set: Vec<SemaphoreSettings>,
        /// What is not to be there any more.
        remove: Vec<SemaphoreName>,
    },
    /// Takes one lock from a peer, or the peer with all that it holds and waits for. With a `grace` its connection is
    /// told at once ([`Effect::Yield`](super::Effect::Yield)) and may finish within that time. What was to be taken
    /// sooner, by itself or with its peer, still is, and then nothing is told. A peer that is to go as a whole waits for
    /// nothing any more and gets nothing new. Answers [`Reply::Revoked`](super::Reply::Revoked).
    Revoke {
        /// From whom.
        peer: PeerId,
        /// Its lock on which semaphore. `None`: the whole peer.
        name: Option<SemaphoreName>,
        /// How long the holder may take to finish.
        grace: Span,
        /// What the holder is told.
        why: Option<Label>,
    },
    /// Takes all locks on a semaphore from whoever holds them, as [`Operation::Revoke`] does with one. Answers
    /// [`Reply::Revoked`](super::Reply::Revoked).
    Free {
        /// Which one.
        name: SemaphoreName,
        /// How long the holders may take to finish.
        grace: Span,
        /// What the holders are told.
        why: Option<Label>,
    },
}

/// What is said about a semaphore, by the configuration or by operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreState {
    /// How much of it may be held at once.
    pub max: Count,
    /// Its place in the lock hierarchy.
    pub level: Level,
    /// Whether nothing is granted.
    pub paused: bool,
    /// A bucket's rate.
    pub rate: Option<Rate>,
    /// How it treats those who wait.
    pub manners: Manners,
}

/// A semaphore that was made, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// Which one.
    pub name: SemaphoreName,
    /// What it was. `None`: it was not there.
    pub before: Option<SemaphoreState>,
    /// What it is. `None`: it is not there any more.
    pub after: Option<SemaphoreState>,
}

/// What is or will be taken from a peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revoked {
    /// From whom.
    pub peer: PeerId,
    /// Which of its locks.
    pub locks: Locks,
    /// Whether the peer itself goes.
    pub whole: bool,
    /// What the holder is told.
    pub why: Option<Label>,
}
