//! Tokens that are promised for fixed times to come. They are told to somebody who is not connected, so none of them
//! can be moved: whatever else is taken meanwhile has to leave them possible.

use std::collections::VecDeque;

use super::bucket::{Prices, Ticks};
use super::ids::{Count, Fence};
use super::time::Time;

/// One promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reservation {
    pub(super) at: Time,
    pub(super) count: Count,
    pub(super) permit: Fence,
}

/// Promises in the order of their times, few at a time.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    all: VecDeque<Reservation>,
    tokens: u64,
    /// What was taken may be paid for as late as this, or a promise breaks.
    limit: Option<Ticks>,
    cost: Ticks,
    /// When all of them are paid for, if nothing else is taken.
    paid_at: Ticks,
    /// There may be room before the last of them: somebody gave one up, or what was taken before them.
    gaps: bool,
}

impl Reservations {
    pub(super) fn first(&self) -> Option<&Reservation> {
        self.all.front()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.all.iter()
    }

    pub(super) const fn tokens(&self) -> u64 {
        self.tokens
    }

    pub(super) const fn has_gaps(&self) -> bool {
        self.gaps
    }

    /// Whether all are possible when what is taken before them is paid for then.
    pub(super) fn allow(&self, paid_at: Ticks) -> bool {
        self.limit.is_none_or(|limit| paid_at <= limit)
    }

    /// When all are paid for, if what is taken before them is at `paid_at`.
    pub(super) fn paid_after(&self, paid_at: Ticks) -> Ticks {
        (paid_at + self.cost).max(self.paid_at)
    }

    pub(super) fn add(&mut self, new: Reservation, prices: Prices) {
        let at = self.all.partition_point(|other| other.at <= new.at);
        self.all.insert(at, new);
        if at + 1 == self.all.len() {
            self.append(new, prices);
        } else {
            self.price(prices);
        }
    }

    /// There is more room before them than when they were made.
    pub(super) fn loosen(&mut self) {
        self.gaps = !self.all.is_empty();
    }

    /// Takes out the first one if its time has come.
    pub(super) fn pop(&mut self, now: Time, prices: Prices) -> Option<Reservation> {
        let first = *self.first().filter(|first| first.at <= now)?;
        self.all.pop_front();
        self.price(prices);
        Some(first)
    }

    pub(super) fn remove(&mut self, permit: Fence, prices: Prices) -> bool {
        let Some(at) = self.all.iter().position(|it| it.permit == permit) else { return false };
        self.all.remove(at);
        self.gaps = true;
        self.price(prices);
        true
    }

    /// Computes anew all that is known of them together.
    pub(super) fn price(&mut self, prices: Prices) {
        let gaps = self.gaps && !self.all.is_empty();
        let all = std::mem::take(&mut self.all);
        *self = Self { gaps, ..Self::default() };
        all.iter().for_each(|reservation| self.append(*reservation, prices));
        self.all = all;
    }

    /// Finds the first gap. `fit` says when something could be taken, not before a moment, after what is paid for at
    /// another, and when all of that would be paid for. Fails when there is none before the last one.
    pub(super) fn gap(
        &self,
        mut paid_at: Ticks,
        prices: Prices,
        fit: impl Fn(Ticks, Time) -> (Time, Ticks),
    ) -> Option<Time> {
        let mut not_before = Time::default();
        for (next, limit) in self.all.iter().zip(self.limits(prices)) {
            let (at, paid) = fit(paid_at, not_before);
            if at <= next.at && paid <= limit {
                return Some(at);
            }
            paid_at = paid_at.max(prices.ticks(next.at)) + prices.cost(u64::from(next.count.get()));
            not_before = next.at;
        }
        None
    }

    fn append(&mut self, new: Reservation, prices: Prices) {
        let cost = prices.cost(u64::from(new.count.get()));
        self.tokens += u64::from(new.count.get());
        self.cost += cost;
        self.paid_at = self.paid_at.max(prices.ticks(new.at)) + cost;
        let limit = (prices.ticks(new.at) + prices.credit).saturating_sub(self.cost);
        self.limit = Some(self.limit.map_or(limit, |other| other.min(limit)));
    }

    /// For each: as late as this may be paid for what is taken before it.
    fn limits(&self, prices: Prices) -> Vec<Ticks> {
        let mut limits = vec![Ticks::MAX; self.all.len()];
        let mut later = Ticks::MAX;
        for (limit, it) in limits.iter_mut().zip(&self.all).rev() {
            let own = prices.ticks(it.at) + prices.credit;
            later = own.min(later).saturating_sub(prices.cost(u64::from(it.count.get())));
            *limit = later;
        }
        limits
    }
}
