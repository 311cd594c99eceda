//! Semaphores and buckets that nobody has listed: keys of patterns, and names that clients declare. They are made when
//! they are first used, and forgotten when they have not been used for a while.

use super::core::Engine;
use super::deadlines::Due;
use super::refusal::Refusal;
use super::semaphores::{Keyed, SemaphoreIndex};
use super::settings::SemaphoreSettings;
use super::text::SemaphoreName;

impl Engine {
    /// Finds what a name stands for, or makes it if it may be made.
    pub(super) fn key(
        &mut self,
        name: &SemaphoreName,
        declared: Option<&SemaphoreSettings>,
    ) -> Result<SemaphoreIndex, Refusal> {
        let Some(index) = self.semaphores.find(name.as_str()) else {
            return self.make(name, declared);
        };
        let semaphore = self.semaphores.get_mut(index);
        if let Some(declared) = declared {
            agree(name, declared, &semaphore.settings())?;
        }
        if let Some(keyed) = &mut semaphore.keyed {
            keyed.touched = self.now;
        }
        Ok(index)
    }

    /// As [`Self::key`], but what is there counts, whatever is declared: its client is using it.
    pub(super) fn key_of_restored(
        &mut self,
        name: &SemaphoreName,
        declared: Option<&SemaphoreSettings>,
    ) -> Result<SemaphoreIndex, Refusal> {
        let fits = || self.semaphores.patterns.of(name).is_some();
        let is_there = self.semaphores.find(name.as_str()).is_some() || fits();
        self.key(name, declared.filter(|_| !is_there))
    }

    fn make(
        &mut self,
        name: &SemaphoreName,
        declared: Option<&SemaphoreSettings>,
    ) -> Result<SemaphoreIndex, Refusal> {
        let unknown = || Refusal::UnknownSemaphore(name.clone());
        let (settings, pattern) = match self.semaphores.patterns.of(name) {
            Some(index) => (self.semaphores.patterns.get(index).settings.clone(), index),
            None => {
                let declarable = self.semaphores.patterns.declared().filter(|_| !name.is_pattern());
                let index = declarable.ok_or_else(unknown)?;
                (declared.cloned().ok_or_else(unknown)?, index)
            }
        };
        if let Some(declared) = declared {
            agree(name, declared, &settings)?;
        }
        let max = self.limits.max_keyed;
        if self.semaphores.keyed() >= max {
            return Err(Refusal::TooManyKeyed { max });
        }
        let look_at = self.now.after(self.limits.idle_ttl);
        let keyed = Keyed { pattern, touched: self.now, look_at };
        let index =
            self.semaphores.add_key(SemaphoreSettings { name: name.clone(), ..settings }, keyed);
        self.deadlines.add(look_at, Due::Idle(index));
        self.made.push(index);
        Ok(index)
    }

    /// Forgets the keys that a command has made if it was refused: then nothing has changed.
    pub(super) fn keep_made(&mut self, keep: bool) {
        while let Some(index) = self.made.pop() {
            if !keep {
                self.unkey(index);
                self.semaphores.remove(index);
            }
        }
    }

    /// Forgets a key that has been idle for long enough, or looks again when it may have been.
    pub(super) fn idle_due(&mut self, index: SemaphoreIndex) {
        let (now, idle_ttl) = (self.now, self.limits.idle_ttl);
        let semaphore = self.semaphores.get_mut(index);
        if let Some(bucket) = &mut semaphore.bucket {
            bucket.settle_due(now);
        }
        let in_use = semaphore.is_in_use(now);
        let Some(keyed) = &mut semaphore.keyed else { return };
        let over = keyed.touched.after(idle_ttl);
        if !in_use && over <= now {
            return self.semaphores.remove(index);
        }
        keyed.look_at = if in_use { now.after(idle_ttl) } else { over };
        let look_at = keyed.look_at;
        self.deadlines.add(look_at, Due::Idle(index));
    }
}

/// Whoever declares a name has to declare it as it is.
fn agree(
    name: &SemaphoreName,
    declared: &SemaphoreSettings,
    actual: &SemaphoreSettings,
) -> Result<(), Refusal> {
    if declared.declares(actual) {
        return Ok(());
    }
    let (declared, actual) = (Box::new(declared.clone()), Box::new(actual.clone()));
    Err(Refusal::DeclaredOtherwise { name: name.clone(), declared, actual })
}
