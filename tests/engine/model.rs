//! The naive model: the rules of the engine once more, written to be read and not to be fast. It keeps nothing
//! but peers and recomputes every sum, queue and deadline by looking at all of them.

mod buckets;
mod keys;
mod manners;
mod operations;
mod sessions;

use buckets::Bucket;
use keys::Key;
use manners::Delay;
use operations::{Revocation, RevokedPeer};
use throttle::engine::{
    Claims, Command, ConnectionId, Count, Effect, EndReason, Fence, Label, Life, Lock, Locks,
    Outcome, PeerId, Priority, Refusal, ReleaseReason, Reply, SemaphoreName, SemaphoreSettings,
    Session, Settings, Span, TicketId, Time, Want,
};

#[derive(Clone, Debug)]
struct Peer {
    id: PeerId,
    life: Life,
    expires_in: Span,
    locks: Vec<Lock>,
    ticket: Option<Ticket>,
    /// What its connections said, the last word on everything.
    session: Option<Session>,
}

#[derive(Clone, Debug)]
struct Ticket {
    id: TicketId,
    priority: Priority,
    since: Time,
    until: Option<Time>,
    parts: Vec<(SemaphoreName, Count)>,
    /// All that was asked for.
    want: Vec<(SemaphoreName, Count)>,
    /// By which number it stands in line.
    arrival: TicketId,
}

pub(crate) struct Model {
    settings: Settings,
    now: Time,
    tickets: u64,
    paused: Vec<SemaphoreName>,
    buckets: Vec<Bucket>,
    keys: Vec<Key>,
    delays: Vec<Delay>,
    /// The locks of which the holders were told that they have held them for too long.
    told: Vec<Fence>,
    revocations: Vec<Revocation>,
    revoked: Vec<RevokedPeer>,
    /// What was taken from peers that could not be told.
    untold: Vec<(PeerId, SemaphoreName, Option<Label>)>,
    peers: Vec<Peer>,
    effects: Vec<Effect>,
    afterwards: Vec<Effect>,
}

type Answer = Result<Reply, Refusal>;

impl Model {
    pub(crate) fn new(settings: Settings) -> Self {
        let buckets = settings.semaphores.iter();
        let buckets = buckets.filter(|it| !it.name.is_pattern());
        let buckets = buckets.filter_map(|it| Some(Bucket::new(&it.name, it.rate?, it.max)));
        Self {
            buckets: buckets.collect(),
            settings,
            now: Time::default(),
            tickets: 0,
            paused: vec![],
            keys: vec![],
            delays: vec![],
            told: vec![],
            revocations: vec![],
            revoked: vec![],
            untold: vec![],
            peers: vec![],
            effects: vec![],
            afterwards: vec![],
        }
    }

    pub(crate) fn apply(&mut self, now: Time, command: &Command) -> Outcome {
        let now = self.now.max(now);
        self.now = now;
        self.keep_promises();
        let expired = self.expire();
        self.revoked.retain(|it| it.until > now);
        self.serve();
        let before: Vec<_> = self.key_names();
        let reply = self.handle(command, expired);
        if reply.is_err() {
            let made = self.key_names().into_iter().filter(|name| !before.contains(name));
            made.collect::<Vec<_>>().iter().for_each(|name| self.forget(name));
        }
        let before_reply = self.effects.len();
        self.effects.append(&mut self.afterwards);
        self.serve();
        Outcome { reply, effects: std::mem::take(&mut self.effects), before_reply }
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let grants = self.settings.grants_from;
        let waits = self.peers.iter().any(|peer| peer.ticket.is_some());
        let grants = (waits && self.now < grants).then_some(grants);
        let due = self.peers.iter().flat_map(|peer| peer.deadlines());
        let due = due.chain(self.revocation_deadlines()).chain(self.idle_deadlines());
        let due = due.chain(self.delay_deadlines()).chain(self.overdue_deadlines());
        let due = due.map(|(at, ..)| at);
        due.chain(grants).chain(self.turns()).min()
    }

    /// Who holds a semaphore, in the order of the fences.
    pub(crate) fn holders(&self, name: &SemaphoreName) -> Vec<(PeerId, Option<Label>, Lock)> {
        let holder = |peer: &Peer| {
            let lock = peer.lock(name)?.clone();
            Some((peer.id, peer.session.as_ref().and_then(|s| s.label.clone()), lock))
        };
        let mut holders: Vec<_> = self.peers.iter().filter_map(holder).collect();
        holders.sort_by_key(|(.., lock)| lock.fence);
        holders
    }

    pub(crate) fn held(&self, name: &SemaphoreName) -> u64 {
        let locks = self.peers.iter().flat_map(|peer| &peer.locks);
        locks.filter(|lock| lock.name == *name).map(|lock| u64::from(lock.count.get())).sum()
    }

    pub(crate) fn pending(&self, name: &SemaphoreName) -> u64 {
        let parts = self.peers.iter().filter_map(|peer| peer.ticket.as_ref());
        let parts = parts.flat_map(|ticket| &ticket.parts).filter(|(part, _)| part == name);
        parts.map(|(_, count)| u64::from(count.get())).sum()
    }

    fn expire(&mut self) -> usize {
        let due = self.peers.iter().flat_map(|peer| peer.deadlines());
        let due = due.chain(self.revocation_deadlines()).chain(self.idle_deadlines());
        let due = due.chain(self.delay_deadlines()).chain(self.overdue_deadlines());
        let mut due: Vec<_> = due.collect();
        due.retain(|(at, ..)| *at <= self.now);
        due.sort();
        let mut expired = 0;
        for (_, over, peer) in due {
            match over {
                Over::Delay(fence) => self.delay_due(fence),
                Over::Wait(_) => self.end_wait(peer, EndReason::TimedOut),
                Over::TooLong(fence) => self.overdue(fence, peer),
                Over::Revocation(peer, fence) => self.revoke_due(peer, fence),
                Over::Idle(name) => self.idle_due(&name),
                Over::Life if self.peer(peer).is_none() => {}
                Over::Life => {
                    self.remove(peer, ReleaseReason::Expired, EndReason::Expired);
                    self.effects.push(Effect::Expired { peer });
                    expired += 1;
                }
            }
        }
        expired
    }

    /// Again and again, the first ticket of all that can be served.
    fn serve(&mut self) {
        loop {
            let mut waiting: Vec<_> = self.peers.iter().filter(|p| p.ticket.is_some()).collect();
            waiting.sort_by_key(|peer| peer.place());
            let servable = |peer: &&&Peer| {
                let ticket = peer.ticket.as_ref().unwrap();
                self.can_serve(peer.place(), &ticket.parts)
            };
            let Some(peer) = waiting.iter().find(servable).map(|peer| peer.id) else { return };
            let ticket = self.peer(peer).unwrap().ticket.take().unwrap();
            ticket.parts.iter().for_each(|(name, _)| self.touch(name));
            let waited = self.now.since(ticket.since);
            self.grant(peer, &ticket.parts, Some(ticket.id), waited);
        }
    }

    fn can_serve(&self, place: Option<(i32, TicketId)>, parts: &[(SemaphoreName, Count)]) -> bool {
        let recovering = self.now < self.settings.grants_from;
        !recovering
            && parts.iter().all(|(name, count)| {
                self.has_room(name, *count) && !self.is_taken_before(place, name)
            })
    }

    /// Whether somebody stands in line for it before this place.
    fn is_taken_before(&self, place: Option<(i32, TicketId)>, name: &SemaphoreName) -> bool {
        let mut queue = self.peers.iter().filter(|peer| peer.waits_for(name));
        queue.any(|peer| peer.place() < place && self.stands(peer, name))
    }

    /// Whether a peer that waits for it stands in the way: all that it wants of higher levels is to be had.
    fn stands(&self, peer: &Peer, name: &SemaphoreName) -> bool {
        let rank = |name| self.bucket(name).is_none().then(|| self.semaphore(name).unwrap().level);
        let mut parts = peer.ticket.iter().flat_map(|ticket| &ticket.parts);
        parts.all(|(other, count)| {
            let is_ready =
                || self.has_room(other, *count) && !self.is_taken_before(peer.place(), other);
            rank(other) <= rank(name) || is_ready()
        })
    }

    fn handle(&mut self, command: &Command, expired: usize) -> Answer {
        match command {
            Command::Open { peer, expires_in, session } => {
                if self.peer(*peer).is_some() {
                    return Err(Refusal::PeerInUse);
                }
                self.check_not_revoked(*peer)?;
                self.check_span(*expires_in)?;
                self.add(*peer, *expires_in, session.as_ref())?;
                Ok(Reply::Opened)
            }
            Command::Restore { peer, expires_in, session, held, slots, declared } => {
                let held = (held.as_ref(), slots, &**declared);
                self.restore(*peer, *expires_in, session.as_ref(), held)
            }
            Command::KeepAlive { peer, expires_in } => {
                self.known(*peer)?;
                self.check_span(*expires_in)?;
                self.prolong(*peer, *expires_in);
                Ok(Reply::KeptAlive)
            }
            Command::Resume { peer, expires_in, session } => {
                self.resume(*peer, *expires_in, session)
            }
            Command::Adopt { peer, expires_in, session } => self.adopt(*peer, *expires_in, session),
            Command::Disconnect { connection } => Ok(self.disconnect(*connection)),
            Command::Close { peer } => {
                let bound = self.known(*peer)?.connection();
                self.remove(*peer, ReleaseReason::Closed, EndReason::Closed);
                let closed = |connection| Effect::Closed { peer: *peer, connection };
                self.effects.extend(bound.map(closed));
                Ok(Reply::Closed)
            }
            Command::Acquire { peer, want, priority, timeout, max_wait, expires_in, declared } => {
                for (name, _) in want.iter() {
                    self.key(name, declared)?;
                }
                self.acquire(*peer, want, *priority, (*timeout, *max_wait), *expires_in)
            }
            Command::Release { peer, names } => {
                for name in names.iter().flatten() {
                    self.possible(name)?;
                }
                let held = self.known(*peer)?.locks.iter().map(|l| l.name.clone()).collect();
                let given_up =
                    |name: &SemaphoreName| names.as_ref().is_none_or(|names| names.contains(name));
                self.untold.retain(|(id, name, _)| id != peer || !given_up(name));
                let names: Vec<_> = names.clone().unwrap_or(held);
                let released = names.iter().filter(|name| self.release(*peer, name)).count();
                Ok(Reply::Released { locks: released })
            }
            Command::Cancel { peer } => {
                let ticket = self.known(*peer)?.ticket.as_ref().map(|ticket| ticket.id);
                self.end_wait(*peer, EndReason::Cancelled);
                Ok(Reply::Cancelled { ticket })
            }
            Command::Leave { peer, name } => {
                self.possible(name)?;
                self.known(*peer)?;
                self.untold.retain(|(id, it, _)| (id, it) != (peer, name));
                let released = self.release(*peer, name);
                if !released && self.known(*peer)?.waits_for(name) {
                    self.end_wait(*peer, EndReason::Cancelled);
                }
                Ok(Reply::Released { locks: usize::from(released) })
            }
            Command::Reserve { name, count, max_wait, declared } => {
                let declared = declared.as_deref().map_or(&[][..], std::slice::from_ref);
                if declared.iter().any(|it| it.rate.is_none()) {
                    return Err(Refusal::NotABucket(name.clone()));
                }
                self.key(name, declared)?;
                self.reserve(name, *count, *max_wait)
            }
            Command::Unreserve { name, permit } => self.unreserve(name, *permit),
            Command::Settle { peer, used } => self.settle(*peer, used),
            Command::BackOff { peer, name, retry_after } => {
                self.back_off(*peer, name, *retry_after)
            }
            Command::Operate(operation) => self.operate(operation),
            Command::Expire => Ok(Reply::Expired { peers: expired }),
        }
    }

    fn acquire(
        &mut self,
        id: PeerId,
        want: &Want,
        priority: Priority,
        (timeout, max_wait): (Option<Span>, Option<Span>),
        expires_in: Option<Span>,
    ) -> Answer {
        for (name, asked) in want.iter() {
            let max = self.semaphore(name)?.max;
            if asked > i64::from(max.get()) {
                return Err(Refusal::Never { name: name.clone(), asked, max });
            }
        }
        self.known(id)?;
        timeout.map_or(Ok(()), |span| self.check_span(span))?;
        max_wait.map_or(Ok(()), |span| self.check_span(span))?;
        expires_in.map_or(Ok(()), |span| self.check_span(span))?;
        if let Some(expires_in) = expires_in {
            self.prolong(id, expires_in);
        }
        let want = positive(want)?;
        let peer = self.known(id)?.clone();
        for (name, count) in &want {
            if let Some(lock) = peer.lock(name).filter(|lock| lock.count < *count) {
                let (name, asked) = (name.clone(), i64::from(count.get()));
                return Err(Refusal::Growth { name, held: lock.count, asked });
            }
        }
        let missing: Vec<_> =
            want.iter().filter(|(name, _)| peer.lock(name).is_none()).cloned().collect();
        if !missing.is_empty() {
            self.check_stays(id)?;
        }
        let mut queued = None;
        if let (Some(ticket), false) = (&peer.ticket, missing.is_empty()) {
            if ticket.want != want {
                return Err(Refusal::AlreadyPending);
            }
            if timeout == Some(Span::ZERO) {
                return Err(Refusal::Timeout);
            }
            if ticket.parts != missing {
                self.widen(id, &missing)?;
            }
            let place = self.known(id)?.place();
            let position = self.position(place.unwrap(), &missing);
            queued = Some((ticket.id, position, self.eta(place, &missing)));
        } else if !missing.is_empty() {
            self.check_levels(&peer, &missing)?;
            let ticket = TicketId(self.tickets + 1);
            if self.can_serve(Some((-i32::from(priority.0), ticket)), &missing) {
                self.grant(id, &missing, None, Span::ZERO);
            } else if timeout == Some(Span::ZERO) {
                return Err(Refusal::Timeout);
            } else {
                let timeout = self.patience((priority, ticket), &missing, timeout, max_wait)?;
                for (name, count) in &missing {
                    self.check_line(name, *count)?;
                }
                let place = (-i32::from(priority.0), ticket);
                let position = self.position(place, &missing);
                let eta = self.eta(Some(place), &missing);
                self.tickets += 1;
                let (since, until) = (self.now, timeout.map(|timeout| self.now.after(timeout)));
                missing.iter().for_each(|(name, _)| self.touch(name));
                let (parts, want, arrival) = (missing, want.clone(), ticket);
                let ticket = Ticket { id: ticket, priority, since, until, parts, want, arrival };
                self.known(id)?.ticket = Some(ticket);
                queued = Some((arrival, position, eta));
            }
        }
        for (name, count) in &want {
            if self.known(id)?.lock(name).is_some_and(|lock| lock.count > *count) {
                self.shrink(id, name, *count);
            }
        }
        let peer = self.known(id)?;
        let locks = want.iter().filter_map(|(name, _)| peer.lock(name).cloned()).collect();
        let queued = queued.map(|(ticket, position, eta)| Reply::Queued { ticket, position, eta });
        Ok(queued.unwrap_or(Reply::Held { locks }))
    }

    /// Some of what a peer waits for was held when it asked and is not any more: it begins to wait for all of it.
    fn widen(&mut self, id: PeerId, missing: &[(SemaphoreName, Count)]) -> Result<(), Refusal> {
        let peer = self.known(id)?.clone();
        self.check_levels(&peer, missing)?;
        for (name, count) in missing.iter().filter(|(name, _)| !peer.waits_for(name)) {
            self.check_line(name, *count)?;
        }
        missing.iter().for_each(|(name, _)| self.touch(name));
        self.tickets += 1;
        let (arrival, since) = (TicketId(self.tickets), self.now);
        let ticket = self.peer(id).unwrap().ticket.as_mut().unwrap();
        (ticket.parts, ticket.arrival, ticket.since) = (missing.to_vec(), arrival, since);
        Ok(())
    }

    fn shrink(&mut self, id: PeerId, name: &SemaphoreName, count: Count) {
        self.touch(name);
        for lock in self.peer(id).unwrap().locks.iter_mut().filter(|lock| lock.name == *name) {
            lock.count = count;
            lock.slots = lock.slots.iter().copied().take(count.get() as usize).collect();
        }
    }

    /// One more than stand before this place in any of the queues.
    fn position(&self, place: (i32, TicketId), parts: &[(SemaphoreName, Count)]) -> usize {
        let before = |name| {
            let queue = self.peers.iter().filter(|peer| peer.waits_for(name));
            queue.filter(|peer| peer.place() < Some(place)).count()
        };
        1 + parts.iter().map(|(name, _)| before(name)).max().unwrap()
    }

    fn check_levels(&self, peer: &Peer, missing: &[(SemaphoreName, Count)]) -> Result<(), Refusal> {
        let level = |name: &SemaphoreName| self.semaphore(name).unwrap().level;
        let bucket = |name: &SemaphoreName| self.bucket(name).is_some();
        let locks = peer.locks.iter().filter(|lock| !bucket(&lock.name));
        let Some(lowest) = locks.min_by_key(|lock| level(&lock.name)) else {
            return Ok(());
        };
        let too_high = |name| !bucket(name) && level(name) >= level(&lowest.name);
        match missing.iter().find(|(name, _)| too_high(name)) {
            None => Ok(()),
            Some((name, _)) => Err(Refusal::Hierarchy {
                name: name.clone(),
                level: level(name),
                held: lowest.name.clone(),
                held_level: level(&lowest.name),
            }),
        }
    }

    fn grant(
        &mut self,
        peer: PeerId,
        parts: &[(SemaphoreName, Count)],
        ticket: Option<TicketId>,
        waited: Span,
    ) {
        let locks = self.hold(peer, parts, &Claims::default());
        let connection = self.peer(peer).unwrap().connection();
        self.effects.push(Effect::Granted { peer, ticket, locks, waited, connection });
    }

    fn hold(&mut self, id: PeerId, parts: &[(SemaphoreName, Count)], claims: &Claims) -> Locks {
        let mut locks = Locks::new();
        for (name, count) in parts {
            self.settings.last_fence = Fence(self.settings.last_fence.0 + 1);
            let (fence, since) = (self.settings.last_fence, self.now);
            let slots = self.slots(name, *count, claims);
            locks.push(Lock { name: name.clone(), count: *count, fence, since, slots });
            self.take(name, *count);
            self.untold.retain(|(peer, it, _)| (peer, it) != (&id, name));
            self.touch(name);
        }
        self.peer(id).unwrap().locks.extend(locks.iter().cloned());
        locks
    }

    fn release(&mut self, id: PeerId, name: &SemaphoreName) -> bool {
        self.release_because(id, name, ReleaseReason::Released)
    }

    fn release_because(&mut self, id: PeerId, name: &SemaphoreName, reason: ReleaseReason) -> bool {
        let now = self.now;
        let peer = self.peer(id).unwrap();
        let Some(at) = peer.locks.iter().position(|lock| lock.name == *name) else { return false };
        let lock = peer.locks.remove(at);
        let held = now.since(lock.since);
        let connection = peer.connection().filter(|_| reason == ReleaseReason::Released);
        self.touch(&lock.name);
        if reason == ReleaseReason::Expired {
            self.delay(&lock);
        }
        self.effects.push(Effect::Released { peer: id, lock, held, reason, connection });
        self.forget_revocations();
        true
    }

    fn end_wait(&mut self, peer: PeerId, reason: EndReason) {
        let parts =
            self.peer(peer).and_then(|waiting| Some(waiting.ticket.as_ref()?.parts.clone()));
        parts.iter().flatten().for_each(|(name, _)| self.touch(name));
        let ended = self.peer(peer).and_then(|waiting| {
            let (ticket, connection) = (waiting.ticket.take()?.id, waiting.connection());
            Some(Effect::Ended { peer, ticket, reason, connection })
        });
        self.effects.extend(ended);
    }

    fn remove(&mut self, id: PeerId, released: ReleaseReason, ended: EndReason) {
        for lock in self.peer(id).unwrap().locks.clone() {
            self.release_because(id, &lock.name, released);
        }
        self.end_wait(id, ended);
        let whole = self.revocations.iter().find(|it| (it.peer, it.fence) == (id, None));
        let mut untold: Vec<_> = self.untold.iter().filter(|(peer, ..)| *peer == id).collect();
        untold.sort_by_key(|(_, name, _)| name);
        let untold = untold.first().map(|(.., why)| why.clone());
        let untold = untold.filter(|_| released == ReleaseReason::Expired);
        if let Some(why) = whole.map(|it| it.why.clone()).or(untold) {
            self.remember(id, why);
        }
        self.untold.retain(|(peer, ..)| *peer != id);
        self.peers.retain(|peer| peer.id != id);
        self.forget_revocations();
    }

    fn add(
        &mut self,
        id: PeerId,
        expires_in: Span,
        session: Option<&Session>,
    ) -> Result<(), Refusal> {
        let max = self.settings.limits.max_peers;
        if self.peers.len() == max {
            return Err(Refusal::TooManyPeers { max });
        }
        let life = match session {
            None => Life::Until(self.now.after(expires_in)),
            Some(session) => Life::Bound(session.connection),
        };
        let (locks, session) = (vec![], session.cloned());
        self.peers.push(Peer { id, life, expires_in, locks, ticket: None, session });
        Ok(())
    }

    fn prolong(&mut self, id: PeerId, expires_in: Span) {
        let now = self.now;
        let peer = self.peer(id).unwrap();
        peer.expires_in = expires_in;
        if matches!(peer.life, Life::Until(_)) {
            peer.life = Life::Until(now.after(expires_in));
        }
    }

    fn check_span(&self, asked: Span) -> Result<(), Refusal> {
        let max = self.settings.limits.max_expires_in;
        if asked > max { Err(Refusal::TooLong { asked, max }) } else { Ok(()) }
    }

    fn semaphore(&self, name: &SemaphoreName) -> Result<&SemaphoreSettings, Refusal> {
        let mut all = self.settings.semaphores.iter().filter(|it| !it.name.is_pattern());
        let found = all.find(|semaphore| semaphore.name == *name);
        found.ok_or(Refusal::UnknownSemaphore(name.clone()))
    }

    fn known(&mut self, id: PeerId) -> Result<&mut Peer, Refusal> {
        self.peer(id).ok_or(Refusal::UnknownPeer)
    }

    fn peer(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.id == id)
    }
}

impl Peer {
    fn lock(&self, name: &SemaphoreName) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.name == *name)
    }

    fn connection(&self) -> Option<ConnectionId> {
        match self.life {
            Life::Bound(connection) => Some(connection),
            Life::Until(_) => None,
        }
    }

    fn waits_for(&self, name: &SemaphoreName) -> bool {
        let mut parts = self.ticket.iter().flat_map(|ticket| &ticket.parts);
        parts.any(|(part, _)| part == name)
    }

    /// Higher priorities first, then earlier tickets.
    fn place(&self) -> Option<(i32, TicketId)> {
        self.ticket.as_ref().map(|ticket| (-i32::from(ticket.priority.0), ticket.arrival))
    }

    /// What of this peer is over when: waits before peers, each in the order of their numbers.
    fn deadlines(&self) -> impl Iterator<Item = (Time, Over, PeerId)> {
        let ticket = self.ticket.as_ref().and_then(|t| Some((t.until?, Over::Wait(t.id), self.id)));
        let peer = match self.life {
            Life::Until(at) => Some((at, Over::Life, self.id)),
            Life::Bound(_) => None,
        };
        ticket.into_iter().chain(peer)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Over {
    Delay(Fence),
    Wait(TicketId),
    TooLong(Fence),
    Revocation(PeerId, Option<Fence>),
    Life,
    Idle(SemaphoreName),
}

fn positive(want: &Want) -> Result<Vec<(SemaphoreName, Count)>, Refusal> {
    let part = |(name, asked): (&SemaphoreName, i64)| {
        let count = Count::new(asked).filter(|count| count.get() > 0);
        let name = name.clone();
        count.map(|c| (name.clone(), c)).ok_or(Refusal::InvalidCount { name, asked })
    };
    want.iter().map(part).collect()
}
