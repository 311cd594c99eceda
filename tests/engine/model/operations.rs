//! What operators do, in the naive model.

use throttle::engine::{
    Change, Count, Effect, EndReason, Fence, Label, MannersWish, Operation, PeerId, Rate, RateWish,
    Refusal, ReleaseReason, Reply, Revoked, SemaphoreName, SemaphoreSettings, SemaphoreState, Span,
    Time, Wish,
};

use super::{Answer, Model, Over};

/// What will be taken away, and when.
#[derive(Clone, Debug)]
pub(super) struct Revocation {
    pub(super) peer: PeerId,
    pub(super) fence: Option<Fence>,
    pub(super) until: Time,
    pub(super) why: Option<Label>,
}

/// Who was taken away, and until when that is remembered.
#[derive(Clone, Debug)]
pub(super) struct RevokedPeer {
    id: PeerId,
    pub(super) until: Time,
    why: Option<Label>,
}

impl Model {
    pub(super) fn operate(&mut self, operation: &Operation) -> Answer {
        match operation {
            Operation::Create(settings) => {
                if self.state(&settings.name).is_some() {
                    return Err(Refusal::SemaphoreExists(settings.name.clone()));
                }
                let max = self.settings.limits.max_semaphores;
                if self.listed() >= max {
                    return Err(Refusal::TooManySemaphores { max });
                }
                Ok(Reply::Changed(vec![self.list(settings)]))
            }
            Operation::Change { name, wish } => Ok(Reply::Changed(vec![self.change(name, wish)?])),
            Operation::Configure { set, remove } => self.configure(set, remove),
            Operation::Delete { name, force, why } => {
                Ok(Reply::Changed(vec![self.delete(name, *force, why.as_ref())?]))
            }
            Operation::Revoke { peer, name, grace, why } => {
                if let Some(name) = name {
                    self.semaphore(name)?;
                }
                let held = self.known(*peer)?;
                let fence = match name {
                    None => None,
                    Some(name) => match held.lock(name) {
                        None => return Err(Refusal::NotHeld(name.clone())),
                        Some(lock) => Some(lock.fence),
                    },
                };
                self.revoke_all(vec![(*peer, fence)], *grace, why.as_ref())
            }
            Operation::Free { name, grace, why } => {
                let mut targets = vec![];
                for name in self.concerned(name)? {
                    let holders = self.holders(&name).into_iter();
                    targets.extend(holders.map(|(peer, _, lock)| (peer, Some(lock.fence))));
                }
                self.revoke_all(targets, *grace, why.as_ref())
            }
        }
    }

    /// How many names are listed.
    fn listed(&self) -> usize {
        self.names().iter().filter(|name| name.as_str() != "[dynamic]").count()
    }

    fn list(&mut self, settings: &SemaphoreSettings) -> Change {
        self.settings.semaphores.push(settings.clone());
        if !settings.name.is_pattern() {
            self.set_bucket(settings);
        }
        let (name, after) = (settings.name.clone(), self.state(&settings.name));
        Change { name, before: None, after }
    }

    fn change(&mut self, name: &SemaphoreName, wish: &Wish) -> Result<Change, Refusal> {
        let mut concerned = self.concerned(name)?;
        if name.is_pattern() {
            concerned.insert(0, name.clone());
        }
        let before = self.state(name);
        let after = |it| wished(wish, name, self.state(it).unwrap());
        let after = concerned.iter().map(after).collect::<Result<Vec<_>, _>>()?;
        for (it, after) in concerned.iter().zip(after) {
            self.turn_into(it, after);
            if let Some(bucket) = self.bucket_mut(it).filter(|_| wish.paused == Some(false)) {
                bucket.open();
            }
        }
        Ok(Change { name: name.clone(), before, after: self.state(name) })
    }

    fn turn_into(&mut self, name: &SemaphoreName, to: SemaphoreState) {
        let found = self.settings.semaphores.iter_mut().find(|it| it.name == *name);
        let semaphore = found.unwrap();
        let before = semaphore.clone();
        let SemaphoreState { max, level, paused, rate, manners } = to;
        *semaphore = SemaphoreSettings { name: name.clone(), max, level, rate, manners };
        let after = semaphore.clone();
        self.paused.retain(|it| it != name);
        self.paused.extend(paused.then(|| name.clone()));
        if name.is_pattern() {
            return;
        }
        self.set_manners(name, before.manners, manners);
        if (before.max, before.rate) != (max, rate) {
            self.set_bucket(&after);
        }
        for (peer, count) in self.waiters(name) {
            if count > max.get() {
                self.end_wait(peer, EndReason::Never);
            }
        }
    }

    fn check_unused(&self, name: &SemaphoreName) -> Result<(), Refusal> {
        let (mut holders, mut waiters, mut reserved) = (0, 0, 0);
        for name in self.concerned(name)? {
            reserved += self.bucket(&name).map_or(0, |bucket| bucket.promised());
            holders += self.holders(&name).len();
            waiters += self.waiters(&name).len();
        }
        if holders + waiters > 0 || reserved > 0 {
            return Err(Refusal::InUse { name: name.clone(), holders, waiters, reserved });
        }
        Ok(())
    }

    fn configure(&mut self, set: &[SemaphoreSettings], remove: &[SemaphoreName]) -> Answer {
        for name in remove {
            self.check_unused(name)?;
        }
        for SemaphoreSettings { name, rate, .. } in set {
            let before = self.state(name).map(|before| before.rate.is_some());
            if before.is_some_and(|bucket| bucket != rate.is_some()) {
                self.check_unused(name)?;
            }
        }
        let mut changes = vec![];
        for settings in set {
            changes.push(self.set(settings)?);
        }
        for name in remove {
            changes.push(self.delete(name, false, None)?);
        }
        changes.retain(|change| change.before != change.after);
        Ok(Reply::Changed(changes))
    }

    fn set(&mut self, settings: &SemaphoreSettings) -> Result<Change, Refusal> {
        let SemaphoreSettings { name, max, level, rate, manners } = settings.clone();
        let before = self.state(&name);
        if before.is_none() {
            return Ok(self.list(settings));
        }
        self.unkey(&name);
        let mut concerned = self.concerned(&name)?;
        if name.is_pattern() {
            concerned.push(name.clone());
        }
        for it in concerned {
            let paused = self.paused.contains(&it);
            self.turn_into(&it, SemaphoreState { max, level, paused, rate, manners });
        }
        Ok(Change { before, after: self.state(&name), name })
    }

    fn delete(
        &mut self,
        name: &SemaphoreName,
        force: bool,
        why: Option<&Label>,
    ) -> Result<Change, Refusal> {
        let concerned = self.concerned(name)?;
        let before = self.state(name);
        if !force {
            self.check_unused(name)?;
        }
        for name in concerned {
            for (peer, _) in self.waiters(&name) {
                self.end_wait(peer, EndReason::Deleted);
            }
            for (peer, _, lock) in self.holders(&name) {
                self.revoke(peer, Some(lock.fence), why.cloned());
            }
            self.forget(&name);
        }
        self.forget(name);
        Ok(Change { name: name.clone(), before, after: None })
    }

    fn revoke_all(
        &mut self,
        targets: Vec<(PeerId, Option<Fence>)>,
        grace: Span,
        why: Option<&Label>,
    ) -> Answer {
        self.check_span(grace)?;
        let (mut all, mut last) = (vec![], self.now);
        for (peer, fence) in targets {
            if grace == Span::ZERO {
                all.push(self.revoke(peer, fence, why.cloned()));
                continue;
            }
            last = last.max(self.revoke_later(peer, fence, grace, why));
            all.push(self.revoked(peer, fence, why.cloned()));
        }
        Ok(Reply::Revoked { revoked: all, until: last })
    }

    /// Says when it is.
    pub(super) fn revoke_later(
        &mut self,
        peer: PeerId,
        fence: Option<Fence>,
        grace: Span,
        why: Option<&Label>,
    ) -> Time {
        let until = self.now.after(grace);
        let ends = self.revocations.iter().filter(|it| it.peer == peer);
        let ends = ends.filter(|it| it.fence == fence || it.fence.is_none());
        if let Some(end) = ends.map(|it| it.until).min().filter(|end| *end <= until) {
            return end;
        }
        let replaced = |it: &Revocation| fence == it.fence || fence.is_none() && it.until >= until;
        self.revocations.retain(|it| it.peer != peer || !replaced(it));
        if fence.is_none() {
            self.end_wait(peer, EndReason::Revoked);
        }
        self.revocations.push(Revocation { peer, fence, until, why: why.cloned() });
        let revoked = self.revoked(peer, fence, why.cloned());
        let connection = self.peer(peer).unwrap().connection();
        self.effects.push(Effect::Yield { revoked, grace, connection });
        until
    }

    pub(super) fn revoke_due(&mut self, peer: PeerId, fence: Option<Fence>) {
        let due = self.revocations.iter().position(|it| (it.peer, it.fence) == (peer, fence));
        if let Some(due) = due {
            let why = self.revocations.remove(due).why;
            self.revoke(peer, fence, why);
        }
    }

    fn revoke(&mut self, id: PeerId, fence: Option<Fence>, why: Option<Label>) -> Revoked {
        let revoked = self.revoked(id, fence, why);
        let connection = self.peer(id).unwrap().connection();
        if revoked.whole {
            self.revocations.retain(|it| (it.peer, it.fence) != (id, None));
            self.remember(id, revoked.why.clone());
            self.remove(id, ReleaseReason::Revoked, EndReason::Revoked);
        } else {
            for lock in &revoked.locks {
                self.release_because(id, &lock.name, ReleaseReason::Revoked);
                if connection.is_none() {
                    self.untold.retain(|(peer, name, _)| (*peer, name) != (id, &lock.name));
                    self.untold.push((id, lock.name.clone(), revoked.why.clone()));
                }
            }
        }
        self.effects.push(Effect::Revoked { revoked: revoked.clone(), connection });
        revoked
    }

    fn revoked(&mut self, peer: PeerId, fence: Option<Fence>, why: Option<Label>) -> Revoked {
        let locks = self.peer(peer).unwrap().locks.iter();
        let locks = locks.filter(|lock| fence.is_none_or(|fence| fence == lock.fence));
        Revoked { peer, locks: locks.cloned().collect(), whole: fence.is_none(), why }
    }

    /// To be called while the peer is still there. When there is no place for all, those go who would go first.
    pub(super) fn remember(&mut self, id: PeerId, why: Option<Label>) {
        let until = self.now.after(self.peer(id).unwrap().expires_in);
        self.revoked.push(RevokedPeer { id, until, why });
        self.revoked.sort_by_key(|it| (it.until, it.id));
        let surplus = self.revoked.len().saturating_sub(self.settings.limits.max_peers);
        self.revoked.drain(..surplus);
    }

    pub(super) fn check_not_revoked(&self, id: PeerId) -> Result<(), Refusal> {
        let revoked = self.revoked.iter().find(|it| it.id == id);
        revoked.map_or(Ok(()), |it| Err(Refusal::Revoked { why: it.why.clone() }))
    }

    /// Whoever binds the peer to a connection is told: first of the peer, then of its locks.
    pub(super) fn warn_again(&mut self, peer: PeerId) {
        let mut concerned: Vec<_> =
            self.revocations.iter().filter(|it| it.peer == peer).cloned().collect();
        concerned.sort_by_key(|it| it.fence);
        for Revocation { fence, until, why, .. } in concerned {
            let (revoked, grace) = (self.revoked(peer, fence, why), until.since(self.now));
            let connection = self.peer(peer).unwrap().connection();
            self.afterwards.push(Effect::Yield { revoked, grace, connection });
        }
    }

    pub(super) fn check_stays(&self, id: PeerId) -> Result<(), Refusal> {
        let whole = self.revocations.iter().find(|it| (it.peer, it.fence) == (id, None));
        whole.map_or(Ok(()), |it| Err(Refusal::Revoked { why: it.why.clone() }))
    }

    /// Those that are still of something that is there.
    pub(super) fn forget_revocations(&mut self) {
        let peers = &self.peers;
        self.revocations.retain(|it| {
            let peer = peers.iter().find(|peer| peer.id == it.peer);
            peer.is_some_and(|peer| {
                it.fence.is_none_or(|fence| peer.locks.iter().any(|lock| lock.fence == fence))
            })
        });
    }

    pub(super) fn revocation_deadlines(&self) -> impl Iterator<Item = (Time, Over, PeerId)> {
        self.revocations.iter().map(|it| (it.until, Over::Revocation(it.peer, it.fence), it.peer))
    }

    /// In the order of the queue, with how much they want of it.
    fn waiters(&self, name: &SemaphoreName) -> Vec<(PeerId, u32)> {
        let mut queue: Vec<_> = self.peers.iter().filter(|peer| peer.waits_for(name)).collect();
        queue.sort_by_key(|peer| peer.place());
        let count = |parts: &[(SemaphoreName, Count)]| {
            parts.iter().find(|(part, _)| part == name).unwrap().1.get()
        };
        queue.iter().map(|peer| (peer.id, count(&peer.ticket.as_ref().unwrap().parts))).collect()
    }
}

/// What is there when this is wished.
fn wished(
    wish: &Wish,
    name: &SemaphoreName,
    before: SemaphoreState,
) -> Result<SemaphoreState, Refusal> {
    let mut after = before;
    after.max = wish.max.unwrap_or(before.max);
    after.level = wish.level.unwrap_or(before.level);
    after.paused = wish.paused.unwrap_or(before.paused);
    let manners = &mut after.manners;
    let before = before.manners;
    manners.max_pending = wish.manners.max_pending.unwrap_or(before.max_pending);
    manners.max_hold = wish.manners.max_hold.unwrap_or(before.max_hold);
    manners.lock_delay = wish.manners.lock_delay.unwrap_or(before.lock_delay);
    manners.slots = wish.manners.slots.unwrap_or(before.slots);
    let is_wished = wish.rate != RateWish::default();
    let Some(rate) = &mut after.rate else {
        return if is_wished { Err(Refusal::NotABucket(name.clone())) } else { Ok(after) };
    };
    if wish.level.is_some() || wish.manners != MannersWish::default() {
        return Err(Refusal::NotASemaphore(name.clone()));
    }
    after.max = wish.rate.capacity.unwrap_or(after.max);
    let usual = |rate: Rate| Rate::new(rate.refill(), rate.every()).unwrap().slop;
    let (refill, every) = (wish.rate.refill(), wish.rate.every());
    let new = Rate::new(refill.unwrap_or(rate.refill()), every.unwrap_or(rate.every()));
    let mut new = new.unwrap();
    new.max_reserved = wish.rate.max_reserved.unwrap_or(rate.max_reserved);
    match wish.rate.slop {
        Some(slop) => new.slop = slop.unwrap_or(usual(new)),
        None if rate.slop != usual(*rate) => new.slop = rate.slop,
        None => {}
    }
    *rate = new;
    Ok(after)
}
