//! Who a session is of, and what that allows. The gate knows; the session asks it, and answers.

use super::super::wire::{Ask, Code, Failure, RequestId};
use super::{Close, Session};
use crate::access::{Denied, Token};

impl Session {
    /// The greeting: it begins the session of whoever has the token, or ends it.
    pub(super) fn let_in(&mut self, id: Option<RequestId>, token: Option<&Token>) {
        match self.rules.gate.greet(&self.caller, token) {
            Ok(caller) => {
                self.caller = caller;
                self.greet(id);
            }
            Err(denied) => {
                let message = match denied {
                    Denied::NoToken => "hello: \"token\" is missing, and nobody is let in without",
                    Denied::BadToken | Denied::TooLow { .. } | Denied::Foreign | Denied::Host => {
                        "hello: the token is not known here"
                    }
                };
                self.answer_failure(Failure::new(id, None, Code::Unauthorized, message));
                self.end(Close::Unauthorized);
            }
        }
    }

    /// Ends the session of somebody who would not be let in any more. What was asked for before is still done.
    pub(in crate::ws) fn look_at_the_token(&mut self) {
        let stays = !self.greeted || self.rules.gate.still_admits(&self.caller);
        if !stays && self.close.is_none() {
            self.end(Close::Unauthorized);
        }
    }

    /// Whether the caller may ask this. If not, it is told, and the session goes on.
    pub(super) fn may(&mut self, id: Option<RequestId>, ask: &Ask) -> bool {
        let kind = ask.kind();
        let may = self.caller.has(kind.access());
        if let (false, Some(needs)) = (may, kind.access().role()) {
            let message = format!("{}: this needs a token with the role {needs}", kind.name());
            self.answer_failure(Failure::new(id, ask.peer(), Code::Forbidden, &message));
        }
        may
    }
}
