//! Buckets: whose turn it is and when, tokens that are promised, taken back and corrected.

use super::bucket::{Bucket, RETRY, validity};
use super::core::Engine;
use super::deadlines::Due;
use super::ids::{Count, Fence, PeerId, TicketId};
use super::outcome::Reply;
use super::patterns::Sums;
use super::peers::{Parts, Slot};
use super::queue::Place;
use super::refusal::Refusal;
use super::semaphores::{Semaphore, SemaphoreIndex};
use super::settings::SemaphoreSettings;
use super::text::SemaphoreName;
use super::time::{Span, Time};
use super::want::Want;

impl Engine {
    pub(super) fn reserve(
        &mut self,
        name: &SemaphoreName,
        count: i64,
        max_wait: Option<Span>,
        declared: Option<&SemaphoreSettings>,
    ) -> Result<Reply, Refusal> {
        if declared.is_some_and(|declared| declared.rate.is_none()) {
            return Err(Refusal::NotABucket(name.clone()));
        }
        let index = self.key(name, declared)?;
        let now = self.now;
        self.as_bucket(index)?.settle_due(now);
        let Semaphore { max, pending: queued, paused, .. } = *self.semaphores.get(index);
        let invalid = || Refusal::InvalidCount { name: name.clone(), asked: count };
        let valid = Count::new(count).filter(|count| count.get() > 0).ok_or_else(invalid)?;
        if valid > max {
            return Err(Refusal::Never { name: name.clone(), asked: count, max });
        }
        if let Some(span) = max_wait {
            self.check_span(span)?;
        }
        if paused || self.is_recovering() {
            return Err(Refusal::Busy { name: name.clone(), retry_after: RETRY });
        }
        let (line, permit) = (self.check_line(index, valid), Fence(self.last_fence.0 + 1));
        let bucket = self.as_bucket(index)?;
        let wait = bucket.reservable(now, queued, valid).since(now);
        if let Some(max_wait) = max_wait.filter(|max_wait| wait > *max_wait) {
            return Err(Refusal::TooLate { wait, max_wait });
        }
        if wait > Span::ZERO {
            line?;
        }
        let (from, until) = validity(bucket.rate, bucket.reserve(now, queued, valid, permit));
        self.last_fence = permit;
        self.semaphores.stir(index);
        Ok(Reply::Reserved { permit, from, until })
    }

    pub(super) fn unreserve(
        &mut self,
        name: &SemaphoreName,
        permit: Fence,
    ) -> Result<Reply, Refusal> {
        let index = self.semaphores.resolve(name)?;
        let now = self.now;
        let bucket = self.as_bucket(index)?;
        bucket.settle_due(now);
        if !bucket.unreserve(permit) {
            return Err(Refusal::UnknownPermit(permit));
        }
        self.semaphores.stir(index);
        Ok(Reply::Released { locks: 1 })
    }

    pub(super) fn settle(&mut self, peer: PeerId, used: &Want) -> Result<Reply, Refusal> {
        let mut parts = Parts::new();
        for (name, used) in used.iter() {
            let index = self.semaphores.resolve(name)?;
            self.as_bucket(index)?;
            let invalid = || Refusal::InvalidUse { name: name.clone(), asked: used };
            parts.push((index, Count::new(used).ok_or_else(invalid)?));
        }
        let slot = self.known(peer)?;
        for (index, _) in &parts {
            if self.peers.get(slot).hold(*index).is_none() {
                return Err(Refusal::NotHeld(self.semaphores.get(*index).name.clone()));
            }
        }
        for (index, used) in parts {
            self.correct(slot, index, used);
        }
        Ok(Reply::Settled)
    }

    pub(super) fn back_off(
        &mut self,
        peer: Option<PeerId>,
        name: &SemaphoreName,
        retry_after: Span,
    ) -> Result<Reply, Refusal> {
        let index = self.semaphores.resolve(name)?;
        self.as_bucket(index)?;
        if let Some(peer) = peer
            && self.peers.get(self.known(peer)?).hold(index).is_none()
        {
            return Err(Refusal::NotHeld(name.clone()));
        }
        self.check_span(retry_after)?;
        let until = self.now.after(retry_after);
        let bucket = self.as_bucket(index)?;
        bucket.closed_until = bucket.closed_until.max(until);
        let until = bucket.closed_until;
        self.semaphores.stir(index);
        Ok(Reply::BackedOff { until })
    }

    /// Sets what a peer took of a bucket to what it used.
    fn correct(&mut self, slot: Slot, index: SemaphoreIndex, used: Count) {
        let now = self.now;
        let Some(hold) = self.peers.get_mut(slot).hold_mut(index) else { return };
        let taken = std::mem::replace(&mut hold.count, used);
        let semaphore = self.semaphores.get_mut(index);
        let (taken, used) = (u64::from(taken.get()), u64::from(used.get()));
        semaphore.held = semaphore.held + used - taken;
        let now_held = |sums: &mut Sums| sums.held = sums.held + used - taken;
        if let Some(bucket) = &mut semaphore.bucket {
            if used > taken {
                bucket.take(now, used - taken);
            } else {
                bucket.settle_due(now);
                bucket.give_back(taken - used);
            }
        }
        self.semaphores.tally(index, now, now_held);
        self.semaphores.stir(index);
    }

    // --- Turns

    /// Sets when to look again at a ticket that cannot be served: never, unless tokens are all that it lacks.
    pub(super) fn set_turn(&mut self, slot: Slot) {
        let Some(ticket) = &self.peers.get(slot).ticket else { return };
        let turn = self.turn(ticket.place(), &ticket.parts);
        if ticket.turn != turn {
            self.forget_turn(slot);
            let peer = self.peers.get_mut(slot);
            let (Some(ticket), Some(at)) = (&mut peer.ticket, turn) else { return };
            ticket.turn = turn;
            self.deadlines.add(at, Due::Turn(ticket.id, peer.id));
        }
    }

    pub(super) fn forget_turn(&mut self, slot: Slot) {
        let peer = self.peers.get_mut(slot);
        if let Some(ticket) = &mut peer.ticket
            && let Some(at) = ticket.turn.take()
        {
            self.deadlines.remove(at, Due::Turn(ticket.id, peer.id));
        }
    }

    pub(super) fn turn_comes(&mut self, ticket: TicketId, peer: PeerId) {
        let Some(slot) = self.peers.find(peer) else { return };
        let waiting = self.peers.get_mut(slot).ticket.as_mut();
        if let Some(ticket) = waiting.filter(|waiting| waiting.id == ticket) {
            ticket.turn = None;
            let first = ticket.parts.first().map(|(index, _)| *index);
            first.into_iter().for_each(|index| self.semaphores.stir(index));
        }
    }

    /// When to look whether there are tokens for a ticket, if it is first in line and lacks nothing else. What becomes
    /// due before of what is promised may put that off, of whichever of its buckets.
    pub(super) fn turn(&self, place: Place, parts: &Parts) -> Option<Time> {
        let lacking = self.lacking(place, parts)?;
        let look_at = |(bucket, count): (&Bucket, u64)| bucket.look_at(self.now, count);
        let at = lacking.into_iter().map(look_at).max()?;
        let buckets = parts.iter().filter_map(|(it, _)| self.semaphores.get(*it).bucket.as_ref());
        let promised = buckets.filter_map(|bucket| bucket.next_reserved()).min();
        Some(promised.map_or(at, |promised| at.min(promised)))
    }

    /// The buckets that have too few tokens for a ticket, if it is first in line and lacks nothing else.
    fn lacking(&self, place: Place, parts: &Parts) -> Option<Vec<(&Bucket, u64)>> {
        if self.is_recovering() {
            return None;
        }
        let mut lacking = Vec::new();
        for (index, count) in parts {
            let semaphore = self.semaphores.get(*index);
            if semaphore.queue.first().is_some_and(|(first, _)| first < place) {
                return None;
            }
            match &semaphore.bucket {
                _ if semaphore.has_room(self.now, *count) => {}
                Some(bucket) if !semaphore.paused => {
                    lacking.push((&**bucket, u64::from(count.get())));
                }
                Some(_) | None => return None,
            }
        }
        Some(lacking)
    }

    /// How long a ticket will wait, where that is known.
    pub(super) fn eta(&self, place: Place, parts: &Parts) -> Option<Span> {
        if let Some(lacking) = self.lacking(place, parts) {
            let due = lacking.into_iter().map(|(bucket, count)| bucket.due(self.now, 0, count));
            return due.max().map(|at| at.since(self.now));
        }
        let [(index, count)] = parts[..] else { return None };
        let Semaphore { bucket: Some(bucket), queue, paused: false, .. } =
            self.semaphores.get(index)
        else {
            return None;
        };
        if self.is_recovering() || queue.has_joint() {
            return None;
        }
        let before = queue.tokens_before(place);
        Some(bucket.due(self.now, before, u64::from(count.get())).since(self.now))
    }

    fn as_bucket(&mut self, index: SemaphoreIndex) -> Result<&mut Bucket, Refusal> {
        let Semaphore { name, bucket, .. } = self.semaphores.get_mut(index);
        bucket.as_deref_mut().ok_or_else(|| Refusal::NotABucket(name.clone()))
    }
}
