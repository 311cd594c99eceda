//! The machine without sockets: a stage plays the server, word for word, and sets the clock.

mod cancelling;
mod frames;
mod limits;
mod odd;
mod permits;
mod reconnecting;
mod reports;
mod revoked;
mod safety;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::client::lost::LostReason;

/// A machine, what the time is, and what the server has said and heard.
struct Stage {
    machine: Machine,
    now: Time,
    epoch: &'static str,
    /// Bytes of the frames that were sent.
    frames: Vec<usize>,
}

impl Stage {
    fn new() -> Self {
        let machine = Machine::new(Settings::default());
        Self { machine, now: Time::default(), epoch: "first", frames: Vec::new() }
    }

    /// One that is welcome.
    fn up() -> Self {
        let mut stage = Self::new();
        stage.connect();
        stage
    }

    /// One with a peer that lives for 10 s without a sign of life.
    fn with_peer() -> (Self, PeerNumber) {
        let mut stage = Self::up();
        let peer = stage.machine.open(ten_seconds());
        stage.answer_open();
        assert_eq!(stage.events(), [Event::Opened { peer, result: Ok(()) }]);
        (stage, peer)
    }

    /// One with a lease on "A", whose request was sent and answered now.
    fn with_lease() -> (Self, PeerNumber, LeaseId) {
        let (mut stage, peer) = Self::with_peer();
        let lease = stage.lease(peer, "A");
        (stage, peer, lease)
    }

    fn connect(&mut self) {
        self.machine.connected(self.now);
        let hello = self.sent();
        assert_eq!((hello.len(), &hello[0]["type"]), (1, &json!("hello")), "{hello:?}");
        self.say(json!({"type": "welcome", "server": "s", "epoch": self.epoch, "heartbeat_ms": 15_000,
            "limits": {"max_frame_bytes": 65_536, "max_peers": 1024, "max_expires_in_ms": 1_000_000}}));
    }

    fn disconnect(&mut self) {
        self.machine.disconnected(self.now, Gone::Broken("cut".to_owned()), 0.5);
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
        self.machine.tick(self.now);
    }

    /// All messages that are sent now.
    fn sent(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(frame) = self.machine.pop_frame(self.now) {
            self.frames.push(frame.len());
            let frame: Value = serde_json::from_str(&frame).unwrap();
            let several = frame.as_array().cloned();
            messages.extend(several.unwrap_or_else(|| vec![frame]));
        }
        messages
    }

    /// The types of all messages that are sent now.
    fn kinds(&mut self) -> Vec<String> {
        self.sent().iter().map(kind).collect()
    }

    /// The only message that is sent now.
    fn one(&mut self, expected: &str) -> Value {
        let mut sent = self.sent();
        assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), [expected]);
        sent.remove(0)
    }

    fn say(&mut self, message: Value) {
        self.machine.on_text(self.now, &message.to_string());
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.machine.pop_event()).collect()
    }

    fn answer_open(&mut self) {
        let open = self.one("open");
        self.say(opened(&open, json!({})));
    }

    /// Acquires, and has it granted now.
    fn lease(&mut self, peer: PeerNumber, name: &str) -> LeaseId {
        let acquire = self.machine.acquire(self.now, peer, want(name)).unwrap();
        let asked = self.one("acquire");
        self.say(granted(&asked, 1));
        match self.events().as_slice() {
            [Event::Acquired { acquire: done, result: Ok(lease) }] if *done == acquire => *lease,
            events => panic!("{events:?}"),
        }
    }

    /// Takes five tokens, as a peer of its own, and has them granted now.
    fn permit(&mut self) -> (PeerNumber, LeaseId) {
        let (peer, _) = self.take();
        let sent = self.sent();
        assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "acquire"]);
        self.say(opened(&sent[0], json!({})));
        self.say(granted(&sent[1], 1));
        match self.events()[..] {
            [Event::Opened { .. }, Event::Acquired { result: Ok(permit), .. }] => (peer, permit),
            ref events => panic!("{events:?}"),
        }
    }

    /// Asks for five tokens.
    fn take(&mut self) -> (PeerNumber, AcquireId) {
        let peer = self.machine.open(ten_seconds());
        let ask = Ask { permit: true, ..Ask::new(("api", 5).into()) };
        (peer, self.machine.acquire(self.now, peer, ask).unwrap())
    }

    /// Tells what was used, of which the server is not told yet.
    fn used(&mut self, lease: LeaseId, used: impl Into<Want>) -> Result<ReportId, Error> {
        self.machine.report(self.now, lease, Told::Used(used.into()))
    }

    /// Asks whether the server is there, and has it answered now.
    fn pong(&mut self, ping: &Value) {
        self.say(json!({"type": "pong", "id": ping["id"]}));
    }

    fn is_lost(&mut self, lease: LeaseId) -> Option<LostReason> {
        self.machine.lost(lease, self.now).map(|lost| lost.reason)
    }
}

fn ten_seconds() -> PeerSettings {
    PeerSettings { expires_in: Duration::from_secs(10), ..PeerSettings::default() }
}

fn want(name: &str) -> Ask {
    Ask::new(name.into())
}

fn kind(message: &Value) -> String {
    message["type"].as_str().unwrap().to_owned()
}

fn opened(open: &Value, held: Value) -> Value {
    json!({"type": "opened", "id": open["id"], "peer": open["peer"], "peer_id": "s1", "resume": "s1-key",
        "held": held, "restored": false})
}

fn granted(acquire: &Value, fence: u64) -> Value {
    let want = acquire["want"].as_object().unwrap();
    let lock =
        |(name, count): (&String, &Value)| (name.clone(), json!({"count": count, "fence": fence}));
    let locks: serde_json::Map<_, _> = want.iter().map(lock).collect();
    json!({"type": "granted", "id": acquire["id"], "peer": acquire["peer"], "locks": locks, "waited_ms": 0})
}

fn refused(request: &Value, code: &str) -> Value {
    json!({"type": "error", "id": request["id"], "peer": request["peer"], "code": code, "message": "m", "retryable": false})
}

fn settled(settle: &Value) -> Value {
    json!({"type": "settled", "id": settle["id"], "peer": settle["peer"]})
}

fn not_held(semaphore: &str) -> Error {
    Error::NotHeld { semaphore: semaphore.to_owned() }
}

fn at(seconds: f64) -> Time {
    Time::after_start(Duration::from_secs_f64(seconds))
}
