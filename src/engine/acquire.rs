//! Acquiring: the checks, in the order that the interface fixes, and then lock or line.

use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, PeerId, Priority, TicketId};
use super::outcome::{Effect, Lock, Locks, Reply};
use super::peers::{Parts, Slot, Ticket};
use super::queue::Place;
use super::refusal::Refusal;
use super::semaphores::{Semaphore, SemaphoreIndex};
use super::time::Span;
use super::want::Want;

/// What a want means for a peer, given what it holds.
struct Plan {
    /// All of the want.
    want: Parts,
    /// Held with a larger count: to be shrunk.
    smaller: Parts,
    /// Not held.
    missing: Parts,
}

impl Engine {
    /// Checks 1 to 4 are [`Engine::asked`] and [`Engine::counts`], 5 to 7 [`Engine::plan`], 8 is the peer's
    /// ticket, 9 [`Engine::check_levels`]; then it is lock or line.
    pub(super) fn acquire(
        &mut self,
        peer: PeerId,
        want: &Want,
        priority: Priority,
        timeout: Option<Span>,
        expires_in: Option<Span>,
    ) -> Result<Reply, Refusal> {
        self.asked(want)?;
        let slot = self.known(peer)?;
        for span in timeout.into_iter().chain(expires_in) {
            self.check_span(span)?;
        }
        if let Some(expires_in) = expires_in {
            self.prolong(slot, expires_in);
        }
        let plan = self.plan(slot, self.counts(want)?)?;
        if plan.missing.is_empty() {
            self.shrink(slot, &plan.smaller);
            return Ok(Reply::Held { locks: self.locks_of(slot, &plan.want) });
        }
        if let Some(ticket) = &self.peers.get(slot).ticket {
            let ticket = self.join(ticket, &plan, timeout)?;
            self.shrink(slot, &plan.smaller);
            return Ok(Reply::Queued { ticket });
        }
        self.check_levels(slot, &plan.missing)?;
        let place = Place::new(priority, TicketId(self.last_ticket.0 + 1));
        if self.can_serve(place, &plan.missing) {
            let locks = self.grant(slot, &plan.missing);
            self.effects.push(Effect::Granted { peer, ticket: None, locks, waited: Span::ZERO });
            self.shrink(slot, &plan.smaller);
            return Ok(Reply::Held { locks: self.locks_of(slot, &plan.want) });
        }
        if timeout == Some(Span::ZERO) {
            return Err(Refusal::Timeout);
        }
        let ticket = self.wait(slot, place, plan.missing, priority, timeout);
        self.shrink(slot, &plan.smaller);
        Ok(Reply::Queued { ticket })
    }

    /// Grants locks that are not held yet. Whether there is room is the caller's to know.
    pub(super) fn grant(&mut self, slot: Slot, parts: &Parts) -> Locks {
        parts.iter().map(|(semaphore, count)| self.hold(slot, *semaphore, *count)).collect()
    }

    /// Whether a ticket at this place would be the first in each of the queues, with room in all.
    pub(super) fn can_serve(&self, place: Place, parts: &Parts) -> bool {
        parts.iter().all(|(semaphore, count)| {
            let semaphore = self.semaphores.get(*semaphore);
            let first = semaphore.queue.first();
            first.is_none_or(|(first, _)| place <= first) && semaphore.has_room(*count)
        })
    }

    /// All names are known, and no count is above its maximum.
    fn asked(&self, want: &Want) -> Result<(), Refusal> {
        for (name, _) in want.iter() {
            self.semaphores.resolve(name)?;
        }
        for (name, asked) in want.iter() {
            let Semaphore { max, .. } = self.semaphores.get(self.semaphores.resolve(name)?);
            if asked > i64::from(max.get()) {
                return Err(Refusal::Never { name: name.clone(), asked, max: *max });
            }
        }
        Ok(())
    }

    /// All counts are at least 1.
    fn counts(&self, want: &Want) -> Result<Parts, Refusal> {
        let part = |(name, asked): (&_, i64)| {
            let count = Count::new(asked).filter(|count| count.get() > 0);
            let invalid = || Refusal::InvalidCount { name: Clone::clone(name), asked };
            Ok((self.semaphores.resolve(name)?, count.ok_or_else(invalid)?))
        };
        want.iter().map(part).collect()
    }

    /// Compares a want with what is held. A lock never grows: two peers that both tried would wait for each other.
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

    /// A repeated acquire joins the wait as it stands: its place and its timeout stay.
    fn join(
        &self,
        ticket: &Ticket,
        plan: &Plan,
        timeout: Option<Span>,
    ) -> Result<TicketId, Refusal> {
        if ticket.parts != plan.missing {
            return Err(Refusal::AlreadyPending);
        }
        if timeout == Some(Span::ZERO) {
            return Err(Refusal::Timeout);
        }
        Ok(ticket.id)
    }

    /// What is wanted lies strictly below all that is held.
    fn check_levels(&self, slot: Slot, missing: &Parts) -> Result<(), Refusal> {
        let holds = self.peers.get(slot).holds.iter();
        let held = holds.map(|hold| self.semaphores.get(hold.semaphore));
        let Some(lowest) = held.min_by_key(|semaphore| semaphore.level) else { return Ok(()) };
        let mut wanted = missing.iter().map(|(semaphore, _)| self.semaphores.get(*semaphore));
        match wanted.find(|semaphore| semaphore.level >= lowest.level) {
            None => Ok(()),
            Some(wanted) => Err(Refusal::Hierarchy {
                name: wanted.name.clone(),
                level: wanted.level,
                held: lowest.name.clone(),
                held_level: lowest.level,
            }),
        }
    }

    /// Puts a peer in line.
    fn wait(
        &mut self,
        slot: Slot,
        place: Place,
        parts: Parts,
        priority: Priority,
        timeout: Option<Span>,
    ) -> TicketId {
        self.last_ticket = place.ticket;
        for (index, count) in &parts {
            let semaphore = self.semaphores.get_mut(*index);
            semaphore.pending += u64::from(count.get());
            semaphore.queue.add(place, slot);
        }
        let until = timeout.map(|timeout| self.now.after(timeout));
        let peer = self.peers.get_mut(slot);
        if let Some(at) = until {
            self.deadlines.add(at, Due::Ticket(place.ticket, peer.id));
        }
        let ticket = Ticket { id: place.ticket, priority, since: self.now, until, parts };
        peer.ticket = Some(Box::new(ticket));
        place.ticket
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
