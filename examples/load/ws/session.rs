//! A session with its peers, and what each of them says over and over; on an echo, the same without a session.

use super::{
    frame::Outbox,
    message::{self, Answer, Kind, each_answer},
    socket::Socket,
};
use crate::{
    Fallible,
    client::{Client, PATIENCE, at_most},
    target::Target,
};

/// Peers that are opened before the answers are looked at.
const OPENED_AT_ONCE: usize = 256;

/// What listens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counterpart {
    Throttle,
    /// `examples/baseline`: it sends back what it gets.
    Echo,
}

impl Counterpart {
    pub(crate) async fn of(target: &Target) -> Fallible<Self> {
        let is_baseline = Client::connect(target).await?.is_baseline().await?;
        Ok(if is_baseline { Counterpart::Echo } else { Counterpart::Throttle })
    }
}

pub(crate) struct Session {
    socket: Socket,
    phrases: Vec<Phrases>,
}

/// What a peer says.
struct Phrases {
    /// What it says to give back what it holds.
    last: String,
    /// Whether it has asked and not given back.
    holds: bool,
    first: String,
    /// How many messages `again` is.
    messages: usize,
    again: String,
}

impl Session {
    /// Opens a session with so many peers that are going to want the semaphore.
    pub(crate) async fn open(
        target: &Target,
        counterpart: Counterpart,
        peers: usize,
        semaphore: &str,
    ) -> Fallible<Self> {
        Session::open_each(target, counterpart, peers, |_| semaphore.to_owned()).await
    }

    /// Opens a session with so many peers, each of which is going to want a semaphore of its own.
    pub(crate) async fn open_each(
        target: &Target,
        counterpart: Counterpart,
        peers: usize,
        semaphore: impl Fn(usize) -> String,
    ) -> Fallible<Self> {
        let phrases = (0..peers).map(|peer| Phrases::new(counterpart, peer, &semaphore(peer)));
        let phrases = phrases.collect::<Fallible<Vec<_>>>()?;
        let mut session = Session { socket: Socket::open(target).await?, phrases };
        match counterpart {
            Counterpart::Throttle => at_most(PATIENCE, session.greet()).await?,
            Counterpart::Echo => {}
        }
        Ok(session)
    }

    async fn greet(&mut self) -> Fallible<()> {
        self.socket.outbox().push(1, message::HELLO);
        let peers = self.phrases.len();
        for begin in (0..peers).step_by(OPENED_AT_ONCE) {
            let end = peers.min(begin + OPENED_AT_ONCE);
            for peer in begin..end {
                self.socket.outbox().push(1, &message::open(peer));
            }
            self.socket.send().await?;
            let mut opened = begin;
            while opened < end {
                let count = |answer: &Answer<'_>| {
                    opened += usize::from(answer.kind == Kind::Opened);
                    Ok(())
                };
                self.receive(count).await?;
            }
        }
        Ok(())
    }

    /// Lets every peer ask for the first time.
    pub(crate) async fn begin(&mut self) -> Fallible<()> {
        for phrases in &self.phrases {
            self.socket.outbox().push(1, &phrases.first);
        }
        self.socket.send().await
    }

    /// Waits for grants and gives each peer that has one to `take`.
    pub(crate) async fn granted(
        &mut self,
        mut take: impl FnMut(usize) -> Fallible<()>,
    ) -> Fallible<()> {
        let peers = self.phrases.len();
        self.receive(|answer| {
            if answer.kind != Kind::Granted {
                return Ok(());
            }
            let peer = answer.peer.filter(|peer| *peer < peers);
            take(peer.ok_or("the server granted something to nobody")?)
        })
        .await
    }

    /// Lets one peer ask for the first time. Its answer is to be waited for with [`Session::in_line`].
    pub(crate) async fn ask(&mut self, peer: usize) -> Fallible<()> {
        self.socket.outbox().push(1, &self.phrases[peer].first);
        // Places in line alone need not be told at once.
        self.socket.outbox().push(1, message::PING);
        self.socket.send().await
    }

    /// Waits until the peer that has asked stands in line. Returns whether it was granted what it asked for instead.
    pub(crate) async fn in_line(&mut self) -> Fallible<bool> {
        let (mut granted, mut done) = (false, false);
        while !done {
            self.receive(|Answer { kind, .. }| {
                granted |= *kind == Kind::Granted;
                done |= *kind == Kind::Pong;
                Ok(())
            })
            .await?;
        }
        Ok(granted)
    }

    /// Has a peer that holds the semaphore give it back and ask again, with the next [`Session::send`].
    pub(crate) fn again(&mut self, peer: usize) {
        let Phrases { messages, again, .. } = &self.phrases[peer];
        self.socket.outbox().push(*messages, again);
    }

    /// Has one of the peers, whatever the number, take its lock or give it back, with the next [`Session::send`].
    pub(crate) fn toggle(&mut self, number: usize) {
        let peers = self.phrases.len();
        let Phrases { first, last, holds, .. } = &mut self.phrases[number % peers];
        self.socket.outbox().push(1, if *holds { last } else { first });
        *holds = !*holds;
    }

    pub(crate) async fn send(&mut self) -> Fallible<()> {
        self.socket.send().await
    }

    /// Does nothing but answer pings.
    pub(crate) async fn rest(&mut self) -> Fallible<()> {
        self.socket.rest().await
    }

    pub(crate) async fn leave(self) -> Fallible<()> {
        self.socket.leave().await
    }

    async fn receive(&mut self, mut take: impl FnMut(&Answer<'_>) -> Fallible<()>) -> Fallible<()> {
        let texts = |text: &str, _: &mut Outbox| each_answer(text, &mut take);
        self.socket.receive(texts).await
    }
}

impl Phrases {
    fn new(counterpart: Counterpart, peer: usize, semaphore: &str) -> Fallible<Self> {
        match counterpart {
            Counterpart::Throttle => {
                let first = message::acquire(peer, semaphore)?;
                let last = message::release(peer);
                let again = format!("{last},{first}");
                Ok(Phrases { last, holds: false, first, messages: 2, again })
            }
            Counterpart::Echo => {
                let granted = message::granted(peer, semaphore)?;
                let (first, last) = (granted.clone(), String::new());
                Ok(Phrases { last, holds: false, first, messages: 1, again: granted })
            }
        }
    }
}
