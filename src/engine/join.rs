//! An acquire of a peer that waits already: it joins that wait when it wants the same, all in all. What is held of it
//! by now is not compared: a client that repeats its request does not have to know.

use super::acquire::{Patience, Plan};
use super::core::Engine;
use super::ids::TicketId;
use super::outcome::Reply;
use super::peers::{Partly, Parts, Slot, Ticket};
use super::refusal::Refusal;
use super::want::Want;

impl Engine {
    /// Checks 5 and 8: a repeated acquire joins the wait as it stands, its place and its timeout stay; a peer waits
    /// for one thing only.
    pub(super) fn join(
        &mut self,
        slot: Slot,
        want: &Want,
        plan: &Plan,
        patience: Patience,
    ) -> Result<Reply, Refusal> {
        let ticket = self.peers.get(slot).ticket.as_deref();
        let ticket = ticket.filter(|it| it.is_for(want, plan)).ok_or(Refusal::AlreadyPending)?;
        if patience.tries_once() {
            return Err(Refusal::Timeout);
        }
        if ticket.parts == plan.missing {
            return Ok(self.queued(ticket));
        }
        self.check_levels(slot, &plan.missing)?;
        let mut given_back = plan.missing.iter().filter(|part| !ticket.parts.contains(part));
        given_back.try_for_each(|(index, count)| self.check_line(*index, *count))?;
        self.widen(slot, want, &plan.missing)
    }

    /// Waits for what was given back since, too, so that the grant is all of the want. It goes to the end of the lines:
    /// its old place would be before those who wait for what it has given back, and it has one place in all lines.
    fn widen(&mut self, slot: Slot, want: &Want, missing: &Parts) -> Result<Reply, Refusal> {
        let ticket = self.leave_line(slot).ok_or(Refusal::AlreadyPending)?;
        let (want, arrival) = (want.clone(), TicketId(self.last_ticket.0 + 1));
        let partly = Some(Box::new(Partly { want, arrival }));
        let (since, parts) = (self.now, missing.clone());
        Ok(self.wait(slot, Box::new(Ticket { since, parts, partly, ..*ticket })))
    }
}

impl Ticket {
    fn is_for(&self, want: &Want, plan: &Plan) -> bool {
        match &self.partly {
            Some(partly) => partly.want == *want,
            None => self.parts == plan.want,
        }
    }
}
