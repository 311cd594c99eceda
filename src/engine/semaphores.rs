//! The semaphores and buckets: their sums, which are kept and never recomputed, and their queues.

use std::collections::BTreeMap;

use ahash::HashMap;
use slab::Slab;

use super::bucket::Bucket;
use super::ids::{Count, Fence, Level};
use super::operation::SemaphoreState;
use super::peers::Slot;
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
    /// Nothing is granted.
    pub(super) paused: bool,
    /// Sum of the counts that peers hold.
    pub(super) held: u64,
    /// Sum of the counts that tickets wait for.
    pub(super) pending: u64,
    pub(super) queue: Queue,
    /// Who holds a lock, in the order of the grants.
    pub(super) holders: BTreeMap<Fence, Slot>,
    /// What makes it a bucket: its tokens.
    pub(super) bucket: Option<Box<Bucket>>,
    /// Something was released, or somebody left the queue: its first ticket may be granted now.
    stirred: bool,
}

impl Semaphore {
    pub(super) fn has_room(&self, now: Time, count: Count) -> bool {
        let count = u64::from(count.get());
        !self.paused
            && match &self.bucket {
                None => self.held + count <= u64::from(self.max.get()),
                Some(bucket) => bucket.has_room(now, count),
            }
    }

    pub(super) fn state(&self) -> SemaphoreState {
        let rate = self.bucket.as_ref().map(|bucket| bucket.rate);
        SemaphoreState { max: self.max, level: self.level, paused: self.paused, rate }
    }
}

#[derive(Debug, Default)]
pub(super) struct Semaphores {
    all: Slab<Semaphore>,
    by_name: HashMap<SemaphoreName, SemaphoreIndex>,
    ordered: BTreeMap<SemaphoreName, SemaphoreIndex>,
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
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Adds a semaphore whose name is not taken.
    pub(super) fn add(&mut self, settings: SemaphoreSettings) -> SemaphoreIndex {
        let SemaphoreSettings { name, max, level, rate } = settings;
        let index = SemaphoreIndex::at(self.all.insert(Semaphore {
            name: name.clone(),
            max,
            level,
            paused: false,
            held: 0,
            pending: 0,
            queue: Queue::default(),
            holders: BTreeMap::new(),
            bucket: rate.map(|rate| Box::new(Bucket::new(rate, max))),
            stirred: false,
        }));
        self.by_name.insert(name.clone(), index);
        self.ordered.insert(name, index);
        index
    }

    /// Removes a semaphore that nobody holds or waits for.
    pub(super) fn remove(&mut self, index: SemaphoreIndex) {
        let removed = self.all.remove(index.0 as usize);
        self.by_name.remove(&removed.name);
        self.ordered.remove(&removed.name);
        self.stirred.retain(|stirred| *stirred != index);
    }

    pub(super) fn find(&self, name: &str) -> Option<SemaphoreIndex> {
        self.by_name.get(name).copied()
    }

    pub(super) fn resolve(&self, name: &SemaphoreName) -> Result<SemaphoreIndex, Refusal> {
        self.find(name.as_str()).ok_or_else(|| Refusal::UnknownSemaphore(name.clone()))
    }

    pub(super) fn get(&self, index: SemaphoreIndex) -> &Semaphore {
        &self.all[index.0 as usize]
    }

    pub(super) fn get_mut(&mut self, index: SemaphoreIndex) -> &mut Semaphore {
        &mut self.all[index.0 as usize]
    }

    /// All of them, ordered by name.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Semaphore> {
        self.ordered.values().map(|index| self.get(*index))
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
