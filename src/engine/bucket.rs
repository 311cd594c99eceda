//! The tokens of one bucket: the generic cell rate algorithm (GCRA, of ITU-T I.371), in integers and without drift.
//!
//! All that was taken is paid for by time that passes. `paid_at` is when the last of it will be; each token moves it
//! `every / refill` further, and it may lie ahead of the present by no more than the capacity is worth. To stay exact,
//! whatever the rate, moments are counted in *ticks*, of which a microsecond has `refill`: so a token costs `every`.
//!
//! No window of time gets more than the capacity, and the refill for its length.

use super::ids::{Count, Fence};
use super::rate::Rate;
use super::reservations::{Reservation, Reservations};
use super::time::{Span, Time};

/// A moment, or a length of time, in parts of a microsecond. A time below 2^64, a refill and a count of at most 2^31
/// and a rate's span below 2^45 leave room for sums of 2^50 of them.
pub(super) type Ticks = u128;

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) rate: Rate,
    /// How many tokens it holds when it is full.
    capacity: Count,
    paid_at: Ticks,
    /// Nothing is given before: the resource behind it has refused somebody.
    pub(super) closed_until: Time,
    reservations: Reservations,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate, capacity: Count) -> Self {
        let (closed_until, reservations) = (Time::default(), Reservations::default());
        Self { rate, capacity, paid_at: 0, closed_until, reservations }
    }

    /// Goes on at another rate. What was taken already is paid for at the old one.
    pub(super) fn change(&mut self, now: Time, rate: Rate, capacity: Count) {
        self.settle_due(now);
        let ahead = self.paid_at.saturating_sub(self.ticks(now));
        let micros = ahead.div_ceil(u128::from(self.rate.refill().get()));
        (self.rate, self.capacity) = (rate, capacity);
        self.paid_at = self.ticks(now) + micros * u128::from(rate.refill().get());
        self.reservations.price(self.prices());
        self.reservations.loosen();
    }

    /// Gives again, although somebody was refused by what is behind it. What is promised stays where it is.
    pub(super) fn open(&mut self) {
        self.closed_until = Time::default();
        self.reservations.loosen();
    }

    /// Whether so many tokens can be taken now, with enough left for what is reserved.
    pub(super) fn has_room(&self, now: Time, count: u64) -> bool {
        let paid_at = self.paid_after(now, count);
        now >= self.closed_until
            && paid_at <= self.ticks(now) + self.credit()
            && self.reservations.allow(paid_at)
    }

    /// Takes tokens now, whether there are so many or not.
    pub(super) fn take(&mut self, now: Time, count: u64) {
        self.settle_due(now);
        self.paid_at = self.paid_after(now, count);
    }

    /// Puts tokens back that were taken and not used.
    pub(super) fn give_back(&mut self, count: u64) {
        self.paid_at = self.paid_at.saturating_sub(self.cost(count));
        self.reservations.loosen();
    }

    /// What was reserved for a time that has come is taken.
    pub(super) fn settle_due(&mut self, now: Time) {
        while let Some(Reservation { at, count, .. }) = self.reservations.pop(now, self.prices()) {
            self.paid_at = self.paid_after(at, u64::from(count.get()));
        }
    }

    /// When so many tokens can be taken once `before` others are, and all that is reserved: exactly then if nothing is
    /// reserved, or if it is before the first of that.
    pub(super) fn due(&self, now: Time, before: u64, count: u64) -> Time {
        let paid_at = self.paid_after(now, before);
        let at = self.earliest(now, paid_at, count);
        let fits = |first: &Reservation| {
            at <= first.at && self.reservations.allow(paid_at + self.cost(count))
        };
        if self.reservations.first().is_none_or(fits) {
            return at;
        }
        self.earliest(now, self.reservations.paid_after(paid_at), count)
    }

    /// When to look again whether so many tokens can be taken: never before there is a chance.
    pub(super) fn look_at(&self, now: Time, count: u64) -> Time {
        let at = self.earliest(now, self.paid_after(now, 0), count);
        match self.reservations.first() {
            Some(first) if at <= now || first.at < at => first.at,
            Some(_) | None => at,
        }
    }

    /// Reserves tokens behind all that is reserved, and behind `queued` tokens that others wait for. Returns from when
    /// they may be used.
    pub(super) fn reserve(&mut self, now: Time, queued: u64, count: Count, permit: Fence) -> Time {
        let at = self.reservable(now, queued, count);
        if at <= now {
            self.take(now, u64::from(count.get()));
        } else {
            self.reservations.add(Reservation { at, count, permit }, self.prices());
            if queued > 0 {
                // Those may leave.
                self.reservations.loosen();
            }
        }
        at
    }

    /// When [`Bucket::reserve`] would reserve.
    pub(super) fn reservable(&self, now: Time, queued: u64, count: Count) -> Time {
        let cost = u64::from(count.get());
        let paid_at = self.paid_after(now, queued);
        let last = self.earliest(now, self.reservations.paid_after(paid_at), cost);
        if queued > 0 || !self.reservations.has_gaps() {
            return last;
        }
        let fit = |paid_at: Ticks, not_before: Time| {
            let at = self.earliest(now, paid_at, cost).max(not_before);
            (at, paid_at.max(self.ticks(at)) + self.cost(cost))
        };
        self.reservations.gap(paid_at, self.prices(), fit).unwrap_or(last)
    }

    /// Gives up what is reserved and not yet due.
    pub(super) fn unreserve(&mut self, permit: Fence) -> bool {
        self.reservations.remove(permit, self.prices())
    }

    /// How many tokens are promised to come later.
    pub(super) fn reserved(&self) -> u64 {
        self.reservations.tokens()
    }

    /// How many tokens are promised to come after `now`.
    pub(super) fn promised(&self, now: Time) -> u64 {
        let due = self.reservations.iter().take_while(|it| it.at <= now);
        self.reserved() - due.map(|it| u64::from(it.count.get())).sum::<u64>()
    }

    /// When the first of what is reserved is due.
    pub(super) fn next_reserved(&self) -> Option<Time> {
        self.reservations.first().map(|first| first.at)
    }

    /// How many tokens there are; negative when more was taken than there were.
    pub(super) fn available(&self, now: Time) -> i64 {
        let spent = self.paid_as_of(now).saturating_sub(self.ticks(now));
        let spent = spent.div_ceil(u128::from(self.rate.every().as_micros()));
        i64::from(self.capacity.get()).saturating_sub(i64::try_from(spent).unwrap_or(i64::MAX))
    }

    /// When it is full again, if nothing more is taken. `None`: it is.
    pub(super) fn full_at(&self, now: Time) -> Option<Time> {
        let micros = self.paid_as_of(now).div_ceil(u128::from(self.rate.refill().get()));
        Some(Time::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))).filter(|at| *at > now)
    }

    /// Whether it is full and nothing is reserved: then there is nothing to remember.
    pub(super) fn is_full(&self, now: Time) -> bool {
        self.next_reserved().is_none() && self.full_at(now).is_none() && now >= self.closed_until
    }

    /// All that is to come of it, for a digest: it does not matter how long ago it was full.
    pub(super) fn state(&self, now: Time) -> (Ticks, Time, Vec<Reservation>) {
        let later = self.reservations.iter().filter(|it| it.at > now).copied().collect();
        let paid_at = self.paid_as_of(now).saturating_sub(self.ticks(now));
        (paid_at, self.closed_until.max(now), later)
    }

    fn paid_as_of(&self, now: Time) -> Ticks {
        let due = self.reservations.iter().take_while(|it| it.at <= now);
        due.fold(self.paid_at, |paid_at, it| {
            paid_at.max(self.ticks(it.at)) + self.cost(u64::from(it.count.get()))
        })
    }

    fn paid_after(&self, now: Time, count: u64) -> Ticks {
        self.paid_at.max(self.ticks(now)) + self.cost(count)
    }

    /// When so many tokens can be taken after all that is paid for at `paid_at`.
    fn earliest(&self, now: Time, paid_at: Ticks, count: u64) -> Time {
        let ticks = (paid_at + self.cost(count)).saturating_sub(self.credit());
        let micros = ticks.div_ceil(u128::from(self.rate.refill().get()));
        let at = Time::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        at.max(now).max(self.closed_until)
    }

    fn ticks(&self, at: Time) -> Ticks {
        self.prices().ticks(at)
    }

    fn cost(&self, count: u64) -> Ticks {
        self.prices().cost(count)
    }

    fn credit(&self) -> Ticks {
        self.prices().credit
    }

    const fn prices(&self) -> Prices {
        let (refill, every) =
            (self.rate.refill().get() as Ticks, self.rate.every().as_micros() as Ticks);
        Prices { refill, every, credit: self.capacity.get() as Ticks * every }
    }
}

/// What moments and tokens are in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prices {
    refill: Ticks,
    every: Ticks,
    /// How far ahead of the present may be spent.
    pub(super) credit: Ticks,
}

impl Prices {
    pub(super) fn ticks(self, at: Time) -> Ticks {
        Ticks::from(at.as_micros()) * self.refill
    }

    pub(super) fn cost(self, count: u64) -> Ticks {
        Ticks::from(count) * self.every
    }
}

/// From when to when a permit may be used.
pub(super) const fn validity(rate: Rate, at: Time) -> (Time, Time) {
    (at, at.after(rate.slop))
}

/// At least this long is asked for before somebody comes again who was refused.
pub(super) const RETRY: Span = Span::from_secs(1);
