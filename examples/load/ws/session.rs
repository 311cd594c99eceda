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

/// What its peers say is written when it is said: what ten thousand of them have to say would push each other out of
/// the processor's caches, and be measured as if it were the server's.
pub(crate) struct Session {
    socket: Socket,
    counterpart: Counterpart,
    /// What all peers want, or what each of them does: names, as JSON.
    names: Vec<String>,
    /// Whether a peer has asked and not given back.
    holds: Vec<bool>,
    /// What is being said.
    text: String,
}

impl Session {
    /// Opens a session with so many peers that are going to want the semaphore.
    pub(crate) async fn open(
        target: &Target,
        counterpart: Counterpart,
        peers: usize,
        semaphore: &str,
    ) -> Fallible<Self> {
        Session::start(target, counterpart, peers, vec![serde_json::to_string(semaphore)?]).await
    }

    /// Opens a session with so many peers, each of which is going to want a semaphore of its own.
    pub(crate) async fn open_each(
        target: &Target,
        counterpart: Counterpart,
        peers: usize,
        semaphore: impl Fn(usize) -> String,
    ) -> Fallible<Self> {
        let names = (0..peers).map(|peer| serde_json::to_string(&semaphore(peer)));
        Session::start(target, counterpart, peers, names.collect::<Result<_, _>>()?).await
    }

    async fn start(
        target: &Target,
        counterpart: Counterpart,
        peers: usize,
        names: Vec<String>,
    ) -> Fallible<Self> {
        let (socket, holds) = (Socket::open(target).await?, vec![false; peers]);
        let mut session = Session { socket, counterpart, names, holds, text: String::new() };
        match counterpart {
            Counterpart::Throttle => at_most(PATIENCE, session.greet()).await?,
            Counterpart::Echo => {}
        }
        Ok(session)
    }

    async fn greet(&mut self) -> Fallible<()> {
        self.socket.outbox().push(message::HELLO);
        let peers = self.holds.len();
        for begin in (0..peers).step_by(OPENED_AT_ONCE) {
            let end = peers.min(begin + OPENED_AT_ONCE);
            for peer in begin..end {
                self.socket.outbox().push(&message::open(peer));
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
        (0..self.holds.len()).for_each(|peer| self.say_first(peer));
        self.socket.send().await
    }

    /// Waits for grants and gives each peer that has one to `take`.
    pub(crate) async fn granted(
        &mut self,
        mut take: impl FnMut(usize) -> Fallible<()>,
    ) -> Fallible<()> {
        let peers = self.holds.len();
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
        self.say_first(peer);
        // Places in line alone need not be told at once.
        self.socket.outbox().push(message::PING);
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
        match self.counterpart {
            Counterpart::Throttle => {
                self.say(peer, message::release);
                self.say(peer, message::acquire);
            }
            Counterpart::Echo => self.say(peer, message::granted),
        }
    }

    /// Has one of the peers, whatever the number, take its lock or give it back, with the next [`Session::send`].
    pub(crate) fn toggle(&mut self, number: usize) {
        let peer = number % self.holds.len();
        self.say(peer, if self.holds[peer] { message::release } else { message::acquire });
        self.holds[peer] = !self.holds[peer];
    }

    /// What a peer says first; an echo is sent what a server would answer.
    fn say_first(&mut self, peer: usize) {
        match self.counterpart {
            Counterpart::Throttle => self.say(peer, message::acquire),
            Counterpart::Echo => self.say(peer, message::granted),
        }
    }

    fn say(&mut self, peer: usize, message: message::Phrase) {
        self.text.clear();
        message(&mut self.text, peer, &self.names[peer % self.names.len()]);
        self.socket.outbox().push(&self.text);
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
