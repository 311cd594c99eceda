//! Peers that an operator has taken away. They may not know it yet, and come back to restore what they think they hold;
//! so they are remembered for as long as they could have been silent: their time to live, from when they went.

use std::collections::{BTreeMap, BTreeSet};

use super::core::Engine;
use super::ids::PeerId;
use super::peers::Peer;
use super::refusal::Refusal;
use super::text::Label;
use super::time::Time;

/// None of them is a peer. Nobody waits for one to be forgotten, so there are no deadlines for it.
#[derive(Debug, Default)]
pub(super) struct RevokedPeers {
    peers: BTreeMap<PeerId, (Time, Option<Label>)>,
    /// The same, by when they are forgotten.
    pub(super) by_end: BTreeSet<(Time, PeerId)>,
}

impl RevokedPeers {
    /// Remembers a peer, but `max` of them at most: then those are forgotten first who are to be forgotten soonest.
    fn add(&mut self, peer: PeerId, until: Time, why: Option<Label>, max: usize) {
        if let Some((before, _)) = self.peers.insert(peer, (until, why)) {
            self.by_end.remove(&(before, peer));
        }
        self.by_end.insert((until, peer));
        while self.peers.len() > max {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, peer)) = self.by_end.pop_first() {
            self.peers.remove(&peer);
        }
    }

    /// In the order of their identities: until when each is remembered, and why it was taken away.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&PeerId, &(Time, Option<Label>))> {
        self.peers.iter()
    }
}

impl Engine {
    /// Remembers who was taken away.
    pub(super) fn remember(&mut self, gone: &Peer, why: Option<Label>) {
        let until = self.now.after(gone.expires_in);
        self.revoked_peers.add(gone.id, until, why, self.limits.max_peers);
    }

    /// Forgets those whose time to live is over.
    pub(super) fn forget_revoked(&mut self) {
        while self.revoked_peers.by_end.first().is_some_and(|(until, _)| *until <= self.now) {
            self.revoked_peers.forget_first();
        }
    }

    /// Whether somebody may come, or come back, under this identity.
    pub(super) fn check_not_revoked(&self, peer: PeerId) -> Result<(), Refusal> {
        match self.revoked_peers.peers.get(&peer) {
            None => Ok(()),
            Some((_, why)) => Err(Refusal::Revoked { why: why.clone() }),
        }
    }
}
