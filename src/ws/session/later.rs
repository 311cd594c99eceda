//! Answers that the session knows at once, while the engine still works on earlier requests: they wait for their turn,
//! so that a client can rely on the order.

use std::collections::VecDeque;

use super::outbox::Outbox;
use crate::ws::wire::Message;

/// Answers that wait. The engine replies in the order of the commands, so counting them is enough.
#[derive(Debug, Default)]
pub(super) struct Later {
    submitted: u64,
    replied: u64,
    /// Each with how many replies have to come before it.
    answers: VecDeque<(u64, String)>,
    bytes: usize,
}

impl Later {
    /// How much is waiting.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// A command is on its way.
    pub(super) const fn submitted(&mut self) {
        self.submitted += 1;
    }

    /// A reply has come, and what it says is in the outbox.
    pub(super) fn replied(&mut self, outbox: &mut Outbox) {
        self.replied += 1;
        while self.answers.front().is_some_and(|(turn, _)| *turn <= self.replied) {
            let Some((_, answer)) = self.answers.pop_front() else { return };
            self.bytes -= answer.len();
            outbox.push_written(&answer);
        }
        if self.answers.is_empty() {
            self.answers.shrink_to(0);
        }
    }

    /// Says something when it is its turn.
    pub(super) fn say(&mut self, message: &Message<'_>, outbox: &mut Outbox) {
        if self.replied == self.submitted {
            return outbox.push(message);
        }
        let mut answer = String::new();
        message.write(&mut answer);
        self.bytes += answer.len();
        self.answers.push_back((self.submitted, answer));
    }

    /// Says all of it now: the session ends.
    pub(super) fn flush(&mut self, outbox: &mut Outbox) {
        self.bytes = 0;
        for (_, answer) in self.answers.drain(..) {
            outbox.push_written(&answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::wire::RequestId;

    #[test]
    fn many_answers_leave_no_room_behind() {
        let (mut later, mut outbox) = (Later::default(), Outbox::default());
        later.submitted();
        for id in 0..1_000 {
            later.say(&Message::Pong { id: RequestId(id) }, &mut outbox);
        }
        assert!(later.answers.capacity() >= 1_000 && outbox.bytes() == 0);
        later.replied(&mut outbox);
        assert_eq!((later.answers.capacity(), later.bytes()), (0, 0));
        assert!(outbox.bytes() > 20_000);
    }
}
