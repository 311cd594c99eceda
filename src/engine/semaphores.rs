//! The semaphores: their sums, which are kept and never recomputed, and their queues.

use std::collections::BTreeMap;

use ahash::HashMap;

use super::ids::{Count, Fence, Level};
use super::peers::Slot;
use super::queue::Queue;
use super::refusal::Refusal;
use super::settings::SemaphoreSettings;
use super::text::SemaphoreName;

/// Where a semaphore is stored. Semaphores are stored in the order of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SemaphoreIndex(u32);

#[derive(Debug)]
pub(super) struct Semaphore {
    pub(super) name: SemaphoreName,
    pub(super) max: Count,
    pub(super) level: Level,
    /// Sum of the counts that peers hold.
    pub(super) held: u64,
    /// Sum of the counts that tickets wait for.
    pub(super) pending: u64,
    pub(super) queue: Queue,
    /// Who holds a lock, in the order of the grants.
    pub(super) holders: BTreeMap<Fence, Slot>,
    /// Something was released, or somebody left the queue: its first ticket may be granted now.
    stirred: bool,
}

impl Semaphore {
    pub(super) fn has_room(&self, count: Count) -> bool {
        self.held + u64::from(count.get()) <= u64::from(self.max.get())
    }
}

#[derive(Debug)]
pub(super) struct Semaphores {
    all: Vec<Semaphore>,
    by_name: HashMap<SemaphoreName, SemaphoreIndex>,
    /// Those whose first ticket has to be looked at, each once.
    stirred: Vec<SemaphoreIndex>,
}

impl Semaphores {
    pub(super) fn new(mut settings: Vec<SemaphoreSettings>) -> Self {
        settings.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let names = settings.iter().map(|semaphore| semaphore.name.clone());
        let by_name = names.zip((0..).map(SemaphoreIndex)).collect();
        let all = settings.into_iter().map(|SemaphoreSettings { name, max, level }| Semaphore {
            name,
            max,
            level,
            held: 0,
            pending: 0,
            queue: Queue::default(),
            holders: BTreeMap::new(),
            stirred: false,
        });
        Self { all: all.collect(), by_name, stirred: Vec::new() }
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

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Semaphore> {
        self.all.iter()
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
        (0..).map(SemaphoreIndex).take(self.all.len()).for_each(|index| self.stir(index));
    }

    /// Takes one of those whose first ticket has to be looked at.
    pub(super) fn take_stirred(&mut self) -> Option<SemaphoreIndex> {
        let index = self.stirred.pop()?;
        self.all[index.0 as usize].stirred = false;
        Some(index)
    }
}
