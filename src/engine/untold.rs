//! Locks that an operator took from peers without a connection: nobody could be told. Such a peer still thinks that it
//! holds them. If it expires before it has learnt better, it does not come back with them: it is remembered as if it had
//! been taken away as a whole.

use std::collections::BTreeMap;

use super::ids::PeerId;
use super::text::{Label, SemaphoreName};

/// Of each peer that is there: what was taken, and why.
#[derive(Debug, Default)]
pub(super) struct Untold(BTreeMap<PeerId, BTreeMap<SemaphoreName, Option<Label>>>);

impl Untold {
    pub(super) fn add(&mut self, peer: PeerId, name: SemaphoreName, why: Option<Label>) {
        self.0.entry(peer).or_default().insert(name, why);
    }

    /// The peer has it again, or has given it up: what it thinks is true again.
    pub(super) fn settled(&mut self, peer: PeerId, name: &SemaphoreName) {
        if let Some(names) = self.0.get_mut(&peer) {
            names.remove(name);
            if names.is_empty() {
                self.0.remove(&peer);
            }
        }
    }

    /// The peer is told all that it holds, or is gone. Says why the first of what it does not know was taken.
    pub(super) fn forget(&mut self, peer: PeerId) -> Option<Option<Label>> {
        self.0.remove(&peer)?.into_values().next()
    }

    pub(super) fn iter(
        &self,
    ) -> impl Iterator<Item = (&PeerId, &BTreeMap<SemaphoreName, Option<Label>>)> {
        self.0.iter()
    }
}
