//! What is listed, by the configuration or by operators: made, changed, removed. What is said of a pattern is said of all
//! its keys.

use super::bucket::Bucket;
use super::core::Engine;
use super::deadlines::Due;
use super::ids::Count;
use super::operation::{Change, SemaphoreState};
use super::outcome::{EndReason, Reply};
use super::refusal::Refusal;
use super::semaphores::SemaphoreIndex;
use super::settings::SemaphoreSettings;
use super::text::{Label, SemaphoreName};
use super::wish::{Wish, check_slots};

impl Engine {
    pub(super) fn create(&mut self, settings: &SemaphoreSettings) -> Result<Change, Refusal> {
        let name = &settings.name;
        if self.state_of(name).is_some() {
            return Err(Refusal::SemaphoreExists(name.clone()));
        }
        let max = self.limits.max_semaphores;
        if self.semaphores.len() >= max {
            return Err(Refusal::TooManySemaphores { max });
        }
        check_slots(name, settings.max, settings.manners)?;
        Ok(self.list(settings))
    }

    fn list(&mut self, settings: &SemaphoreSettings) -> Change {
        self.semaphores.list(settings.clone());
        let name = settings.name.clone();
        Change { before: None, after: self.state_of(&name), name }
    }

    pub(super) fn change(&mut self, name: &SemaphoreName, wish: &Wish) -> Result<Change, Refusal> {
        let before = self.state_of(name);
        let after = before.map(|before| wish.on(name, before)).transpose()?;
        let after_of = |index| Ok((index, wish.on(name, self.semaphores.get(index).state())?));
        let concerned = self.concerned(name)?.into_iter().map(after_of);
        let concerned = concerned.collect::<Result<Vec<_>, _>>()?;
        if let (Some(pattern), Some(after)) = (self.semaphores.patterns.named(name), after) {
            self.semaphores.patterns.get_mut(pattern).turn_into(after);
        }
        for (index, after) in concerned {
            let bucket = self.semaphores.get_mut(index).bucket.as_mut();
            if let Some(bucket) = bucket.filter(|_| wish.paused == Some(false)) {
                bucket.open();
            }
            self.turn_into(index, after);
        }
        Ok(Change { name: name.clone(), before, after: self.state_of(name) })
    }

    /// Makes a semaphore or bucket what is said, whichever it was.
    fn turn_into(&mut self, index: SemaphoreIndex, to: SemaphoreState) {
        self.set_manners(index, to.manners);
        let now = self.now;
        let semaphore = self.semaphores.get_mut(index);
        let before = semaphore.state();
        (semaphore.max, semaphore.level, semaphore.paused) = (to.max, to.level, to.paused);
        semaphore.bucket = match (semaphore.bucket.take(), to.rate) {
            (_, None) => None,
            (None, Some(rate)) => Some(Box::new(Bucket::new(rate, to.max))),
            (Some(mut bucket), Some(rate)) => {
                if (before.rate, before.max) != (to.rate, to.max) {
                    bucket.change(now, rate, to.max);
                }
                Some(bucket)
            }
        };
        if to.max < before.max {
            self.send_away(index, EndReason::Never, |count| count > to.max);
        }
        self.semaphores.stir(index);
        self.restand_all(index);
    }

    pub(super) fn delete(
        &mut self,
        name: &SemaphoreName,
        force: bool,
        why: Option<&Label>,
    ) -> Result<Change, Refusal> {
        let concerned = self.concerned(name)?;
        let before = self.state_of(name);
        if !force {
            self.check_unused(name)?;
        }
        for index in concerned {
            self.delete_one(index, why);
        }
        if let Some(pattern) = self.semaphores.patterns.named(name) {
            self.semaphores.patterns.remove(pattern);
        }
        Ok(Change { name: name.clone(), before, after: None })
    }

    fn delete_one(&mut self, index: SemaphoreIndex, why: Option<&Label>) {
        self.send_away(index, EndReason::Deleted, |_| true);
        while let Some((fence, slot)) = self.semaphores.get(index).holders.first_key_value() {
            let (fence, slot) = (*fence, *slot);
            self.revoke_now(slot, Some(fence), why.cloned());
        }
        self.forget_delays(index);
        self.unkey(index);
        self.semaphores.remove(index);
    }

    pub(super) fn configure(
        &mut self,
        set: &[SemaphoreSettings],
        remove: &[SemaphoreName],
    ) -> Result<Reply, Refusal> {
        for name in remove {
            self.check_unused(name)?;
        }
        for SemaphoreSettings { name, rate, .. } in set {
            let before = self.state_of(name).map(|before| before.rate.is_some());
            if before.is_some_and(|was_bucket| was_bucket != rate.is_some()) {
                // What is held of the one is nothing of the other.
                self.check_unused(name)?;
            }
        }
        let mut changes = Vec::new();
        for settings in set {
            changes.push(self.set(settings)?);
        }
        for name in remove {
            changes.push(self.delete(name, false, None)?);
        }
        changes.retain(|change| change.before != change.after);
        Ok(Reply::Changed(changes))
    }

    /// Makes what there is of a name what its settings say.
    fn set(&mut self, settings: &SemaphoreSettings) -> Result<Change, Refusal> {
        let name = &settings.name;
        let Some(before) = self.state_of(name) else { return Ok(self.list(settings)) };
        if let Some(pattern) = self.semaphores.patterns.named(name) {
            self.semaphores.patterns.get_mut(pattern).turn_into(settings.state(before.paused));
        } else if let Some(index) = self.semaphores.find(name.as_str()) {
            // It may have been a key so far.
            self.unkey(index);
            self.semaphores.list_key(index);
        }
        for index in self.concerned(name)? {
            let paused = self.semaphores.get(index).paused;
            self.turn_into(index, settings.state(paused));
        }
        Ok(Change { name: name.clone(), before: Some(before), after: self.state_of(name) })
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

    /// What is meant by a name: a semaphore, or all keys of a pattern.
    pub(super) fn concerned(&self, name: &SemaphoreName) -> Result<Vec<SemaphoreIndex>, Refusal> {
        match self.semaphores.patterns.named(name) {
            Some(pattern) => Ok(self.semaphores.keys(pattern)),
            None => self.semaphores.resolve(name).map(|index| vec![index]),
        }
    }

    fn state_of(&self, name: &SemaphoreName) -> Option<SemaphoreState> {
        match self.semaphores.patterns.named(name) {
            Some(pattern) => Some(self.semaphores.patterns.get(pattern).state()),
            None => self.semaphores.find(name.as_str()).map(|it| self.semaphores.get(it).state()),
        }
    }

    fn check_unused(&self, name: &SemaphoreName) -> Result<(), Refusal> {
        let concerned = self.concerned(name)?.into_iter().map(|index| self.semaphores.get(index));
        let (mut holders, mut waiters, mut reserved) = (0, 0, 0);
        for semaphore in concerned {
            holders += semaphore.holders.len();
            waiters += semaphore.queue.len();
            reserved += semaphore.bucket.as_ref().map_or(0, |bucket| bucket.promised(self.now));
        }
        if holders + waiters > 0 || reserved > 0 {
            return Err(Refusal::InUse { name: name.clone(), holders, waiters, reserved });
        }
        Ok(())
    }

    /// It is not going to be forgotten by itself any more.
    pub(super) fn unkey(&mut self, index: SemaphoreIndex) {
        if let Some(keyed) = &self.semaphores.get(index).keyed {
            self.deadlines.remove(keyed.look_at, Due::Idle(index));
        }
    }
}
