//! What is going to be taken away, and when: nearly always nothing.

use std::collections::BTreeMap;

use super::ids::{Fence, PeerId};
use super::operation::Revocation;

/// What a revocation takes: a lock, found by its fence, or the peer itself.
pub(super) type Target = Option<Fence>;

/// The revocations whose grace is not over. Each has a deadline.
#[derive(Debug, Default)]
pub(super) struct Revocations(BTreeMap<(PeerId, Target), Revocation>);

impl Revocations {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, peer: PeerId, target: Target) -> Option<&Revocation> {
        self.0.get(&(peer, target))
    }

    pub(super) fn add(&mut self, peer: PeerId, target: Target, revocation: Revocation) {
        self.0.insert((peer, target), revocation);
    }

    pub(super) fn remove(&mut self, peer: PeerId, target: Target) -> Option<Revocation> {
        self.0.remove(&(peer, target))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&(PeerId, Target), &Revocation)> {
        self.0.iter()
    }
}
