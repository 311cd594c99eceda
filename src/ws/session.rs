//! One session: frames and events in, commands and frames out. It maps the client's numbers for its peers and
//! requests to keys and tags, and it answers.
//!
//! It is pure. Absent are sockets, async, a clock and randomness: keys for new peers are handed in. What it
//! says depends on nothing but what it was told before.

mod access;
mod answers;
mod effects;
mod later;
mod looks;
mod order;
mod outbox;
mod peers;
mod places;
mod requests;

use std::collections::VecDeque;
use std::sync::Arc;

use slab::Slab;

use self::later::Later;
use self::outbox::Outbox;
use self::peers::{Joined, Peers};
use super::close::Close;
use super::wire::{
    self, Failure, Held, Limits, LocalPeer, Look, Message, Rejected, Request, RequestId,
};
use crate::access::{Caller, Gate};
use crate::engine::{
    Command, ConnectionId, Key, PeerId, SemaphoreName, Session as Binding, Span, Want,
};
use crate::runtime::{Event, Tag};

/// So many requests may leave their room to the session when they are answered: as many as come together again and again.
const FEW_REQUESTS: usize = 64;

/// What is the same for all sessions of a server.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) server: &'static str,
    pub(super) epoch: String,
    pub(super) heartbeat_ms: u64,
    pub(super) limits: Limits,
    /// The number of the peer that a key is of. Who knows the number alone cannot make up the key, even when the
    /// server has forgotten the peer.
    pub(super) number_of: fn(Key) -> u64,
    /// Knows who has which token.
    pub(super) gate: Arc<Gate>,
}

/// Gives out keys, which must be random. `None`: the system has no random numbers.
pub(super) type Keys<'a> = &'a mut dyn FnMut() -> Option<Key>;

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    rules: Arc<Rules>,
    connection: ConnectionId,
    /// Who this is, as far as it has been shown.
    caller: Caller,
    greeted: bool,
    draining: bool,
    bad_in_a_row: u32,
    close: Option<Close>,
    peers: Peers,
    /// Peers that may turn out to be unknown and to have to be restored. Other requests wait until that is clear.
    uncertain: usize,
    backlog: VecDeque<Result<Request, Rejected>>,
    /// Peers that wait and want to know their places in line; some may have ceased to.
    watching: Vec<PeerId>,
    asked: Slab<Asked>,
    commands: Vec<(Tag, Command)>,
    /// How many commands were submitted at once: the next are going to be about as many.
    last_batch: usize,
    outbox: Outbox,
    later: Later,
    /// What somebody wants to see.
    looks: Vec<(RequestId, Look)>,
}

/// What a command was submitted for.
#[derive(Debug)]
enum Asked {
    Open(Box<Opening>),
    /// `want` is there when it has several names.
    Acquire {
        joined: Joined,
        number: LocalPeer,
        peer: PeerId,
        want: Option<Box<Want>>,
    },
    Release {
        id: Option<RequestId>,
        number: LocalPeer,
        peer: PeerId,
        names: Option<Vec<SemaphoreName>>,
    },
    Cancel {
        id: Option<RequestId>,
        number: LocalPeer,
    },
    Close {
        id: Option<RequestId>,
        number: LocalPeer,
        peer: PeerId,
    },
    Settle {
        id: Option<RequestId>,
        number: LocalPeer,
        peer: PeerId,
        used: Want,
    },
    Throttled {
        id: Option<RequestId>,
        number: LocalPeer,
        name: SemaphoreName,
        retry_after: Span,
    },
}

/// A peer that is about to be bound.
#[derive(Debug)]
struct Opening {
    id: Option<RequestId>,
    number: LocalPeer,
    peer: PeerId,
    expires_in: Span,
    binding: Binding,
    /// What to restore when the server does not know the peer. `None`: then it cannot be opened.
    restore: Option<Held>,
    /// Whether it may have to be restored, or is being restored.
    uncertain: bool,
}

impl Session {
    pub(super) fn new(rules: Arc<Rules>, connection: ConnectionId, caller: Caller) -> Self {
        Self {
            rules,
            connection,
            caller,
            greeted: false,
            draining: false,
            bad_in_a_row: 0,
            close: None,
            peers: Peers::default(),
            uncertain: 0,
            backlog: VecDeque::new(),
            watching: Vec::new(),
            asked: Slab::new(),
            commands: Vec::new(),
            last_batch: 0,
            outbox: Outbox::default(),
            later: Later::default(),
            looks: Vec::new(),
        }
    }

    /// A text frame came in.
    pub(super) fn on_text(&mut self, text: &str, keys: Keys<'_>) {
        self.look_at_the_token();
        match wire::read(text) {
            Ok(messages) => {
                for message in messages {
                    self.take(message, keys);
                }
            }
            Err(rejected) => self.take(Err(rejected), keys),
        }
    }

    /// The engine has something to say.
    pub(super) fn on_event(&mut self, event: Event, keys: Keys<'_>) {
        match event {
            Event::Reply { tag, reply, blocked_by } => {
                self.on_reply(tag, reply, &blocked_by);
                self.later.replied(&mut self.outbox);
                self.work_off(keys);
            }
            Event::Effect(effect) => self.on_effect(effect),
        }
    }

    /// The server is going away. What was asked for is still answered, new requests are refused.
    pub(super) fn on_draining(&mut self, reconnect_in_ms: u64) {
        if !self.draining {
            self.draining = true;
            self.say(&Message::Draining { reconnect_in_ms });
        }
    }

    /// Whether the client has said `hello`.
    pub(super) const fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// Why the session is to be ended, after everything was sent that there is to say.
    pub(super) fn close(&self) -> Option<Close> {
        let drained = self.draining && self.asked.is_empty();
        self.close.or(drained.then_some(Close::Restarting))
    }

    /// Whether messages wait for others. Then no further frames should be read.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// How many commands are to be submitted.
    pub(super) fn commands(&self) -> usize {
        self.commands.len()
    }

    /// What is to be submitted, in this order.
    pub(super) fn take_commands(&mut self) -> Vec<(Tag, Command)> {
        self.last_batch = self.commands.len();
        std::mem::take(&mut self.commands)
    }

    /// The next frame to send.
    pub(super) fn pop_frame(&mut self) -> Option<String> {
        self.outbox.pop()
    }

    /// Whether there is something to send, but nothing that its reader is waiting for.
    pub(super) fn can_wait(&self) -> bool {
        self.outbox.can_wait()
    }

    /// How much is waiting to be sent.
    pub(super) fn queued_bytes(&self) -> usize {
        self.outbox.bytes() + self.later.bytes()
    }

    /// Answers a request of which the engine need not know, when all requests before it are answered.
    fn answer(&mut self, message: &Message<'_>) {
        self.later.say(message, &mut self.outbox);
    }

    /// See [`Session::answer`].
    fn answer_failure(&mut self, failure: Failure<'_>) {
        self.answer(&Message::Error(Box::new(failure)));
    }

    fn fail(&mut self, failure: Failure<'_>) {
        self.say(&Message::Error(Box::new(failure)));
    }

    fn say(&mut self, message: &Message<'_>) {
        self.outbox.push(message);
    }

    fn submit(&mut self, asked: Asked, command: Command) {
        if self.commands.is_empty() {
            self.commands = Vec::with_capacity(self.last_batch);
        }
        let tag = Tag(self.asked.insert(asked) as u64);
        self.commands.push((tag, command));
        self.later.submitted();
    }
}

#[cfg(test)]
mod tests;
