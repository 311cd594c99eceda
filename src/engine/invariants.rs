//! What must be true of an engine at any time between two commands. Everything that is kept is derived again
//! from the peers, and compared. Tests call this after every command.

use std::collections::BTreeMap;

use super::core::Engine;
use super::deadlines::Due;
use super::ids::Fence;
use super::patterns::Sums;
use super::peers::{Peer, Slot, Ticket};
use super::queue::Place;
use super::semaphores::SemaphoreIndex;
use super::view::Life;

/// What the peers say a semaphore should look like.
#[derive(Default)]
struct Derived {
    held: u64,
    pending: u64,
    queue: BTreeMap<Place, Slot>,
    holders: BTreeMap<Fence, Slot>,
}

impl Engine {
    /// Checks the engine against itself.
    ///
    /// # Errors
    /// What does not fit, in words: a bug.
    pub fn check(&self) -> Result<(), String> {
        self.check_peers()?;
        self.check_semaphores()?;
        self.check_deadlines()?;
        self.check_revocations()?;
        self.check_revoked_peers()?;
        self.check_connections()
    }

    fn check_peers(&self) -> Result<(), String> {
        let mut fences = Vec::new();
        for (slot, peer) in self.peers.iter() {
            let id = peer.id;
            ensure(self.peers.find(id) == Some(slot), || format!("peer {id} is not found"))?;
            for hold in &peer.holds {
                let twice = peer.holds.iter().filter(|h| h.semaphore == hold.semaphore).count();
                ensure(twice == 1, || format!("peer {id} holds two locks on one semaphore"))?;
                let bucket = self.semaphores.get(hold.semaphore).bucket.is_some();
                ensure(bucket || hold.count.get() > 0, || {
                    format!("peer {id} holds nothing of something")
                })?;
                ensure(hold.since <= self.now, || format!("peer {id} holds from the future"))?;
                let given = hold.fence <= self.last_fence;
                ensure(given, || format!("peer {id} has a fence of the future"))?;
                fences.push(hold.fence);
            }
            self.check_ticket(peer)?;
        }
        fences.sort_unstable();
        ensure(fences.is_sorted_by(|a, b| a < b), || "a fence was given twice".to_owned())
    }

    fn check_ticket(&self, peer: &Peer) -> Result<(), String> {
        let Some(ticket) = &peer.ticket else { return Ok(()) };
        let id = peer.id;
        ensure(!ticket.parts.is_empty(), || format!("peer {id} waits for nothing"))?;
        ensure(ticket.id <= self.last_ticket, || format!("peer {id} has a ticket of the future"))?;
        let stays = self.revocations.get(id, None).is_none();
        ensure(stays, || format!("peer {id} waits and is to be taken away"))?;
        let held = ticket.parts.iter().any(|(part, _)| peer.hold(*part).is_some());
        ensure(!held, || format!("peer {id} waits for what it holds"))?;
        let possible = ticket.parts.iter().all(|(part, n)| *n <= self.semaphores.get(*part).max);
        ensure(possible, || format!("peer {id} waits for what there can never be"))?;
        ensure(!self.can_serve(ticket.place(), &ticket.parts), || {
            format!("peer {id} waits for what is free")
        })?;
        self.check_standing(ticket).map_err(|why| format!("peer {id}: {why}"))
    }

    /// All that is wanted of higher levels is to be had where a ticket stands, and only there.
    fn check_standing(&self, ticket: &Ticket) -> Result<(), String> {
        let rank = |index| self.semaphores.get(index).rank();
        for (index, _) in &ticket.parts {
            let mut higher = ticket.parts.iter().filter(|(other, _)| rank(*other) > rank(*index));
            let stands = higher.all(|(other, n)| self.is_ready(ticket.place(), *other, *n));
            let semaphore = self.semaphores.get(*index);
            let (name, place) = (&semaphore.name, ticket.place());
            ensure(semaphore.queue.stands(place) == stands, || {
                format!("it stands in line for {name} or not, and should not or should")
            })?;
        }
        Ok(())
    }

    fn check_semaphores(&self) -> Result<(), String> {
        let mut derived = self.derive_semaphores();
        for (_, semaphore) in self.semaphores.all() {
            let name = &semaphore.name;
            let index =
                self.semaphores.find(name.as_str()).ok_or(format!("{name} is not found"))?;
            let Derived { held, pending, queue, holders } =
                derived.remove(&index).unwrap_or_default();
            ensure(semaphore.held == held, || {
                format!("{name}: {} held, not {held}", semaphore.held)
            })?;
            let delays = semaphore.delays.iter().map(|(_, count, _)| u64::from(count.get()));
            let delayed = delays.sum::<u64>();
            ensure(semaphore.delays.sum() == delayed, || {
                format!("{name}: delayed is not {delayed}")
            })?;
            ensure(semaphore.has_sound_numbers(), || format!("{name}: wrong numbers"))?;
            ensure(semaphore.pending == pending, || format!("{name}: pending is not {pending}"))?;
            let len = queue.len();
            ensure(semaphore.queue.iter().eq(queue), || {
                format!("{name}: queue and tickets differ")
            })?;
            ensure(semaphore.queue.len() == len, || format!("{name}: not {len} in the queue"))?;
            let places = semaphore.queue.iter().map(|(place, _)| semaphore.queue.before(place));
            ensure(places.eq(0..len), || format!("{name}: places are counted wrongly"))?;
            ensure(semaphore.holders == holders, || format!("{name}: holders and locks differ"))?;
        }
        self.check_patterns()?;
        let tickets = self.peers.iter().filter(|(_, peer)| peer.ticket.is_some()).count();
        ensure(self.waiting == tickets, || format!("{} tickets, not {tickets}", self.waiting))
    }

    fn check_patterns(&self) -> Result<(), String> {
        let mut keys = 0;
        for pattern in self.semaphores.patterns.iter() {
            let name = pattern.settings.name.as_str();
            let index = self.semaphores.patterns.find(name).or(self.semaphores.patterns.declared());
            let index = index.ok_or(format!("{name} is not found"))?;
            let mut sums = Sums::default();
            for key in self.semaphores.keys(index) {
                let semaphore = self.semaphores.get(key);
                sums.keys += 1;
                sums.held += semaphore.held;
                sums.delayed += semaphore.delays.sum();
                sums.holders += semaphore.holders.len();
                sums.pending += semaphore.pending;
                sums.waiters += semaphore.queue.len();
            }
            keys += sums.keys;
            ensure(pattern.sums == sums, || format!("{name}: {:?}, not {sums:?}", pattern.sums))?;
        }
        ensure(self.semaphores.keyed() == keys, || format!("not {keys} keys"))
    }

    fn derive_semaphores(&self) -> BTreeMap<SemaphoreIndex, Derived> {
        let mut derived: BTreeMap<SemaphoreIndex, Derived> = BTreeMap::new();
        for (slot, peer) in self.peers.iter() {
            for hold in &peer.holds {
                let semaphore = derived.entry(hold.semaphore).or_default();
                semaphore.held += u64::from(hold.count.get());
                semaphore.holders.insert(hold.fence, slot);
            }
            if let Some(ticket) = &peer.ticket {
                for (index, count) in &ticket.parts {
                    let semaphore = derived.entry(*index).or_default();
                    semaphore.pending += u64::from(count.get());
                    semaphore.queue.insert(ticket.place(), slot);
                }
            }
        }
        derived
    }

    fn check_deadlines(&self) -> Result<(), String> {
        let mut derived = Vec::new();
        for (_, peer) in self.peers.iter() {
            for hold in &peer.holds {
                let at = self.semaphores.get(hold.semaphore).manners.tell_at(hold.since);
                let at = at.filter(|at| *at > self.now);
                derived.extend(at.map(|at| (at, Due::Overdue(hold.fence, peer.id))));
            }
            if let Life::Until(at) = peer.life {
                derived.push((at, Due::Peer(peer.id)));
            }
            if let Some(ticket) = &peer.ticket {
                derived.extend(ticket.until.map(|at| (at, Due::Ticket(ticket.id, peer.id))));
                derived.extend(ticket.turn.map(|at| (at, Due::Turn(ticket.id, peer.id))));
            }
        }
        for ((peer, target), revocation) in self.revocations.iter() {
            derived.push((revocation.until, Due::Revocation(*peer, *target)));
        }
        for (index, semaphore) in self.semaphores.all() {
            let look_at = semaphore.keyed.as_ref().map(|keyed| keyed.look_at);
            derived.extend(look_at.map(|at| (at, Due::Idle(index))));
            let delays = semaphore.delays.iter();
            derived.extend(delays.map(|(fence, _, until)| (until, Due::Delay(fence, index))));
        }
        derived.sort_unstable();
        ensure(self.deadlines.iter().eq(derived), || "deadlines and peers differ".to_owned())
    }

    fn check_revocations(&self) -> Result<(), String> {
        for ((id, target), revocation) in self.revocations.iter() {
            let whole = target.and(self.revocations.get(*id, None));
            let sooner = whole.is_none_or(|whole| revocation.until < whole.until);
            ensure(sooner, || format!("a lock of peer {id} is to be taken after the peer"))?;
            let peer = self.peers.find(*id).map(|slot| self.peers.get(slot));
            let there = peer.is_some_and(|peer| {
                target.is_none_or(|fence| peer.holds.iter().any(|hold| hold.fence == fence))
            });
            ensure(there, || format!("what is to be taken from peer {id} is gone"))?;
        }
        Ok(())
    }

    fn check_revoked_peers(&self) -> Result<(), String> {
        for (id, _) in self.untold.iter() {
            let there = self.peers.find(*id).is_some();
            ensure(there, || format!("peer {id} was not told and is gone"))?;
        }
        let mut derived = Vec::new();
        for (id, (until, _)) in self.revoked_peers.iter() {
            let gone = self.peers.find(*id).is_none();
            ensure(gone, || format!("peer {id} was taken away and is there"))?;
            derived.push((*until, *id));
        }
        derived.sort_unstable();
        let few = derived.len() <= self.limits.max_peers;
        ensure(few, || "too many are remembered who were taken away".to_owned())?;
        let same = self.revoked_peers.by_end.iter().eq(&derived);
        ensure(same, || "those who were taken away are listed wrongly".to_owned())
    }

    fn check_connections(&self) -> Result<(), String> {
        let mut derived = Vec::new();
        for (_, peer) in self.peers.iter() {
            derived.extend(peer.connection().map(|connection| (connection, peer.id)));
            let owned = peer.connection().is_none() || peer.owner.is_some();
            ensure(owned, || format!("peer {} is bound and has no key", peer.id))?;
        }
        derived.sort_unstable();
        ensure(self.connections.iter().eq(&derived), || "connections and peers differ".to_owned())
    }
}

#[cfg(test)]
mod tests;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
