//! Requests become commands.

use super::super::wire::{
    Acquire, Ask, Code, Failure, Held, LocalPeer, Message, Open, Origin, RequestId,
};
use super::peers::Joined;
use super::{Asked, Binding, Close, Keys, Opening, Session};
use crate::engine::{Command, PeerId, Refusal};

impl Session {
    pub(super) fn on_ask(&mut self, id: Option<RequestId>, ask: Ask, keys: Keys<'_>) {
        let number = match &ask {
            Ask::Ping => return self.pong(id),
            Ask::Look(_) if self.draining => None,
            Ask::Look(look) => return self.look(id, look),
            // Only the first message is one.
            Ask::Hello(_) => return,
            Ask::Open(open) => Some(open.peer),
            Ask::Acquire(Acquire { peer, .. })
            | Ask::Release { peer, .. }
            | Ask::Cancel { peer }
            | Ask::Close { peer }
            | Ask::Settle { peer, .. }
            | Ask::Throttled { peer, .. } => Some(*peer),
        };
        let Some(number) = number.filter(|_| !self.draining) else {
            let message = "the server is going away";
            return self.answer_failure(Failure::new(id, number, Code::Draining, message));
        };
        if let Ask::Open(open) = ask {
            self.on_open(id, *open, keys);
        } else {
            self.on_peer_request(id, number, ask);
        }
    }

    fn pong(&mut self, id: Option<RequestId>) {
        if let Some(id) = id {
            self.answer(&Message::Pong { id });
        }
    }

    fn on_open(&mut self, id: Option<RequestId>, open: Open, keys: Keys<'_>) {
        let number = open.peer;
        let most = self.rules.limits.max_peers;
        if self.peers.len() >= most {
            let message = "the connection has as many peers as one may have";
            return self.answer_failure(Failure::limit(id, Some(number), message, most));
        }
        let Some(fresh) = keys() else {
            self.close = Some(Close::Internal);
            return;
        };
        let (peer, key) = match open.origin {
            Origin::New => (PeerId::Session((self.rules.number_of)(fresh)), fresh),
            Origin::Resume { peer, key, .. } => (peer, key),
            Origin::Adopt { peer, .. } => (peer, fresh),
        };
        if matches!(peer, PeerId::Session(number) if number != (self.rules.number_of)(key)) {
            let message = Refusal::Forbidden.to_string();
            let failure = Failure::refused(id, number, &Refusal::Forbidden, &message);
            return self.answer_failure(failure);
        }
        if !self.peers.add(number, peer) {
            let message = "the connection has this peer, or one with this number, already";
            return self.answer_failure(Failure::new(id, Some(number), Code::PeerInUse, message));
        }
        let (label, on_disconnect) = (open.label, open.on_disconnect);
        let binding = Binding { connection: self.connection, key, label, on_disconnect };
        self.open(id, number, peer, open.expires_in, binding, open.origin);
    }

    fn open(
        &mut self,
        id: Option<RequestId>,
        number: LocalPeer,
        peer: PeerId,
        expires_in: crate::engine::Span,
        binding: Binding,
        origin: Origin,
    ) {
        let session = binding.clone();
        let (command, restore) = match origin {
            Origin::New => (Command::Open { peer, expires_in, session: Some(session) }, None),
            Origin::Resume { held, .. } => {
                (Command::Resume { peer, expires_in, session }, Some(held))
            }
            Origin::Adopt { held, .. } => (Command::Adopt { peer, expires_in, session }, held),
        };
        let uncertain = restore.is_some();
        self.uncertain += usize::from(uncertain);
        let opening = Opening { id, number, peer, expires_in, binding, restore, uncertain };
        self.submit(Asked::Open(Box::new(opening)), command);
    }

    /// The server does not know the peer: it takes the client's word.
    pub(super) fn restore(&mut self, opening: Box<Opening>, Held { want, slots, declared }: Held) {
        let command = Command::Restore {
            peer: opening.peer,
            expires_in: opening.expires_in,
            session: Some(opening.binding.clone()),
            held: want,
            slots,
            declared,
        };
        self.submit(Asked::Open(opening), command);
    }

    fn on_peer_request(&mut self, id: Option<RequestId>, number: LocalPeer, ask: Ask) {
        let Some(peer) = self.peers.numbered(number) else {
            let message = "the connection has no peer with this number";
            let failure = Failure::new(id, Some(number), Code::UnknownPeer, message);
            return self.answer_failure(failure);
        };
        match ask {
            Ask::Acquire(acquire) => self.acquire(id, peer, acquire),
            Ask::Release { names, .. } => {
                let command = Command::Release { peer, names: names.clone() };
                self.submit(Asked::Release { id, number, peer, names }, command);
            }
            Ask::Cancel { .. } => {
                self.submit(Asked::Cancel { id, number }, Command::Cancel { peer });
            }
            Ask::Close { .. } => {
                self.peers.release_number(number);
                self.submit(Asked::Close { id, number, peer }, Command::Close { peer });
            }
            Ask::Settle { used, .. } => {
                let command = Command::Settle { peer, used: used.clone() };
                self.submit(Asked::Settle { id, number, peer, used }, command);
            }
            Ask::Throttled { name, retry_after, .. } => {
                let asked = Asked::Throttled { id, number, name: name.clone(), retry_after };
                self.submit(asked, Command::BackOff { peer: Some(peer), name, retry_after });
            }
            // These are not for a peer that is there.
            Ask::Hello(_) | Ask::Open(_) | Ask::Ping | Ask::Look(_) => {}
        }
    }

    fn acquire(&mut self, id: Option<RequestId>, peer: PeerId, acquire: Acquire) {
        let Acquire { peer: number, want, timeout, max_wait, priority, progress, declared } =
            acquire;
        let several = (want.iter().len() > 1).then(|| Box::new(want.clone()));
        let asked = Asked::Acquire { joined: Joined { id, progress }, number, peer, want: several };
        let acquire = Command::Acquire {
            peer,
            want,
            priority,
            timeout,
            max_wait,
            expires_in: None,
            declared,
        };
        self.submit(asked, acquire);
    }
}
