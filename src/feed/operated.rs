//! What an operator did, as it is told to those who watch and put on record.

use super::journal::Kind;
use crate::engine::{Label, PeerId, SemaphoreName, SemaphoreState, Span};

/// What an operator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operated {
    /// What it was.
    pub kind: Kind,
    /// Who did it.
    pub by: String,
    /// Why, as far as they said.
    pub why: Option<Label>,
    /// To which peer.
    pub peer: Option<PeerId>,
    /// To which others, in words.
    pub peers: Option<String>,
    /// To which semaphore.
    pub semaphore: Option<SemaphoreName>,
    /// What the semaphore was, unless it was made.
    pub before: Option<SemaphoreState>,
    /// What the semaphore is, unless it was removed.
    pub after: Option<SemaphoreState>,
    /// How many locks are taken away.
    pub locks: Option<usize>,
    /// How long the holders may take to finish.
    pub grace: Option<Span>,
}

impl Operated {
    /// Nothing but what it was, who did it, and why.
    pub fn new(kind: Kind, by: &str, why: Option<Label>) -> Self {
        let by = by.to_owned();
        let (peer, peers, semaphore) = (None, None, None);
        let (before, after, locks, grace) = (None, None, None, None);
        Self { kind, by, why, peer, peers, semaphore, before, after, locks, grace }
    }
}
