//! The semaphores and buckets: their sums, which are kept and never recomputed, and their queues.

use std::collections::BTreeMap;

use ahash::HashMap;
use slab::Slab;

use super::bucket::Bucket;
use super::delays::Delays;
use super::ids::{Count, Fence, Level};
use super::manners::Manners;
use super::numbers::Numbers;
use super::operation::SemaphoreState;
use super::patterns::{PatternIndex, Patterns, Sums};
use super::peers::{Parts, Slot};
use super::queue::Queue;
use super::refusal::Refusal;
use super::settings::SemaphoreSettings;
use super::text::SemaphoreName;
use super::time::Time;

/// Where a semaphore is stored. Valid until it is removed. Their order says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SemaphoreIndex(u32);

#[derive(Debug)]
pub(super) struct Semaphore {
    pub(super) name: SemaphoreName,
    pub(super) max: Count,
    pub(super) level: Level,
    pub(super) manners: Manners,
    /// Nothing is granted.
    pub(super) paused: bool,
    /// Sum of the counts that peers hold.
    pub(super) held: u64,
    /// What nobody gets although nobody holds it any more.
    pub(super) delays: Delays,
    /// The numbers that locks have.
    pub(super) numbers: Option<Box<Numbers>>,
    /// Sum of the counts that tickets wait for.
    pub(super) pending: u64,
    pub(super) queue: Queue,
    /// Who holds a lock, in the order of the grants.
    pub(super) holders: BTreeMap<Fence, Slot>,
    /// What makes it a key: where it comes from.
    pub(super) keyed: Option<Box<Keyed>>,
    /// What makes it a bucket: its tokens.
    pub(super) bucket: Option<Box<Bucket>>,
    /// Something was released, or somebody left the queue: its first ticket may be granted now.
    stirred: bool,
}

/// What is known of a semaphore that nobody has listed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed {
    pub(super) pattern: PatternIndex,
    /// When it was last used.
    pub(super) touched: Time,
    /// When to see whether it can be forgotten.
    pub(super) look_at: Time,
}

impl Semaphore {
    pub(super) fn has_room(&self, now: Time, count: Count) -> bool {
        let count = u64::from(count.get());
        !self.paused
            && match &self.bucket {
                None => self.held + self.delays.sum() + count <= u64::from(self.max.get()),
                Some(bucket) => bucket.has_room(now, count),
            }
    }

    /// Whether there is something to remember.
    pub(super) fn is_in_use(&self, now: Time) -> bool {
        let spent = self.bucket.as_ref().is_some_and(|bucket| !bucket.is_full(now));
        let delayed = self.delays.sum() > 0;
        spent || delayed || self.queue.len() > 0 || !self.holders.is_empty()
    }

    pub(super) fn settings(&self) -> SemaphoreSettings {
        let SemaphoreState { max, level, rate, manners, .. } = self.state();
        SemaphoreSettings { name: self.name.clone(), max, level, rate, manners }
    }

    pub(super) fn state(&self) -> SemaphoreState {
        let rate = self.bucket.as_ref().map(|bucket| bucket.rate);
        let (max, level, manners) = (self.max, self.level, self.manners);
        SemaphoreState { max, level, paused: self.paused, rate, manners }
    }
}

/// Places for so many are kept, whether they are used or not.
const SPARE: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Semaphores {
    all: Slab<Semaphore>,
    by_name: HashMap<SemaphoreName, SemaphoreIndex>,
    /// Those that are listed, which keys are not.
    pub(super) ordered: BTreeMap<SemaphoreName, SemaphoreIndex>,
    pub(super) patterns: Patterns,
    /// Those whose first ticket has to be looked at, each once.
    stirred: Vec<SemaphoreIndex>,
}

impl SemaphoreIndex {
    /// Memory for 2^32 of them is not to be had.
    const fn at(index: usize) -> Self {
        Self(index as u32)
    }
}

impl Semaphores {
    /// How many are listed, patterns included.
    pub(super) fn len(&self) -> usize {
        self.ordered.len() + self.patterns.len()
    }

    /// How many are not: the keys.
    pub(super) fn keyed(&self) -> usize {
        self.all.len() - self.ordered.len()
    }

    /// Whether there is a semaphore or a pattern of this name.
    pub(super) fn is_listed(&self, name: &SemaphoreName) -> bool {
        self.ordered.contains_key(name) || self.patterns.find(name.as_str()).is_some()
    }

    /// Adds a semaphore or a pattern whose name is not taken.
    pub(super) fn list(&mut self, settings: SemaphoreSettings) {
        if settings.name.is_pattern() {
            self.patterns.add(settings);
        } else {
            self.add(settings);
        }
    }

    /// Adds a semaphore whose name is not taken.
    pub(super) fn add(&mut self, settings: SemaphoreSettings) -> SemaphoreIndex {
        let name = settings.name.clone();
        let index = self.insert(settings, None);
        self.ordered.insert(name, index);
        index
    }

    /// Adds a key whose name is not taken.
    pub(super) fn add_key(&mut self, settings: SemaphoreSettings, keyed: Keyed) -> SemaphoreIndex {
        let pattern = self.patterns.get_mut(keyed.pattern);
        pattern.sums.keys += 1;
        let paused = pattern.paused;
        let index = self.insert(settings, Some(Box::new(keyed)));
        self.get_mut(index).paused = paused;
        index
    }

    fn insert(&mut self, settings: SemaphoreSettings, keyed: Option<Box<Keyed>>) -> SemaphoreIndex {
        let SemaphoreSettings { name, max, level, rate, manners } = settings;
        let index = SemaphoreIndex::at(self.all.insert(Semaphore {
            name: name.clone(),
            max,
            level,
            manners,
            paused: false,
            held: 0,
            delays: Delays::default(),
            numbers: None,
            pending: 0,
            queue: Queue::default(),
            holders: BTreeMap::new(),
            keyed,
            bucket: rate.map(|rate| Box::new(Bucket::new(rate, max))),
            stirred: false,
        }));
        self.by_name.insert(name, index);
        index
    }

    /// Removes a semaphore that nobody holds or waits for.
    pub(super) fn remove(&mut self, index: SemaphoreIndex) {
        let removed = self.all.remove(index.0 as usize);
        self.by_name.remove(&removed.name);
        self.ordered.remove(&removed.name);
        self.stirred.retain(|stirred| *stirred != index);
        if let Some(keyed) = removed.keyed {
            self.patterns.get_mut(keyed.pattern).sums.keys -= 1;
            self.shrink();
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<SemaphoreIndex> {
        self.by_name.get(name).copied()
    }

    pub(super) fn resolve(&self, name: &SemaphoreName) -> Result<SemaphoreIndex, Refusal> {
        self.find(name.as_str()).ok_or_else(|| Refusal::UnknownSemaphore(name.clone()))
    }

    /// As [`Self::resolve`]; `None` when it could be there, but nobody uses it.
    pub(super) fn possible(&self, name: &SemaphoreName) -> Result<Option<SemaphoreIndex>, Refusal> {
        match self.resolve(name) {
            Ok(index) => Ok(Some(index)),
            Err(_) if self.patterns.could_be(name) => Ok(None),
            Err(unknown) => Err(unknown),
        }
    }

    pub(super) fn get(&self, index: SemaphoreIndex) -> &Semaphore {
        &self.all[index.0 as usize]
    }

    pub(super) fn get_mut(&mut self, index: SemaphoreIndex) -> &mut Semaphore {
        &mut self.all[index.0 as usize]
    }

    /// Lists what was a key.
    pub(super) fn list_key(&mut self, index: SemaphoreIndex) {
        let semaphore = &mut self.all[index.0 as usize];
        let Some(keyed) = semaphore.keyed.take() else { return };
        self.ordered.insert(semaphore.name.clone(), index);
        let sums = &mut self.patterns.get_mut(keyed.pattern).sums;
        sums.keys -= 1;
        sums.held -= semaphore.held;
        sums.delayed -= semaphore.delays.sum();
        sums.holders -= semaphore.holders.len();
        sums.pending -= semaphore.pending;
        sums.waiters -= semaphore.queue.len();
    }

    /// What was reserved of buckets for a time that has come is taken, before anything else is.
    pub(super) fn settle_due(&mut self, parts: &Parts, now: Time) {
        for (index, _) in parts {
            if let Some(bucket) = &mut self.get_mut(*index).bucket {
                bucket.settle_due(now);
            }
        }
    }

    /// Notes what has changed about a semaphore, for the pattern that it is a key of.
    pub(super) fn tally(
        &mut self,
        index: SemaphoreIndex,
        now: Time,
        change: impl FnOnce(&mut Sums),
    ) {
        if let Some(keyed) = &mut self.all[index.0 as usize].keyed {
            keyed.touched = now;
            change(&mut self.patterns.get_mut(keyed.pattern).sums);
        }
    }

    /// All of them, in no particular order.
    pub(super) fn all(&self) -> impl Iterator<Item = (SemaphoreIndex, &Semaphore)> {
        self.all.iter().map(|(index, semaphore)| (SemaphoreIndex::at(index), semaphore))
    }

    /// The keys of a pattern, ordered by name.
    pub(super) fn keys(&self, pattern: PatternIndex) -> Vec<SemaphoreIndex> {
        let of = |semaphore: &Semaphore| semaphore.keyed.as_ref().map(|keyed| keyed.pattern);
        let keys = self.all().filter(|(_, semaphore)| of(semaphore) == Some(pattern));
        let mut keys: Vec<_> = keys.map(|(index, _)| index).collect();
        keys.sort_unstable_by(|a, b| self.get(*a).name.cmp(&self.get(*b).name));
        keys
    }

    /// Gives memory back when most of the keys are gone.
    fn shrink(&mut self) {
        if self.all.capacity() > SPARE && self.all.len() < self.all.capacity() / 4 {
            self.all.shrink_to_fit();
            self.by_name.shrink_to_fit();
        }
    }

    /// Notes that the first ticket of this semaphore has to be looked at.
    pub(super) fn stir(&mut self, index: SemaphoreIndex) {
        let semaphore = &mut self.all[index.0 as usize];
        if !semaphore.stirred && semaphore.queue.len() > 0 {
            semaphore.stirred = true;
            self.stirred.push(index);
        }
    }

    /// Notes that the first ticket of every semaphore has to be looked at.
    pub(super) fn stir_all(&mut self) {
        let all: Vec<_> = self.all.iter().map(|(index, _)| SemaphoreIndex::at(index)).collect();
        all.into_iter().for_each(|index| self.stir(index));
    }

    /// Takes one of those whose first ticket has to be looked at.
    pub(super) fn take_stirred(&mut self) -> Option<SemaphoreIndex> {
        let index = self.stirred.pop()?;
        self.all[index.0 as usize].stirred = false;
        Some(index)
    }
}
