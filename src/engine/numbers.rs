//! Slot numbers: which pieces of a semaphore a lock is for, where they are not all alike (devices, ports).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::ids::{Count, Fence};
use super::semaphores::Semaphore;
use super::text::SemaphoreName;

/// The numbers of a semaphore are below this one. What is held beyond has none.
pub const MAX_SLOTS: u32 = 10_000;

/// The numbers that a client believes its locks to have, by semaphore. They are wishes: whatever of it cannot be is left
/// out, because a client must not lose a lock over a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Claims(BTreeMap<SemaphoreName, BTreeSet<u32>>);

impl Claims {
    /// What is said of each semaphore, in any order.
    pub fn new<N>(items: impl IntoIterator<Item = (SemaphoreName, N)>) -> Self
    where
        N: IntoIterator<Item = u32>,
    {
        let set = |(name, numbers): (_, N)| (name, numbers.into_iter().collect());
        Self(items.into_iter().map(set).collect())
    }

    /// Each semaphore with its numbers, ordered by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&SemaphoreName, &BTreeSet<u32>)> {
        self.0.iter()
    }

    /// In ascending order.
    fn of(&self, name: &SemaphoreName) -> impl Iterator<Item = u32> {
        self.0.get(name).into_iter().flatten().copied()
    }
}

/// The numbers of one semaphore: each is taken by one lock, or free.
#[derive(Debug, Default, Hash)]
pub(super) struct Numbers {
    /// In ascending order.
    taken: BTreeMap<Fence, Vec<u32>>,
    free: Free,
}

impl Numbers {
    /// Those that are claimed, as far as they are free, and else the smallest there are.
    fn give(&mut self, fence: Fence, count: Count, claimed: impl Iterator<Item = u32>) {
        let count = count.get() as usize;
        let kept = claimed.filter(|number| self.free.take(*number)).take(count);
        let mut given: Vec<_> = kept.collect();
        while given.len() < count {
            match self.free.take_first() {
                Some(number) => given.push(number),
                None => break,
            }
        }
        given.sort_unstable();
        if !given.is_empty() {
            self.taken.insert(fence, given);
        }
    }

    fn take_back(&mut self, fence: Fence, left: usize) {
        let Some(numbers) = self.taken.get_mut(&fence) else { return };
        let surplus = numbers.split_off(left.min(numbers.len()));
        if numbers.is_empty() {
            self.taken.remove(&fence);
        }
        surplus.into_iter().for_each(|number| self.free.put_back(number));
    }

    /// Whether each number is there once, and each lock that has some is known.
    fn is_sound(&self, is_known: impl Fn(Fence) -> bool) -> bool {
        let taken = self.taken.values().flatten().map(|number| (*number, *number + 1));
        let mut all: Vec<_> = taken.chain(self.free.0.clone()).collect();
        all.sort_unstable();
        let starts = all.iter().map(|(start, _)| *start).chain([MAX_SLOTS]);
        starts.eq([0].into_iter().chain(all.iter().map(|(_, end)| *end)))
            && self.free.is_sound()
            && self.taken.iter().all(|(fence, it)| is_known(*fence) && it.is_sorted())
    }
}

/// The numbers that nobody has, as ranges: by their starts, their ends. So a large number that somebody claims does not
/// cost memory for all those below it.
#[derive(Debug, Hash)]
struct Free(BTreeMap<u32, u32>);

impl Default for Free {
    fn default() -> Self {
        Self(BTreeMap::from([(0, MAX_SLOTS)]))
    }
}

impl Free {
    fn take_first(&mut self) -> Option<u32> {
        let (first, end) = self.0.pop_first()?;
        self.add(first + 1..end);
        Some(first)
    }

    /// Takes this one. `false`: it is not free, or there is no such number.
    fn take(&mut self, number: u32) -> bool {
        let around = self.0.range(..=number).next_back().filter(|(_, end)| **end > number);
        let Some((start, end)) = around.map(|(start, end)| (*start, *end)) else { return false };
        self.0.remove(&start);
        self.add(start..number);
        self.add(number + 1..end);
        true
    }

    fn put_back(&mut self, number: u32) {
        let before = self.0.range(..number).next_back().filter(|(_, end)| **end == number);
        let start = before.map_or(number, |(start, _)| *start);
        let end = self.0.remove(&(number + 1)).unwrap_or(number + 1);
        self.add(start..end);
    }

    fn add(&mut self, Range { start, end }: Range<u32>) {
        if start < end {
            self.0.insert(start, end);
        }
    }

    /// Whether no range is empty, or goes on in the next one: equal states look alike.
    fn is_sound(&self) -> bool {
        let ends = [None].into_iter().chain(self.0.values().map(Some));
        self.0.iter().zip(ends).all(|((start, end), before)| start < end && before < Some(start))
    }
}

impl Semaphore {
    /// Gives a lock its numbers, if the semaphore has some.
    pub(super) fn give_numbers(&mut self, fence: Fence, count: Count, claims: &Claims) {
        if self.manners.slots {
            let claimed = claims.of(&self.name);
            self.numbers.get_or_insert_default().give(fence, count, claimed);
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
