//! What operators do: semaphores made, changed and removed, locks and peers taken away, at once or after a grace.

use super::core::Engine;
use super::deadlines::Due;
use super::ids::PeerId;
use super::operation::{Change, Operation, Revoked};
use super::outcome::{Effect, EndReason, Locks, ReleaseReason, Reply};
use super::peers::Slot;
use super::refusal::Refusal;
use super::revocations::{Revocation, Target};
use super::text::Label;
use super::time::{Span, Time};

impl Engine {
    pub(super) fn operate(&mut self, operation: &Operation) -> Result<Reply, Refusal> {
        match operation {
            Operation::Create(settings) => self.create(settings).map(changed),
            Operation::Change { name, wish } => self.change(name, wish).map(changed),
            Operation::Delete { name, force, why } => {
                self.delete(name, *force, why.as_ref()).map(changed)
            }
            Operation::Configure { set, remove } => self.configure(set, remove),
            Operation::Revoke { peer, name: None, grace, why } => {
                let slot = self.known(*peer)?;
                self.revoke_all([(slot, None)], *grace, why.as_ref())
            }
            Operation::Revoke { peer, name: Some(name), grace, why } => {
                let semaphore = self.semaphores.resolve(name)?;
                let slot = self.known(*peer)?;
                let hold = self.peers.get(slot).hold(semaphore);
                let fence = hold.ok_or_else(|| Refusal::NotHeld(name.clone()))?.fence;
                self.revoke_all([(slot, Some(fence))], *grace, why.as_ref())
            }
            Operation::Free { name, grace, why } => {
                let holders = |index| self.semaphores.get(index).holders.iter();
                let holders = self.concerned(name)?.into_iter().flat_map(holders);
                let targets: Vec<_> = holders.map(|(fence, slot)| (*slot, Some(*fence))).collect();
                self.revoke_all(targets, *grace, why.as_ref())
            }
        }
    }

    fn revoke_all(
        &mut self,
        targets: impl IntoIterator<Item = (Slot, Target)>,
        grace: Span,
        why: Option<&Label>,
    ) -> Result<Reply, Refusal> {
        self.check_span(grace)?;
        let (mut revoked, mut until) = (Vec::new(), self.now);
        for (slot, target) in targets {
            if grace == Span::ZERO {
                revoked.push(self.revoke_now(slot, target, why.cloned()));
            } else {
                until = until.max(self.revoke_later(slot, target, grace, why));
                revoked.push(self.revoked(slot, target, why.cloned()));
            }
        }
        Ok(Reply::Revoked { revoked, until })
    }

    /// Says when it is. An end that stands already is never put off, and then the holder knows all that there is.
    pub(super) fn revoke_later(
        &mut self,
        slot: Slot,
        target: Target,
        grace: Span,
        why: Option<&Label>,
    ) -> Time {
        let (id, until) = (self.peers.get(slot).id, self.now.after(grace));
        if let Some(sooner) = self.revocations.end(id, target).filter(|end| *end <= until) {
            return sooner;
        }
        self.forget_revocation(id, target);
        if target.is_none() {
            self.leave_with_the_peer(id, until);
            self.end_wait(slot, EndReason::Revoked);
        }
        self.revocations.add(id, target, Revocation { until, why: why.cloned() });
        self.deadlines.add(until, Due::Revocation(id, target));
        let connection = self.peers.get(slot).connection();
        let revoked = self.revoked(slot, target, why.cloned());
        self.effects.push(Effect::Yield { revoked, grace, connection });
        until
    }

    /// Tells a peer's connection what is going to be taken away: it may have been told to another, or to none.
    pub(super) fn warn_again(&mut self, slot: Slot) {
        let (id, connection) = (self.peers.get(slot).id, self.peers.get(slot).connection());
        for (target, revocation) in self.revocations.of(id) {
            let grace = revocation.until.since(self.now);
            let revoked = self.revoked(slot, target, revocation.why.clone());
            self.afterwards.push(Effect::Yield { revoked, grace, connection });
        }
    }

    /// Locks that would be taken after their peer go with it.
    fn leave_with_the_peer(&mut self, peer: PeerId, until: Time) {
        let later = self.revocations.of(peer).filter(|(_, revocation)| revocation.until >= until);
        for target in later.map(|(target, _)| target).collect::<Vec<_>>() {
            self.forget_revocation(peer, target);
        }
    }

    /// Whoever is going to be taken away gets nothing more.
    pub(super) fn check_stays(&self, peer: PeerId) -> Result<(), Refusal> {
        let revocation = self.revocations.get(peer, None);
        revocation.map_or(Ok(()), |it| Err(Refusal::Revoked { why: it.why.clone() }))
    }

    /// Takes away what a revocation says.
    pub(super) fn revoke_now(&mut self, slot: Slot, target: Target, why: Option<Label>) -> Revoked {
        let connection = self.peers.get(slot).connection();
        let revoked = self.revoked(slot, target, why);
        match target {
            None => {
                let gone = self.take_away(slot, ReleaseReason::Revoked, EndReason::Revoked);
                self.unlist(gone.id, gone.life);
                self.remember(&gone, revoked.why.clone());
            }
            Some(fence) => {
                let mut holds = self.peers.get(slot).holds.iter();
                let semaphore = holds.find(|hold| hold.fence == fence).map(|hold| hold.semaphore);
                if let Some(semaphore) = semaphore {
                    self.release_one(slot, semaphore, ReleaseReason::Revoked);
                    if connection.is_none() {
                        let name = self.semaphores.get(semaphore).name.clone();
                        self.untold.add(revoked.peer, name, revoked.why.clone());
                    }
                }
            }
        }
        self.effects.push(Effect::Revoked { revoked: revoked.clone(), connection });
        revoked
    }

    /// The grace is over.
    pub(super) fn revoke_due(&mut self, peer: PeerId, target: Target) {
        let revocation = self.revocations.remove(peer, target);
        if let (Some(revocation), Some(slot)) = (revocation, self.peers.find(peer)) {
            self.revoke_now(slot, target, revocation.why);
        }
    }

    /// What was to be taken away is gone.
    pub(super) fn forget_revocation(&mut self, peer: PeerId, target: Target) -> Option<Revocation> {
        if self.revocations.is_empty() {
            return None;
        }
        let revocation = self.revocations.remove(peer, target)?;
        self.deadlines.remove(revocation.until, Due::Revocation(peer, target));
        Some(revocation)
    }

    fn revoked(&self, slot: Slot, target: Target, why: Option<Label>) -> Revoked {
        let peer = self.peers.get(slot);
        let holds = peer.holds.iter();
        let taken = holds.filter(|hold| target.is_none_or(|fence| fence == hold.fence));
        let locks: Locks = taken.map(|hold| self.lock(hold)).collect();
        Revoked { peer: peer.id, locks, whole: target.is_none(), why }
    }
}

fn changed(change: Change) -> Reply {
    Reply::Changed(vec![change])
}
