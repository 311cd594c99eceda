//! Acquiring: the checks, in the order that the interface fixes, and then lock or line.

use smallvec::SmallVec;

use super::class::Waiting;
use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, PeerId, Priority, TicketId};
use super::numbers::Claims;
use super::outcome::{Effect, Lock, Locks, Reply};
use super::peers::{Partly, Parts, Slot, Ticket};
use super::queue::Place;
use super::refusal::Refusal;
use super::semaphores::{Semaphore, SemaphoreIndex};
use super::settings::SemaphoreSettings;
use super::time::Span;
use super::want::Want;

/// Counts as they were asked for, which may be anything.
type Asked = SmallVec<[(SemaphoreIndex, i64); 1]>;

/// What a want means for a peer, given what it holds.
pub(super) struct Plan {
    /// All of the want.
    pub(super) want: Parts,
    /// Held with a larger count: to be shrunk.
    smaller: Parts,
    /// Not held.
    pub(super) missing: Parts,
}

/// How long somebody is willing to wait.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// `None`: for ever.
    pub(super) timeout: Option<Span>,
    /// Not at all, if it is known that it will take longer.
    pub(super) max_wait: Option<Span>,
}

impl Patience {
    /// For how long to stand in line, when it will take `eta` as far as that is known.
    fn span(self, eta: Option<Span>) -> Result<Option<Span>, Refusal> {
        match (eta, self.max_wait) {
            (Some(wait), Some(max_wait)) if wait > max_wait => {
                Err(Refusal::TooLate { wait, max_wait })
            }
            (Some(_), _) | (None, None) => Ok(self.timeout),
            (None, max_wait) => Ok(self.timeout.into_iter().chain(max_wait).min()),
        }
    }

    pub(super) fn tries_once(self) -> bool {
        self.timeout == Some(Span::ZERO)
    }
}

impl Engine {
    /// The numbered checks are those of the interface, in their order.
    pub(super) fn acquire(
        &mut self,
        peer: PeerId,
        want: &Want,
        priority: Priority,
        patience: Patience,
        expires_in: Option<Span>,
        declared: &[SemaphoreSettings],
    ) -> Result<Reply, Refusal> {
        let asked = self.asked(want, declared)?;
        // Check 3.
        let slot = self.known(peer)?;
        for span in [patience.timeout, patience.max_wait, expires_in].into_iter().flatten() {
            self.check_span(span)?;
        }
        if let Some(expires_in) = expires_in {
            self.prolong(slot, expires_in);
        }
        let plan = self.plan(slot, self.positive(&asked)?)?;
        let queued = self.decide(slot, want, &plan, priority, patience)?;
        // A shrink may serve others. It comes last: it must not change what this want meets.
        self.shrink(slot, &plan.smaller);
        let held = || Reply::Held { locks: self.locks_of(slot, &plan.want) };
        Ok(queued.unwrap_or_else(held))
    }

    /// Gets what is missing, or a ticket for it.
    fn decide(
        &mut self,
        slot: Slot,
        want: &Want,
        plan: &Plan,
        priority: Priority,
        patience: Patience,
    ) -> Result<Option<Reply>, Refusal> {
        if plan.missing.is_empty() {
            return Ok(None);
        }
        self.check_stays(self.peers.get(slot).id)?;
        self.semaphores.settle_due(&plan.missing, self.now);
        if self.peers.get(slot).ticket.is_some() {
            return self.join(slot, want, plan, patience).map(Some);
        }
        self.check_levels(slot, &plan.missing)?;
        let place = Place::new(priority, TicketId(self.last_ticket.0 + 1));
        if self.can_serve(place, &plan.missing) {
            self.grant(slot, &plan.missing, None, Span::ZERO);
            return Ok(None);
        }
        if patience.tries_once() {
            return Err(Refusal::Timeout);
        }
        let timeout = patience.span(self.eta(place, &plan.missing))?;
        for (index, count) in &plan.missing {
            self.check_line(*index, *count)?;
        }
        let partly = (plan.missing.len() < plan.want.len())
            .then(|| Box::new(Partly { want: want.clone(), arrival: place.ticket }));
        let until = timeout.map(|timeout| self.now.after(timeout));
        let (id, since, parts) = (place.ticket, self.now, plan.missing.clone());
        let ticket = Ticket { id, priority, since, until, turn: None, parts, partly };
        Ok(Some(self.wait(slot, Box::new(ticket))))
    }

    /// What is said of a ticket that has joined the queues or is about to.
    pub(super) fn queued(&self, ticket: &Ticket) -> Reply {
        let (place, parts) = (ticket.place(), &ticket.parts);
        let (position, eta) = (self.position(place, parts), self.eta(place, parts));
        Reply::Queued { ticket: ticket.id, position, eta }
    }

    /// Grants locks that are not held yet. Whether there is room is the caller's to know.
    pub(super) fn grant(
        &mut self,
        slot: Slot,
        parts: &Parts,
        ticket: Option<TicketId>,
        waited: Span,
    ) {
        let fresh = Claims::default();
        let grant = |(semaphore, count): &(_, _)| self.hold(slot, *semaphore, *count, &fresh);
        let locks = parts.iter().map(grant).collect();
        let peer = self.peers.get(slot);
        let (peer, connection) = (peer.id, peer.connection());
        self.effects.push(Effect::Granted { peer, ticket, locks, waited, connection });
    }

    /// Whether a ticket at this place would be the first in each of the queues, with room in all, and it is not too
    /// early to grant anything.
    pub(super) fn can_serve(&self, place: Place, parts: &Parts) -> bool {
        !self.is_recovering()
            && parts.iter().all(|(index, count)| self.is_ready(place, *index, *count))
    }

    /// The place in line of a ticket that has joined the queues or is about to: 1 is the next one.
    pub(super) fn position(&self, place: Place, parts: &Parts) -> usize {
        let queues = parts.iter().map(|(semaphore, _)| &self.semaphores.get(*semaphore).queue);
        queues.map(|queue| queue.before(place) + 1).max().unwrap_or(1)
    }

    /// Checks 1 and 2: all names are known, and no count is above its maximum.
    fn asked(&mut self, want: &Want, declared: &[SemaphoreSettings]) -> Result<Asked, Refusal> {
        let mut parts = Asked::new();
        for (name, asked) in want.iter() {
            let declared = declared.iter().find(|it| it.name == *name);
            parts.push((self.key(name, declared)?, asked));
        }
        for (index, asked) in &parts {
            let Semaphore { name, max, .. } = self.semaphores.get(*index);
            if *asked > i64::from(max.get()) {
                return Err(Refusal::Never { name: name.clone(), asked: *asked, max: *max });
            }
        }
        Ok(parts)
    }

    /// Check 4: all counts are at least 1.
    fn positive(&self, asked: &Asked) -> Result<Parts, Refusal> {
        let part = |(index, asked): &(SemaphoreIndex, i64)| {
            let count = Count::new(*asked).filter(|count| count.get() > 0);
            let name = || self.semaphores.get(*index).name.clone();
            let count = count.ok_or_else(|| Refusal::InvalidCount { name: name(), asked: *asked });
            Ok((*index, count?))
        };
        asked.iter().map(part).collect()
    }

    /// Checks 5 to 7: compares a want with what is held. A lock never grows: two peers that both tried would wait for each other.
    fn plan(&self, slot: Slot, want: Parts) -> Result<Plan, Refusal> {
        let peer = self.peers.get(slot);
        let (mut smaller, mut missing) = (Parts::new(), Parts::new());
        for (semaphore, count) in &want {
            match peer.hold(*semaphore) {
                None => missing.push((*semaphore, *count)),
                Some(hold) if *count < hold.count => smaller.push((*semaphore, *count)),
                Some(hold) if *count > hold.count => {
                    let name = self.semaphores.get(*semaphore).name.clone();
                    let asked = i64::from(count.get());
                    return Err(Refusal::Growth { name, held: hold.count, asked });
                }
                Some(_) => {}
            }
        }
        Ok(Plan { want, smaller, missing })
    }

    /// Check 9: what is wanted lies strictly below all that is held.
    pub(super) fn check_levels(&self, slot: Slot, missing: &Parts) -> Result<(), Refusal> {
        let holds = self.peers.get(slot).holds.iter();
        let held = holds.map(|hold| self.semaphores.get(hold.semaphore));
        let held = held.filter(|semaphore| semaphore.bucket.is_none());
        let Some(lowest) = held.min_by_key(|semaphore| semaphore.level) else { return Ok(()) };
        let mut wanted = missing.iter().map(|(semaphore, _)| self.semaphores.get(*semaphore));
        match wanted.find(|it| it.bucket.is_none() && it.level >= lowest.level) {
            None => Ok(()),
            Some(wanted) => Err(Refusal::Hierarchy {
                name: wanted.name.clone(),
                level: wanted.level,
                held: lowest.name.clone(),
                held_level: lowest.level,
            }),
        }
    }

    /// Puts a peer in line, behind everybody of its priority, and says where it stands.
    pub(super) fn wait(&mut self, slot: Slot, ticket: Box<Ticket>) -> Reply {
        let (place, queued) = (ticket.place(), self.queued(&ticket));
        self.last_ticket = place.ticket;
        self.waiting += 1;
        for (index, count) in &ticket.parts {
            let semaphore = self.semaphores.get_mut(*index);
            let first = semaphore.queue.first().filter(|(first, _)| *first > place);
            semaphore.pending += u64::from(count.get());
            semaphore.queue.add(place, Waiting::new(slot, *count, ticket.parts.len()));
            let is_bucket = semaphore.bucket.is_some();
            self.semaphores.tally(*index, self.now, |sums| {
                sums.pending += u64::from(count.get());
                sums.waiters += 1;
            });
            if is_bucket {
                self.semaphores.stir(*index);
            }
            first.into_iter().for_each(|(_, slot)| self.passed(slot));
        }
        let peer = self.peers.get_mut(slot);
        if let Some(at) = ticket.until {
            self.deadlines.add(at, Due::Ticket(ticket.id, peer.id));
        }
        peer.ticket = Some(ticket);
        self.restand(slot);
        queued
    }

    /// The peer's locks on the semaphores of a want that it holds.
    fn locks_of(&self, slot: Slot, want: &Parts) -> Locks {
        let peer = self.peers.get(slot);
        let lock = |(index, _): &(SemaphoreIndex, _)| -> Option<Lock> {
            peer.hold(*index).map(|hold| self.lock(hold))
        };
        want.iter().filter_map(lock).collect()
    }
}
