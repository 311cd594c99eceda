//! Messages are taken in their order: the greeting first, and nothing before it is clear what becomes of the peers
//! that are opened.

use std::sync::Arc;

use super::super::wire::{Ask, Code, Failure, Message, Rejected, Request, RequestId};
use super::{Close, Keys, Session};
use crate::access::Role;

/// So many unreadable messages in a row end a session.
const MAX_BAD_IN_A_ROW: u32 = 10;

impl Session {
    /// Handles a message, unless it has to wait.
    pub(super) fn take(&mut self, message: Result<Request, Rejected>, keys: Keys<'_>) {
        if !self.backlog.is_empty() || self.has_to_wait(&message) {
            self.backlog.push_back(message);
        } else {
            self.handle(message, keys);
        }
    }

    /// Handles what has waited, until something has to wait on.
    pub(super) fn work_off(&mut self, keys: Keys<'_>) {
        while let Some(message) = self.backlog.pop_front() {
            if self.has_to_wait(&message) {
                return self.backlog.push_front(message);
            }
            self.handle(message, keys);
        }
        self.backlog.shrink_to(0);
    }

    /// Peers can be opened side by side, each under a number of its own: whether a number is taken is known when the one
    /// that asked for it first has its answer. Everything else may depend on what becomes of them.
    fn has_to_wait(&self, message: &Result<Request, Rejected>) -> bool {
        match message {
            Ok(Request { ask: Ask::Open(open), .. }) => self.peers.is_opening(open.peer),
            _ => self.uncertain > 0,
        }
    }

    /// After the end, nothing is heard any more.
    fn handle(&mut self, message: Result<Request, Rejected>, keys: Keys<'_>) {
        match message {
            _ if self.close.is_some() => {}
            Ok(request) => self.on_request(request, keys),
            Err(rejected) => self.reject(&rejected),
        }
    }

    fn on_request(&mut self, Request { id, ask }: Request, keys: Keys<'_>) {
        if let Ask::Hello(token) = &ask {
            if self.greeted {
                return self.bad(id, "hello: it comes only once");
            }
            return self.let_in(id, token.as_ref());
        }
        if !self.greeted {
            return self.bad(id, "the first message must be \"hello\"");
        }
        self.bad_in_a_row = 0;
        if self.may(id, &ask) {
            self.on_ask(id, ask, keys);
        }
    }

    pub(super) fn greet(&mut self, id: Option<RequestId>) {
        self.greeted = true;
        self.bad_in_a_row = 0;
        let rules = Arc::clone(&self.rules);
        self.say(&Message::Welcome {
            id,
            server: rules.server,
            epoch: &rules.epoch,
            role: self.caller.role().map_or("", Role::name),
            heartbeat_ms: rules.heartbeat_ms,
            limits: rules.limits,
        });
    }

    fn bad(&mut self, id: Option<RequestId>, message: &str) {
        self.reject(&Rejected::bad(id, message));
    }

    /// Answers a message that is no request. A client that sends nothing else is sent away.
    fn reject(&mut self, rejected: &Rejected) {
        self.answer_failure(Failure::rejected(rejected));
        if rejected.code == Code::BadMessage {
            self.bad_in_a_row += 1;
        }
        if self.bad_in_a_row >= MAX_BAD_IN_A_ROW {
            self.end(Close::BadMessages);
        }
    }

    /// Says what there still is to say; nothing is heard any more.
    pub(super) fn end(&mut self, why: Close) {
        self.close = Some(why);
        self.later.flush(&mut self.outbox);
    }
}
