//! Slot numbers: which pieces of a semaphore a lock is for, where they are not all alike (devices, ports).

use std::collections::{BTreeMap, BTreeSet};

use super::ids::{Count, Fence};
use super::semaphores::Semaphore;

/// The numbers of a semaphore are below this one. What is held beyond has none.
pub const MAX_SLOTS: u32 = 10_000;

/// The numbers of one semaphore: each is taken by one lock, or free, or not below the next one.
#[derive(Debug, Default, Hash)]
pub(super) struct Numbers {
    /// In ascending order.
    taken: BTreeMap<Fence, Vec<u32>>,
    free: BTreeSet<u32>,
    next: u32,
}

impl Numbers {
    /// The smallest there are.
    fn give(&mut self, fence: Fence, count: Count) {
        let mut given = Vec::new();
        while given.len() < count.get() as usize {
            match self.smallest() {
                Some(number) => given.push(number),
                None => break,
            }
        }
        if !given.is_empty() {
            self.taken.insert(fence, given);
        }
    }

    fn smallest(&mut self) -> Option<u32> {
        if let Some(free) = self.free.pop_first() {
            return Some(free);
        }
        let next = Some(self.next).filter(|next| *next < MAX_SLOTS)?;
        self.next += 1;
        Some(next)
    }

    fn take_back(&mut self, fence: Fence, left: usize) {
        let Some(numbers) = self.taken.get_mut(&fence) else { return };
        let surplus = numbers.split_off(left.min(numbers.len()));
        if numbers.is_empty() {
            self.taken.remove(&fence);
        }
        self.free.extend(surplus);
        while let Some(last) = self.next.checked_sub(1).filter(|last| self.free.remove(last)) {
            self.next = last;
        }
    }

    /// Whether each number is there once, and each lock that has some is known.
    fn is_sound(&self, is_known: impl Fn(Fence) -> bool) -> bool {
        let taken = self.taken.values().flatten().copied();
        let mut all: Vec<_> = taken.chain(self.free.iter().copied()).collect();
        all.sort_unstable();
        all.into_iter().eq(0..self.next)
            && self.taken.iter().all(|(fence, it)| is_known(*fence) && it.is_sorted())
    }
}

impl Semaphore {
    /// Gives a lock its numbers, if the semaphore has some.
    pub(super) fn give_numbers(&mut self, fence: Fence, count: Count) {
        if self.manners.slots {
            self.numbers.get_or_insert_default().give(fence, count);
        }
    }

    /// Takes back all numbers of a lock but the smallest `left`.
    pub(super) fn take_numbers_back(&mut self, fence: Fence, left: usize) {
        if let Some(numbers) = &mut self.numbers {
            numbers.take_back(fence, left);
        }
    }

    pub(super) fn numbers_of(&self, fence: Fence) -> Box<[u32]> {
        let numbers = self.numbers.as_ref().and_then(|numbers| numbers.taken.get(&fence));
        numbers.map(|numbers| numbers.as_slice().into()).unwrap_or_default()
    }

    /// Whether the numbers are those of locks that are held, or still blocked.
    pub(super) fn has_sound_numbers(&self) -> bool {
        let delayed = |fence: Fence| self.delays.iter().any(|(it, ..)| it == fence);
        let is_known = |fence: Fence| self.holders.contains_key(&fence) || delayed(fence);
        self.numbers.as_ref().is_none_or(|numbers| numbers.is_sound(is_known))
    }
}
