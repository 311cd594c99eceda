//! What is listed, by the configuration or by operators: made, changed, removed. What is said of a pattern is said of all
//! its keys.

use super::bucket::Bucket;
use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, Level};
use super::operation::{Change, SemaphoreState};
use super::outcome::{EndReason, Reply};
use super::refusal::Refusal;
use super::semaphores::SemaphoreIndex;
use super::settings::SemaphoreSettings;
use super::text::{Label, SemaphoreName};

/// What an operator wants to be different. What is not there stays.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) max: Option<Count>,
    pub(super) level: Option<Level>,
    pub(super) paused: Option<bool>,
}

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
        Ok(self.list(settings))
    }

    fn list(&mut self, settings: &SemaphoreSettings) -> Change {
        self.semaphores.list(settings.clone());
        let name = settings.name.clone();
        Change { before: None, after: self.state_of(&name), name }
    }

    pub(super) fn change(&mut self, name: &SemaphoreName, wish: Wish) -> Result<Change, Refusal> {
        let concerned = self.concerned(name)?;
        let before = self.state_of(name);
        if let Some(pattern) = self.semaphores.patterns.named(name) {
            let pattern = self.semaphores.patterns.get_mut(pattern);
            pattern.settings.max = wish.max.unwrap_or(pattern.settings.max);
            pattern.settings.level = wish.level.unwrap_or(pattern.settings.level);
            pattern.paused = wish.paused.unwrap_or(pattern.paused);
        }
        for index in concerned {
            self.change_one(index, wish);
        }
        Ok(Change { name: name.clone(), before, after: self.state_of(name) })
    }

    fn change_one(&mut self, index: SemaphoreIndex, wish: Wish) {
        let semaphore = self.semaphores.get_mut(index);
        let before = semaphore.state();
        semaphore.max = wish.max.unwrap_or(before.max);
        semaphore.level = wish.level.unwrap_or(before.level);
        semaphore.paused = wish.paused.unwrap_or(before.paused);
        let after = semaphore.state();
        if let Some(bucket) = semaphore.bucket.as_mut().filter(|_| after.max != before.max) {
            bucket.change(self.now, bucket.rate, after.max);
        }
        if after.max < before.max {
            self.send_away(index, EndReason::Never, |count| count > after.max);
        }
        self.semaphores.stir(index);
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
        let SemaphoreSettings { name, max, level, .. } = settings;
        let Some(before) = self.state_of(name) else { return Ok(self.list(settings)) };
        if let Some(pattern) = self.semaphores.patterns.named(name) {
            let kind = &mut self.semaphores.patterns.get_mut(pattern).settings;
            (kind.rate, kind.manners) = (settings.rate, settings.manners);
        } else if let Some(index) = self.semaphores.find(name.as_str()) {
            // It may have been a key so far.
            self.unkey(index);
            self.semaphores.list_key(index);
        }
        for index in self.concerned(name)? {
            self.set_kind(index, settings);
        }
        let wish = Wish { max: Some(*max), level: Some(*level), paused: None };
        Ok(Change { before: Some(before), ..self.change(name, wish)? })
    }

    /// Makes a semaphore a bucket of this rate, a bucket a semaphore, or a bucket one of another rate; and gives it these
    /// manners.
    fn set_kind(&mut self, index: SemaphoreIndex, settings: &SemaphoreSettings) {
        let (now, capacity, rate) = (self.now, settings.max, settings.rate);
        self.set_manners(index, settings.manners);
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
        let used = |(holders, waiters), semaphore: &super::semaphores::Semaphore| {
            (holders + semaphore.holders.len(), waiters + semaphore.queue.len())
        };
        match concerned.fold((0, 0), used) {
            (0, 0) => Ok(()),
            (holders, waiters) => Err(Refusal::InUse { name: name.clone(), holders, waiters }),
        }
    }

    /// It is not going to be forgotten by itself any more.
    fn unkey(&mut self, index: SemaphoreIndex) {
        if let Some(keyed) = &self.semaphores.get(index).keyed {
            self.deadlines.remove(keyed.look_at, Due::Idle(index));
        }
    }
}
