//! Buckets, in the naive model: it keeps all that ever happened to one, and adds it up again and again.

use throttle::engine::{
    Count, Fence, PeerId, Priority, Rate, Refusal, Reply, SemaphoreName, SemaphoreSettings, Span,
    TicketId, Time, Want,
};

use super::{Answer, Model};

type Place = Option<(i32, TicketId)>;

/// What has happened to a bucket.
#[derive(Clone, Debug)]
enum Event {
    Taken(Time, u64),
    GivenBack(u64),
    /// So much is spent, in ticks since the epoch: from here on the rate is another one.
    Spent(u128),
}

#[derive(Clone, Debug)]
struct Promise {
    at: Time,
    count: u64,
    permit: Fence,
}

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    name: SemaphoreName,
    rate: Rate,
    capacity: u64,
    events: Vec<Event>,
    closed_until: Time,
    promises: Vec<Promise>,
}

impl Bucket {
    pub(super) fn new(name: &SemaphoreName, rate: Rate, capacity: Count) -> Self {
        Self {
            name: name.clone(),
            rate,
            capacity: capacity.get().into(),
            events: vec![],
            closed_until: Time::default(),
            promises: vec![],
        }
    }

    /// A microsecond has `refill` ticks, so that a token is worth `every` of them.
    fn ticks(&self, at: Time) -> u128 {
        u128::from(at.as_micros()) * u128::from(self.rate.refill().get())
    }

    fn worth(&self, count: u64) -> u128 {
        u128::from(count) * u128::from(self.rate.every().as_micros())
    }

    /// Until when all that was taken is paid for.
    fn paid(&self) -> u128 {
        self.events.iter().fold(0, |paid, event| match event {
            Event::Taken(at, count) => paid.max(self.ticks(*at)) + self.worth(*count),
            Event::GivenBack(count) => paid.saturating_sub(self.worth(*count)),
            Event::Spent(ticks) => *ticks,
        })
    }

    fn paid_with_promises(&self, paid: u128) -> u128 {
        let after = |paid: u128, it: &Promise| paid.max(self.ticks(it.at)) + self.worth(it.count);
        self.promises.iter().fold(paid, after)
    }

    /// Whether what is paid for then leaves all promises from this one on possible.
    fn leaves_possible(&self, paid: u128, from: usize) -> bool {
        let mut before = 0;
        self.promises[from..].iter().all(|it| {
            before += it.count;
            paid + self.worth(before) <= self.ticks(it.at) + self.worth(self.capacity)
        })
    }

    fn earliest(&self, now: Time, paid: u128, count: u64) -> Time {
        let ticks = (paid + self.worth(count)).saturating_sub(self.worth(self.capacity));
        let micros = ticks.div_ceil(u128::from(self.rate.refill().get()));
        let at = Time::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        at.max(now).max(self.closed_until)
    }

    pub(super) fn open(&mut self) {
        self.closed_until = Time::default();
    }

    fn has_room(&self, now: Time, count: u64) -> bool {
        let paid = self.paid().max(self.ticks(now)) + self.worth(count);
        let spendable = self.ticks(now) + self.worth(self.capacity);
        now >= self.closed_until && paid <= spendable && self.leaves_possible(paid, 0)
    }

    fn look_at(&self, now: Time, count: u64) -> Time {
        let at = self.earliest(now, self.paid().max(self.ticks(now)), count);
        match self.promises.first() {
            Some(first) if at <= now => first.at,
            Some(first) => at.min(first.at),
            None => at,
        }
    }

    fn due(&self, now: Time, before: u64, count: u64) -> Time {
        let paid = self.paid().max(self.ticks(now)) + self.worth(before);
        let at = self.earliest(now, paid, count);
        let first = self.promises.first().map(|first| first.at);
        let fits = at <= first.unwrap_or(at) && self.leaves_possible(paid + self.worth(count), 0);
        if fits { at } else { self.earliest(now, self.paid_with_promises(paid), count) }
    }

    /// When a promise could be for: in the first gap, or, while others wait, behind everything.
    fn promisable(&self, now: Time, queued: u64, count: u64) -> Time {
        let start = self.paid().max(self.ticks(now)) + self.worth(queued);
        if queued == 0 {
            let mut paid = start;
            let mut not_before = Time::default();
            for (number, next) in self.promises.iter().enumerate() {
                let at = self.earliest(now, paid, count).max(not_before);
                let after = paid.max(self.ticks(at)) + self.worth(count);
                if at <= next.at && self.leaves_possible(after, number) {
                    return at;
                }
                paid = paid.max(self.ticks(next.at)) + self.worth(next.count);
                not_before = next.at;
            }
        }
        self.earliest(now, self.paid_with_promises(start), count)
    }

    pub(super) fn max_reserved(&self) -> u64 {
        self.rate.max_reserved.into()
    }

    pub(super) fn promised(&self) -> u64 {
        self.promises.iter().map(|it| it.count).sum()
    }

    pub(super) fn next_promise(&self) -> Option<Time> {
        self.promises.first().map(|it| it.at)
    }

    fn correct(&mut self, now: Time, taken: Count, used: Count) {
        let (taken, used) = (u64::from(taken.get()), u64::from(used.get()));
        if used > taken {
            self.events.push(Event::Taken(now, used - taken));
        } else {
            self.events.push(Event::GivenBack(taken - used));
        }
    }
}

impl Model {
    pub(super) fn bucket(&self, name: &SemaphoreName) -> Option<&Bucket> {
        self.buckets.iter().find(|bucket| bucket.name == *name)
    }

    pub(super) fn bucket_mut(&mut self, name: &SemaphoreName) -> Option<&mut Bucket> {
        self.buckets.iter_mut().find(|bucket| bucket.name == *name)
    }

    fn known_bucket(&self, name: &SemaphoreName) -> Result<&Bucket, Refusal> {
        self.semaphore(name)?;
        self.bucket(name).ok_or_else(|| Refusal::NotABucket(name.clone()))
    }

    /// What was promised for a time that has come is taken.
    pub(super) fn keep_promises(&mut self) {
        for bucket in &mut self.buckets {
            while bucket.promises.first().is_some_and(|first| first.at <= self.now) {
                let Promise { at, count, .. } = bucket.promises.remove(0);
                bucket.events.push(Event::Taken(at, count));
            }
        }
    }

    pub(super) fn take(&mut self, name: &SemaphoreName, count: Count) {
        let now = self.now;
        if let Some(bucket) = self.bucket_mut(name) {
            bucket.events.push(Event::Taken(now, count.get().into()));
        }
    }

    pub(super) fn set_bucket(&mut self, settings: &SemaphoreSettings) {
        let SemaphoreSettings { name, max, rate, .. } = settings;
        let now = self.now;
        match (self.bucket_mut(name), rate) {
            (_, None) => self.buckets.retain(|bucket| bucket.name != *name),
            (None, Some(rate)) => self.buckets.push(Bucket::new(name, *rate, *max)),
            (Some(bucket), Some(rate)) => {
                let ahead = bucket.paid().saturating_sub(bucket.ticks(now));
                let micros = ahead.div_ceil(bucket.rate.refill().get().into());
                (bucket.rate, bucket.capacity) = (*rate, max.get().into());
                let ahead = micros * u128::from(rate.refill().get());
                bucket.events.push(Event::Spent(bucket.ticks(now) + ahead));
            }
        }
    }

    /// Whether there is nothing to remember about its tokens.
    pub(super) fn is_full(&self, name: &SemaphoreName) -> bool {
        self.bucket(name).is_none_or(|bucket| {
            let spent = bucket.paid() > bucket.ticks(self.now);
            !spent && bucket.promises.is_empty() && self.now >= bucket.closed_until
        })
    }

    pub(super) fn forget_bucket(&mut self, name: &SemaphoreName) {
        self.buckets.retain(|bucket| bucket.name != *name);
    }

    pub(super) fn has_room(&self, name: &SemaphoreName, count: Count) -> bool {
        let room = match self.bucket(name) {
            Some(bucket) => bucket.has_room(self.now, count.get().into()),
            None => {
                let max = u64::from(self.semaphore(name).unwrap().max.get());
                self.held(name) + self.delayed(name) + u64::from(count.get()) <= max
            }
        };
        room && !self.paused.contains(name)
    }

    /// The buckets that lack tokens, when nothing else is in the way.
    fn lacking(
        &self,
        place: Place,
        parts: &[(SemaphoreName, Count)],
    ) -> Option<Vec<(&Bucket, u64)>> {
        let mut lacking = vec![];
        for (name, count) in parts {
            if self.is_taken_before(place, name) {
                return None;
            }
            if !self.has_room(name, *count) {
                let bucket = self.bucket(name).filter(|_| !self.paused.contains(name))?;
                lacking.push((bucket, u64::from(count.get())));
            }
        }
        (self.now >= self.settings.grants_from).then_some(lacking)
    }

    pub(super) fn turn(&self, place: Place, parts: &[(SemaphoreName, Count)]) -> Option<Time> {
        let lacking = self.lacking(place, parts)?.into_iter();
        let at = lacking.map(|(bucket, count)| bucket.look_at(self.now, count)).max()?;
        let buckets = parts.iter().filter_map(|(name, _)| self.bucket(name));
        let promised = buckets.filter_map(|bucket| bucket.promises.first()).map(|it| it.at).min();
        Some(at.min(promised.unwrap_or(at)))
    }

    /// When those who wait have to be looked at, because time alone may have served them.
    pub(super) fn turns(&self) -> impl Iterator<Item = Time> {
        self.peers.iter().filter_map(|peer| {
            let ticket = peer.ticket.as_ref()?;
            self.turn(peer.place(), &ticket.parts)
        })
    }

    pub(super) fn eta(&self, place: Place, parts: &[(SemaphoreName, Count)]) -> Option<Span> {
        if let Some(lacking) = self.lacking(place, parts) {
            let due = lacking.into_iter().map(|(bucket, count)| bucket.due(self.now, 0, count));
            return due.max().map(|at| at.since(self.now));
        }
        let [(name, count)] = parts else { return None };
        let bucket = self.bucket(name)?;
        let waiting: Vec<_> = self.peers.iter().filter(|peer| peer.waits_for(name)).collect();
        let joint = |peer: &&super::Peer| peer.ticket.as_ref().unwrap().parts.len() > 1;
        if waiting.iter().any(joint)
            || self.paused.contains(name)
            || self.now < self.settings.grants_from
        {
            return None;
        }
        let before = waiting.iter().filter(|peer| peer.place() < place);
        let before = before.map(|peer| u64::from(peer.ticket.as_ref().unwrap().parts[0].1.get()));
        Some(bucket.due(self.now, before.sum(), count.get().into()).since(self.now))
    }

    pub(super) fn reserve(
        &mut self,
        name: &SemaphoreName,
        asked: i64,
        max_wait: Option<Span>,
    ) -> Answer {
        self.known_bucket(name)?;
        let name = name.clone();
        let Some(count) = Count::new(asked).filter(|count| count.get() > 0) else {
            return Err(Refusal::InvalidCount { name, asked });
        };
        let max = self.semaphore(&name)?.max;
        if count > max {
            return Err(Refusal::Never { name, asked, max });
        }
        max_wait.map_or(Ok(()), |span| self.check_span(span))?;
        if self.paused.contains(&name) || self.now < self.settings.grants_from {
            return Err(Refusal::Busy { name, retry_after: Span::from_secs(1) });
        }
        let bucket = self.known_bucket(&name)?;
        let at = bucket.promisable(self.now, self.pending(&name), count.get().into());
        let (wait, slop) = (at.since(self.now), bucket.rate.slop);
        if let Some(max_wait) = max_wait.filter(|max_wait| wait > *max_wait) {
            return Err(Refusal::TooLate { wait, max_wait });
        }
        if at > self.now {
            self.check_line(&name, count)?;
        }
        self.settings.last_fence = Fence(self.settings.last_fence.0 + 1);
        let (permit, now) = (self.settings.last_fence, self.now);
        let bucket = self.bucket_mut(&name).unwrap();
        let count = u64::from(count.get());
        if at > now {
            bucket.promises.push(Promise { at, count, permit });
            bucket.promises.sort_by_key(|it| it.at);
        } else {
            bucket.events.push(Event::Taken(now, count));
        }
        Ok(Reply::Reserved { permit, from: at, until: at.after(slop) })
    }

    pub(super) fn unreserve(&mut self, name: &SemaphoreName, permit: Fence) -> Answer {
        self.known_bucket(name)?;
        let bucket = self.bucket_mut(name).unwrap();
        let before = bucket.promises.len();
        bucket.promises.retain(|it| it.permit != permit);
        if bucket.promises.len() == before {
            return Err(Refusal::UnknownPermit(permit));
        }
        Ok(Reply::Released { locks: 1 })
    }

    pub(super) fn settle(&mut self, peer: PeerId, used: &Want) -> Answer {
        for (name, asked) in used.iter() {
            self.known_bucket(name)?;
            let name = name.clone();
            Count::new(asked).ok_or(Refusal::InvalidUse { name, asked })?;
        }
        for (name, _) in used.iter() {
            if self.known(peer)?.lock(name).is_none() {
                return Err(Refusal::NotHeld(name.clone()));
            }
        }
        for (name, used) in used.iter() {
            self.correct(peer, name, Count::new(used).unwrap());
        }
        Ok(Reply::Settled)
    }

    fn correct(&mut self, peer: PeerId, name: &SemaphoreName, used: Count) {
        let now = self.now;
        let locks = &mut self.peer(peer).unwrap().locks;
        let lock = locks.iter_mut().find(|lock| lock.name == *name).unwrap();
        let taken = std::mem::replace(&mut lock.count, used);
        self.touch(name);
        self.bucket_mut(name).unwrap().correct(now, taken, used);
    }

    pub(super) fn back_off(
        &mut self,
        peer: Option<PeerId>,
        name: &SemaphoreName,
        retry_after: Span,
    ) -> Answer {
        self.known_bucket(name)?;
        if let Some(peer) = peer
            && self.known(peer)?.lock(name).is_none()
        {
            return Err(Refusal::NotHeld(name.clone()));
        }
        self.check_span(retry_after)?;
        let until = self.now.after(retry_after);
        let bucket = self.bucket_mut(name).unwrap();
        bucket.closed_until = bucket.closed_until.max(until);
        Ok(Reply::BackedOff { until: bucket.closed_until })
    }

    /// How long to stand in line at this place.
    pub(super) fn patience(
        &self,
        (priority, ticket): (Priority, TicketId),
        parts: &[(SemaphoreName, Count)],
        timeout: Option<Span>,
        max_wait: Option<Span>,
    ) -> Result<Option<Span>, Refusal> {
        let eta = self.eta(Some((-i32::from(priority.0), ticket)), parts);
        match (eta, max_wait) {
            (Some(wait), Some(max_wait)) if wait > max_wait => {
                Err(Refusal::TooLate { wait, max_wait })
            }
            (Some(_), _) => Ok(timeout),
            (None, max_wait) => Ok(timeout.into_iter().chain(max_wait).min()),
        }
    }
}
