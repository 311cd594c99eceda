//! What operators do: semaphores made, changed and removed, locks and peers taken away, at once or after a grace.

use super::bucket::Bucket;
use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, Level, PeerId};
use super::operation::{Change, Operation, Revoked};
use super::outcome::{Effect, EndReason, Locks, ReleaseReason, Reply};
use super::peers::Slot;
use super::rate::Rate;
use super::refusal::Refusal;
use super::revocations::{Revocation, Target};
use super::semaphores::{Semaphore, SemaphoreIndex};
use super::settings::SemaphoreSettings;
use super::text::{Label, SemaphoreName};
use super::time::{Span, Time};

impl Engine {
    pub(super) fn operate(&mut self, operation: &Operation) -> Result<Reply, Refusal> {
        match operation {
            Operation::Create(settings) => self.create(settings).map(changed),
            Operation::Change { name, max, level, paused } => {
                self.change(name, *max, *level, *paused).map(changed)
            }
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
                let semaphore = self.semaphores.resolve(name)?;
                let holders = self.semaphores.get(semaphore).holders.iter();
                let targets: Vec<_> = holders.map(|(fence, slot)| (*slot, Some(*fence))).collect();
                self.revoke_all(targets, *grace, why.as_ref())
            }
        }
    }

    fn create(&mut self, settings: &SemaphoreSettings) -> Result<Change, Refusal> {
        if self.semaphores.find(settings.name.as_str()).is_some() {
            return Err(Refusal::SemaphoreExists(settings.name.clone()));
        }
        let max = self.limits.max_semaphores;
        if self.semaphores.len() >= max {
            return Err(Refusal::TooManySemaphores { max });
        }
        Ok(self.add_semaphore(settings))
    }

    fn add_semaphore(&mut self, settings: &SemaphoreSettings) -> Change {
        let index = self.semaphores.add(settings.clone());
        let after = Some(self.semaphores.get(index).state());
        Change { name: settings.name.clone(), before: None, after }
    }

    fn change(
        &mut self,
        name: &SemaphoreName,
        max: Option<Count>,
        level: Option<Level>,
        paused: Option<bool>,
    ) -> Result<Change, Refusal> {
        let index = self.semaphores.resolve(name)?;
        let semaphore = self.semaphores.get_mut(index);
        let before = semaphore.state();
        semaphore.max = max.unwrap_or(before.max);
        semaphore.level = level.unwrap_or(before.level);
        semaphore.paused = paused.unwrap_or(before.paused);
        let after = semaphore.state();
        if let Some(bucket) = semaphore.bucket.as_mut().filter(|_| after.max != before.max) {
            bucket.change(self.now, bucket.rate, after.max);
        }
        if after.max < before.max {
            self.send_away(index, EndReason::Never, |count| count > after.max);
        }
        self.semaphores.stir(index);
        Ok(Change { name: name.clone(), before: Some(before), after: Some(after) })
    }

    fn delete(
        &mut self,
        name: &SemaphoreName,
        force: bool,
        why: Option<&Label>,
    ) -> Result<Change, Refusal> {
        let index = self.semaphores.resolve(name)?;
        let semaphore = self.semaphores.get(index);
        let before = semaphore.state();
        if !force {
            check_unused(semaphore)?;
        }
        self.send_away(index, EndReason::Deleted, |_| true);
        while let Some((fence, slot)) = self.semaphores.get(index).holders.first_key_value() {
            let (fence, slot) = (*fence, *slot);
            self.revoke_now(slot, Some(fence), why.cloned());
        }
        self.semaphores.remove(index);
        Ok(Change { name: name.clone(), before: Some(before), after: None })
    }

    fn configure(
        &mut self,
        set: &[SemaphoreSettings],
        remove: &[SemaphoreName],
    ) -> Result<Reply, Refusal> {
        for name in remove {
            check_unused(self.semaphores.get(self.semaphores.resolve(name)?))?;
        }
        let mut changes = Vec::new();
        for settings in set {
            let SemaphoreSettings { name, max, level, rate } = settings;
            changes.push(match self.semaphores.find(name.as_str()) {
                Some(index) => {
                    let before = self.semaphores.get(index).state();
                    self.set_rate(index, *max, *rate);
                    let change = self.change(name, Some(*max), Some(*level), None)?;
                    Change { before: Some(before), ..change }
                }
                None => self.add_semaphore(settings),
            });
        }
        for name in remove {
            changes.push(self.delete(name, false, None)?);
        }
        changes.retain(|change| change.before != change.after);
        Ok(Reply::Changed(changes))
    }

    /// Makes a semaphore a bucket of this rate, a bucket a semaphore, or a bucket one of another rate.
    fn set_rate(&mut self, index: SemaphoreIndex, capacity: Count, rate: Option<Rate>) {
        let now = self.now;
        let semaphore = self.semaphores.get_mut(index);
        semaphore.bucket = match (semaphore.bucket.take(), rate) {
            (_, None) => None,
            (None, Some(rate)) => Some(Box::new(Bucket::new(rate, capacity))),
            (Some(mut bucket), Some(rate)) => {
                bucket.change(now, rate, capacity);
                Some(bucket)
            }
        };
    }

    /// Ends the waits for a semaphore whose count of it is as `concerned` says.
    fn send_away(
        &mut self,
        semaphore: SemaphoreIndex,
        reason: EndReason,
        concerned: impl Fn(Count) -> bool,
    ) {
        let queue = self.semaphores.get(semaphore).queue.iter();
        let concerned = queue.map(|(_, slot)| slot).filter(|slot| {
            let parts = self.peers.get(*slot).ticket.iter().flat_map(|ticket| &ticket.parts);
            let mut parts = parts.filter(|(part, _)| *part == semaphore);
            parts.any(|(_, count)| concerned(*count))
        });
        for slot in concerned.collect::<Vec<_>>() {
            self.end_wait(slot, reason);
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
    fn revoke_later(
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

fn check_unused(semaphore: &Semaphore) -> Result<(), Refusal> {
    let (holders, waiters) = (semaphore.holders.len(), semaphore.queue.len());
    if holders == 0 && waiters == 0 {
        return Ok(());
    }
    Err(Refusal::InUse { name: semaphore.name.clone(), holders, waiters })
}
