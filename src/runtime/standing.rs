//! Where those stand who wait, and who is in their way, as sessions tell it.

use crate::engine::{Engine, Label, PeerId, Time, Wait};

/// Most holders that are named to who has to wait.
const BLOCKED_BY_HOLDERS: usize = 3;

/// Where a peer stands that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The wait, and its place.
    pub wait: Wait,
    /// When its `eta` is over.
    pub due: Option<Time>,
    /// The labels of the first few that hold what it wants.
    pub blocked_by: Vec<Label>,
}

impl Standing {
    /// As of `now`: the engine has not been told the time since its last command. `None`: it does not wait.
    pub fn of(engine: &Engine, now: Time, peer: PeerId) -> Option<Self> {
        let wait = engine.wait_of(peer)?;
        let due = wait.eta.map(|eta| engine.now().after(eta));
        let wait = Wait { eta: due.map(|due| due.since(now)), ..wait };
        Some(Self { wait, due, blocked_by: blocked_by(engine, peer) })
    }
}

/// Who stands in the way of a peer that waits: the labels of the first few that hold what it wants.
pub(super) fn blocked_by(engine: &Engine, peer: PeerId) -> Vec<Label> {
    let holders = engine.blocking(peer).take(BLOCKED_BY_HOLDERS);
    holders.filter_map(|(_, label, _)| label).collect()
}
