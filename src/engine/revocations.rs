//! What is going to be taken away, and when: nearly always nothing.

use std::collections::BTreeMap;

use super::ids::{Fence, PeerId};
use super::text::Label;
use super::time::Time;

/// What a revocation takes: a lock, found by its fence, or the peer itself.
pub(super) type Target = Option<Fence>;

/// A revocation whose grace is not over.
#[derive(Debug, Hash)]
pub(super) struct Revocation {
    /// When it is.
    pub(super) until: Time,
    /// What the holder was told.
    pub(super) why: Option<Label>,
}

/// The revocations whose grace is not over. Each has a deadline. Those of locks are sooner than that of their peer, if
/// there is one.
#[derive(Debug, Default)]
pub(super) struct Revocations(BTreeMap<(PeerId, Target), Revocation>);

impl Revocations {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, peer: PeerId, target: Target) -> Option<&Revocation> {
        self.0.get(&(peer, target))
    }

    /// When something is taken away, by itself or with its peer.
    pub(super) fn end(&self, peer: PeerId, target: Target) -> Option<Time> {
        let ends = [target, None].map(|target| self.get(peer, target).map(|it| it.until));
        ends.into_iter().flatten().min()
    }

    /// What is to be taken from a peer: first the peer itself, then locks in the order of their grants.
    pub(super) fn of(&self, peer: PeerId) -> impl Iterator<Item = (Target, &Revocation)> {
        let all = self.0.range((peer, None)..=(peer, Some(Fence(u64::MAX))));
        all.map(|((_, target), revocation)| (*target, revocation))
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
