//! What operators want to see. The session only passes it on, and writes what there is to see: it is another one who
//! looks.

use super::super::wire::{Code, Failure, Look, Message, RequestId};
use super::Session;

/// Most watches and inspections of a session that are under way.
const MAX_LOOKS: usize = 16;

impl Session {
    pub(super) fn look(&mut self, id: Option<RequestId>, look: &Look) {
        let Some(id) = id else { return };
        self.looks.push((id, look.clone()));
    }

    /// What is to be looked at from now on.
    pub(in crate::ws) fn take_looks(&mut self) -> Vec<(RequestId, Look)> {
        std::mem::take(&mut self.looks)
    }

    /// Whether somebody wants to see something new.
    pub(in crate::ws) fn has_looks(&self) -> bool {
        !self.looks.is_empty()
    }

    pub(in crate::ws) fn watching_from_now(&mut self, id: RequestId, every_ms: u64) {
        self.say(&Message::Watching { id, every_ms });
    }

    /// What has changed, for a watch. `fields` are those of the message, as they are written.
    pub(in crate::ws) fn show_state(&mut self, id: RequestId, seq: u64, fields: &str) {
        let message = Self::begin_state(id, seq, fields) + "}";
        self.outbox.push_written(&message);
    }

    /// The same without its end, for what is too long to be written at once.
    pub(in crate::ws) fn begin_state(id: RequestId, seq: u64, fields: &str) -> String {
        format!("{{\"type\":\"state\",\"id\":{},\"seq\":{seq},{fields}", id.0)
    }

    /// What was inspected. `fields` are those of the message, as they are written.
    pub(in crate::ws) fn show_details(&mut self, id: RequestId, fields: &str) {
        let message = format!("{{\"type\":\"details\",\"id\":{},{fields}}}", id.0);
        self.outbox.push_written(&message);
    }

    pub(in crate::ws) fn nothing_to_see(&mut self, id: RequestId, what: &Look) {
        let failure = |code, message| Failure::new(Some(id), None, code, message);
        self.fail(match what {
            Look::Semaphore { name, .. } => {
                failure(Code::UnknownSemaphore, "there is no such semaphore").about(name.as_str())
            }
            Look::Peer(_) | Look::Watch { .. } | Look::Unwatch => {
                failure(Code::UnknownPeer, "there is no such peer, or it has expired")
            }
        });
    }

    /// Whether there is room for another one; if not, it says so.
    pub(in crate::ws) fn admit_look(&mut self, id: RequestId, under_way: usize) -> bool {
        let admitted = under_way < MAX_LOOKS;
        if !admitted {
            let message = "too many watches and inspections of this connection are under way";
            self.fail(Failure::limit(Some(id), None, message, MAX_LOOKS));
        }
        admitted
    }

    /// The number of a watch that is there cannot be given to another one.
    pub(in crate::ws) fn refuse_watch(&mut self, id: RequestId) {
        let message = "watch: there is a watch with this id already";
        self.fail(Failure::new(Some(id), None, Code::BadMessage, message));
    }
}
