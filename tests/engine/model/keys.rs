//! Names that nobody has listed, in the naive model: keys of patterns, and what clients declare.

use throttle::engine::{
    Count, Level, Refusal, SemaphoreName, SemaphoreSettings, SemaphoreState, Time,
};

use super::{Model, Over};

/// What stands for all that is declared.
const DECLARED: &str = "[dynamic]";

#[derive(Clone, Debug)]
pub(super) struct Key {
    name: SemaphoreName,
    pub(super) pattern: SemaphoreName,
    touched: Time,
    look_at: Time,
}

/// A star is anything but nothing, within a segment.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = pattern.as_str();
            let ends = name.char_indices().map(|(at, c)| (at + c.len_utf8(), c));
            let mut ends = ends.take_while(|(_, c)| *c != '/');
            ends.any(|(end, _)| fits(rest, &name[end..]))
        }
        Some(c) => name.strip_prefix(c).is_some_and(|name| fits(pattern.as_str(), name)),
    }
}

fn declared_row() -> SemaphoreSettings {
    let name = SemaphoreName::new(DECLARED).unwrap();
    SemaphoreSettings::semaphore(name, Count::new(0).unwrap(), Level(0))
}

impl Model {
    fn pattern_of(&self, name: &SemaphoreName) -> Option<SemaphoreSettings> {
        if name.is_pattern() {
            return None;
        }
        let all = self.settings.semaphores.iter().filter(|it| it.name.is_pattern());
        let fitting = all.filter(|it| fits(it.name.as_str(), name.as_str()));
        let rank = |it: &&SemaphoreSettings| {
            let stars = it.name.as_str().chars().filter(|c| *c == '*').count();
            (stars as i64 - it.name.as_str().chars().count() as i64, stars, it.name.clone())
        };
        fitting.min_by_key(rank).cloned()
    }

    fn may_declare(&self, name: &SemaphoreName) -> bool {
        self.settings.limits.dynamic && !name.is_pattern()
    }

    /// Whether it is there, or could be.
    pub(super) fn possible(&self, name: &SemaphoreName) -> Result<(), Refusal> {
        if self.pattern_of(name).is_some() || self.may_declare(name) {
            return Ok(());
        }
        self.semaphore(name).map(drop)
    }

    /// Whether it is there, or a key of a pattern.
    pub(super) fn could_be(&self, name: &SemaphoreName) -> bool {
        self.semaphore(name).is_ok() || self.pattern_of(name).is_some()
    }

    pub(super) fn key(
        &mut self,
        name: &SemaphoreName,
        declared: &[SemaphoreSettings],
    ) -> Result<(), Refusal> {
        let declared = declared.iter().find(|it| it.name == *name);
        if let Ok(actual) = self.semaphore(name) {
            agree(declared, &actual.clone())?;
            self.touch(name);
            return Ok(());
        }
        let (settings, pattern) = match self.pattern_of(name) {
            Some(pattern) => (pattern.clone(), pattern.name),
            None => match declared.filter(|_| self.may_declare(name)) {
                Some(declared) => (declared.clone(), declared_row().name),
                None => return Err(Refusal::UnknownSemaphore(name.clone())),
            },
        };
        agree(declared, &settings)?;
        let max = self.settings.limits.max_keyed;
        if self.keys.len() >= max {
            return Err(Refusal::TooManyKeyed { max });
        }
        if self.paused.contains(&pattern) {
            self.paused.push(name.clone());
        }
        let settings = SemaphoreSettings { name: name.clone(), ..settings };
        self.set_bucket(&settings);
        self.settings.semaphores.push(settings);
        let (touched, look_at) = (self.now, self.now.after(self.settings.limits.idle_ttl));
        self.keys.push(Key { name: name.clone(), pattern, touched, look_at });
        Ok(())
    }

    pub(super) fn key_names(&self) -> Vec<SemaphoreName> {
        self.keys.iter().map(|key| key.name.clone()).collect()
    }

    pub(super) fn touch(&mut self, name: &SemaphoreName) {
        let now = self.now;
        for key in self.keys.iter_mut().filter(|key| key.name == *name) {
            key.touched = now;
        }
    }

    pub(super) fn unkey(&mut self, name: &SemaphoreName) {
        self.keys.retain(|key| key.name != *name);
    }

    pub(super) fn idle_deadlines(
        &self,
    ) -> impl Iterator<Item = (Time, Over, throttle::engine::PeerId)> {
        let nobody = throttle::engine::PeerId::Rest(0);
        self.keys.iter().map(move |key| (key.look_at, Over::Idle(key.name.clone()), nobody))
    }

    pub(super) fn idle_due(&mut self, name: &SemaphoreName) {
        let (now, idle_ttl) = (self.now, self.settings.limits.idle_ttl);
        let waits = self.peers.iter().any(|peer| peer.waits_for(name));
        let delayed = self.delayed(name) > 0;
        let in_use = waits || delayed || !self.holders(name).is_empty() || !self.is_full(name);
        let Some(key) = self.keys.iter_mut().find(|key| key.name == *name) else { return };
        let over = key.touched.after(idle_ttl);
        if in_use || over > now {
            key.look_at = if in_use { now.after(idle_ttl) } else { over };
            return;
        }
        self.forget(name);
    }

    /// Removes a semaphore and all that is known about it.
    pub(super) fn forget(&mut self, name: &SemaphoreName) {
        self.unkey(name);
        self.settings.semaphores.retain(|it| it.name != *name);
        self.paused.retain(|it| it != name);
        self.forget_bucket(name);
        self.forget_delays(name);
    }

    /// What operators mean by a name.
    pub(super) fn concerned(&self, name: &SemaphoreName) -> Result<Vec<SemaphoreName>, Refusal> {
        if !name.is_pattern() {
            return self.semaphore(name).map(|it| vec![it.name.clone()]);
        }
        if !self.settings.semaphores.iter().any(|it| it.name == *name) {
            return Err(Refusal::UnknownSemaphore(name.clone()));
        }
        Ok(self.keys_of(name))
    }

    fn keys_of(&self, pattern: &SemaphoreName) -> Vec<SemaphoreName> {
        let keys = self.keys.iter().filter(|key| key.pattern == *pattern);
        let mut keys: Vec<_> = keys.map(|key| key.name.clone()).collect();
        keys.sort();
        keys
    }

    pub(crate) fn state(&self, name: &SemaphoreName) -> Option<SemaphoreState> {
        let row = declared_row();
        let mut all = self.settings.semaphores.iter();
        let found = all.find(|it| it.name == *name).or((row.name == *name).then_some(&row))?;
        let SemaphoreSettings { max, level, rate, manners, .. } = *found;
        Some(SemaphoreState { max, level, paused: self.paused.contains(name), rate, manners })
    }

    /// What is listed, and what stands for what is declared.
    pub(crate) fn names(&self) -> Vec<SemaphoreName> {
        let listed = self.settings.semaphores.iter().map(|it| it.name.clone());
        let listed = listed.filter(|name| self.keys.iter().all(|key| key.name != *name));
        let declared = self.settings.limits.dynamic.then(|| declared_row().name);
        let mut names: Vec<_> = listed.chain(declared).collect();
        names.sort();
        names
    }

    /// How much is held, waited for and delayed of what a row is about.
    pub(crate) fn sums(&self, name: &SemaphoreName) -> [u64; 3] {
        let keys = self.keys_of(name);
        let of = |it: &SemaphoreName| [self.held(it), self.pending(it), self.delayed(it)];
        let start = of(name);
        let add = |[a, b, c]: [u64; 3], [x, y, z]: [u64; 3]| [a + x, b + y, c + z];
        keys.iter().map(of).fold(start, add)
    }
}

fn agree(declared: Option<&SemaphoreSettings>, actual: &SemaphoreSettings) -> Result<(), Refusal> {
    let Some(declared) = declared else { return Ok(()) };
    let same = declared.max == actual.max
        && match (declared.rate, actual.rate) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                let reserved = one.max_reserved;
                one.refill() == other.refill()
                    && one.every() == other.every()
                    && (reserved == 1_000 || reserved == other.max_reserved)
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
    if same {
        return Ok(());
    }
    let name = declared.name.clone();
    let (declared, actual) = (Box::new(declared.clone()), Box::new(actual.clone()));
    Err(Refusal::DeclaredOtherwise { name, declared, actual })
}
