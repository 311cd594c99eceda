//! Semaphores, buckets and patterns as they can be seen: in numbers, with who holds and who waits.

use std::ops::Bound::{Excluded, Unbounded};

use super::bucket::Bucket;
use super::core::Engine;
use super::ids::{Count, Fence, Level, PeerId};
use super::manners::Manners;
use super::outcome::Lock;
use super::patterns::{Pattern, Sums};
use super::rate::Rate;
use super::semaphores::{Semaphore, SemaphoreIndex};
use super::settings::SemaphoreSettings;
use super::text::{Label, SemaphoreName};
use super::time::Time;

/// One semaphore, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreView {
    /// Its name.
    pub name: SemaphoreName,
    /// How much of it may be held at once.
    pub max: Count,
    /// Its place in the lock hierarchy.
    pub level: Level,
    /// How it treats those who wait.
    pub manners: Manners,
    /// Whether an operator has paused it: nothing is granted.
    pub paused: bool,
    /// How much of it is held; above `max` only after a restore.
    pub held: u64,
    /// How much of it was held by peers that have expired, and is not given to others yet.
    pub delayed: u64,
    /// How many peers hold it.
    pub holders: usize,
    /// How much of it is waited for.
    pub pending: u64,
    /// How many tickets wait for it.
    pub waiters: usize,
    /// Since when the ticket waits that has waited longest.
    pub waiting_since: Option<Time>,
    /// Its tokens, if it is a bucket.
    pub bucket: Option<BucketView>,
    /// How many keys there are, if it is a pattern. The numbers are those of all of them together then.
    pub keys: Option<usize>,
}

impl SemaphoreView {
    /// What is left to acquire, now; negative when it is over-committed.
    pub fn remainder(&self) -> i64 {
        if let Some(bucket) = &self.bucket {
            return bucket.available;
        }
        // A sum of held counts stays below 2^63: it is at most the number of peers times 2^31.
        i64::from(self.max.get()) - i64::try_from(self.held + self.delayed).unwrap_or(i64::MAX)
    }
}

/// What there is of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BucketView {
    /// How fast its tokens come back.
    pub rate: Rate,
    /// How many tokens there are now; negative when more was used than there were.
    pub available: i64,
    /// When it is full again, if nothing more is taken. `None`: it is.
    pub full_at: Option<Time>,
    /// How many are promised to come later.
    pub reserved: u64,
    /// Nothing is given before: somebody was refused by what is behind it. `None`: it is open.
    pub closed_until: Option<Time>,
}

/// A part of a semaphore that nobody gets yet, because the peer that held it has expired.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Blocked {
    /// How much it is.
    pub count: Count,
    /// The fence of the lock.
    pub fence: Fence,
    /// The numbers of the lock, if it has some.
    pub slots: Box<[u32]>,
    /// Until when.
    pub until: Time,
}

impl Engine {
    /// One semaphore, pattern or key. A key that nobody uses is as its pattern says.
    pub fn semaphore(&self, name: &str) -> Option<SemaphoreView> {
        if let Some(index) = self.semaphores.find(name) {
            return Some(self.view(self.semaphores.get(index)));
        }
        let patterns = &self.semaphores.patterns;
        if let Some(pattern) = patterns.find(name) {
            return Some(view_pattern(patterns.get(pattern), self.now));
        }
        let key = SemaphoreName::new(name).ok()?;
        let pattern = patterns.get(patterns.of(&key)?);
        let idle = Pattern { sums: Sums::default(), ..pattern.clone() };
        Some(SemaphoreView { name: key, keys: None, ..view_pattern(&idle, self.now) })
    }

    /// All that is listed, ordered by name: semaphores, and patterns with all of their keys together.
    pub fn semaphores(&self) -> impl ExactSizeIterator<Item = SemaphoreView> {
        self.semaphores_at(self.now)
    }

    /// The same as it is at a later moment, if nothing but time happens: nobody has to tell the engine when a promise
    /// is due, or a bucket is full again.
    pub fn semaphores_at(&self, now: Time) -> impl ExactSizeIterator<Item = SemaphoreView> {
        let now = now.max(self.now);
        let listed = self.listed(None).map(|semaphore| self.view_at(semaphore, now));
        let patterns = self.semaphores.patterns.iter();
        let patterns = patterns.map(|pattern| view_pattern(pattern, now));
        let mut all: Vec<_> = listed.chain(patterns).collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        all.into_iter()
    }

    /// A page of [`Self::semaphores`]: so many of those behind `after`, or of the first ones. The last page has less.
    ///
    /// Each that stays during a walk over all pages is seen exactly once.
    pub fn semaphores_after(
        &self,
        after: Option<&SemaphoreName>,
        limit: usize,
    ) -> Vec<SemaphoreView> {
        let patterns = self.semaphores.patterns.iter();
        let patterns = patterns.filter(|it| after.is_none_or(|after| it.settings.name > *after));
        let patterns = patterns.map(|pattern| view_pattern(pattern, self.now));
        let listed = self.listed(after).take(limit).map(|it| self.view(it));
        let mut page: Vec<_> = listed.chain(patterns).collect();
        page.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        page.truncate(limit);
        page
    }

    /// Those with a name of their own, ordered by it, behind one or from the first one on.
    fn listed(&self, after: Option<&SemaphoreName>) -> impl Iterator<Item = &Semaphore> {
        let behind = (after.map_or(Unbounded, Excluded), Unbounded);
        let listed = self.semaphores.ordered.range::<SemaphoreName, _>(behind);
        listed.map(|(_, index)| self.semaphores.get(*index))
    }

    /// The peers that wait for a semaphore, in the order in which they are served.
    pub fn queue(&self, name: &str) -> impl Iterator<Item = PeerId> {
        let semaphore = self.semaphores.find(name).map(|index| self.semaphores.get(index));
        let queue = semaphore.into_iter().flat_map(|semaphore| semaphore.queue.iter());
        queue.map(|(_, slot)| self.peers.get(slot).id)
    }

    /// Those who hold locks on a semaphore, in the order of the grants.
    pub fn holders(&self, name: &str) -> impl Iterator<Item = (PeerId, Option<Label>, Lock)> {
        self.semaphores.find(name).into_iter().flat_map(|semaphore| self.holders_of(semaphore))
    }

    /// What is blocked of a semaphore after an expiry, in the order of the grants.
    pub fn blocked(&self, name: &str) -> impl Iterator<Item = Blocked> {
        let semaphore = self.semaphores.find(name).map(|index| self.semaphores.get(index));
        semaphore.into_iter().flat_map(|semaphore| {
            semaphore.delays.iter().map(|(fence, count, until)| {
                let slots = semaphore.numbers_of(fence);
                Blocked { count, fence, slots, until }
            })
        })
    }

    /// Those who hold locks on what a peer waits for: by semaphore, then in the order of the grants.
    pub fn blocking(&self, peer: PeerId) -> impl Iterator<Item = (PeerId, Option<Label>, Lock)> {
        let peer = self.peers.find(peer).map(|slot| self.peers.get(slot));
        let ticket = peer.and_then(|peer| peer.ticket.as_ref());
        let parts = ticket.into_iter().flat_map(|ticket| &ticket.parts);
        parts.flat_map(|(semaphore, _)| self.holders_of(*semaphore))
    }

    fn holders_of(
        &self,
        semaphore: SemaphoreIndex,
    ) -> impl Iterator<Item = (PeerId, Option<Label>, Lock)> {
        self.semaphores.get(semaphore).holders.values().filter_map(move |slot| {
            let peer = self.peers.get(*slot);
            let lock = self.lock(peer.hold(semaphore)?);
            Some((peer.id, peer.label().cloned(), lock))
        })
    }

    pub(super) fn view(&self, semaphore: &Semaphore) -> SemaphoreView {
        self.view_at(semaphore, self.now)
    }

    fn view_at(&self, semaphore: &Semaphore, now: Time) -> SemaphoreView {
        let oldest = semaphore.queue.oldest().map(|slot| self.peers.get(slot));
        SemaphoreView {
            name: semaphore.name.clone(),
            max: semaphore.max,
            level: semaphore.level,
            manners: semaphore.manners,
            paused: semaphore.paused,
            held: semaphore.held,
            delayed: semaphore.delays.sum(),
            keys: None,
            holders: semaphore.holders.len(),
            pending: semaphore.pending,
            waiters: semaphore.queue.len(),
            bucket: semaphore.bucket.as_ref().map(|bucket| view_bucket(bucket, now)),
            waiting_since: oldest.and_then(|peer| peer.ticket.as_ref()).map(|ticket| ticket.since),
        }
    }
}

fn view_pattern(pattern: &Pattern, now: Time) -> SemaphoreView {
    let Pattern { settings, paused, sums } = pattern;
    let SemaphoreSettings { name, max, level, rate, manners } = settings.clone();
    let full = rate.map(|rate| view_bucket(&Bucket::new(rate, max), now));
    SemaphoreView {
        name,
        max,
        level,
        manners,
        paused: *paused,
        held: sums.held,
        delayed: sums.delayed,
        holders: sums.holders,
        pending: sums.pending,
        waiters: sums.waiters,
        waiting_since: None,
        bucket: full,
        keys: Some(sums.keys),
    }
}

fn view_bucket(bucket: &Bucket, now: Time) -> BucketView {
    let closed = Some(bucket.closed_until).filter(|until| *until > now);
    let (rate, available) = (bucket.rate, bucket.available(now));
    BucketView {
        rate,
        available,
        full_at: bucket.full_at(now),
        reserved: bucket.promised(now),
        closed_until: closed,
    }
}
