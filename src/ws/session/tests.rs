//! Scripts: golden files in `scripts/`. Sessions talk to a true engine, whose clock stands still unless a script says
//! otherwise. Each step is what happens, `----`, and what the sessions say to it.
//!
//! To accept what they say now: `REWRITE=1 cargo test --lib ws`, then read the diff.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use super::*;
use crate::engine::{
    Count, Engine, Fence, Label, Level, Limits as EngineLimits, Operation, Outcome, Priority, Rate,
    SemaphoreSettings, Settings, Time, Wish,
};
use crate::runtime::{Clock, Events, Handle, Line, Observer, Standing, start};
use crate::store::Memory;
use crate::ws::wire::Limits;

#[tokio::test(start_paused = true)]
async fn scripts_say_what_sessions_do() {
    let scripts = scripts();
    assert!(scripts.len() >= 10, "the scripts are missing: {scripts:?}");
    for path in scripts {
        let expected = fs::read_to_string(&path).unwrap();
        let actual = run(&path, &expected).await;
        if env::var_os("REWRITE").is_some() {
            fs::write(&path, actual).unwrap();
        } else {
            for (number, (actual, expected)) in actual.lines().zip(expected.lines()).enumerate() {
                assert_eq!(
                    actual,
                    expected,
                    "{}:{} (REWRITE=1 accepts)",
                    path.display(),
                    number + 1
                );
            }
            assert_eq!(actual.len(), expected.len(), "{} (REWRITE=1 accepts)", path.display());
        }
    }
}

#[tokio::test]
async fn many_requests_leave_no_room_behind() {
    let mut stage = Stage::new(0);
    let hello = r#"{"type":"hello"},{"type":"open","peer":1,"expires_in_ms":30000}"#;
    let releases = [r#"{"type":"release","peer":1}"#; 1_000].join(",");
    for (request, fewest, most) in [(hello, 0, 64), (&releases, 1_000, 1_100), (hello, 0, 64)] {
        stage.hear("a", &format!("[{request}]"));
        let asked = stage.connected("a").session.asked.capacity();
        assert!((fewest..=most).contains(&asked), "{asked} before the answers");
        stage.settle(&mut String::new()).await;
    }
    assert!(stage.connected("a").session.asked.capacity() <= FEW_REQUESTS);
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ws/session/scripts");
    let mut scripts: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    scripts
}

/// Runs a script and writes it again, with what the sessions really said.
async fn run(path: &Path, text: &str) -> String {
    let mut stage = Stage::new(0);
    let mut actual = String::new();
    let mut said = String::new();
    let mut expected = false;
    for (number, line) in text.lines().enumerate() {
        match line {
            "----" => {
                expected = true;
                let _ = write!(actual, "----\n{}", std::mem::take(&mut said));
            }
            "" => {
                expected = false;
                actual.push('\n');
            }
            _ if expected => {}
            line => {
                let _ = writeln!(actual, "{line}");
                if !line.starts_with('#') {
                    let place = format!("{}:{}", path.display(), number + 1);
                    stage.act(line, &place).await;
                    stage.settle(&mut said).await;
                }
            }
        }
    }
    assert!(said.is_empty(), "{}: the last step has no ----", path.display());
    actual
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _outcome: &Outcome) {}
}

/// An engine and the sessions that are connected to it, by name.
struct Stage {
    engine: Handle,
    clock: Clock,
    sessions: BTreeMap<String, Connected>,
    keys: u64,
}

struct Connected {
    session: Session,
    line: Line,
    events: Events,
    closed: bool,
}

impl Stage {
    /// Semaphores A=1, B=5, one level up C=1, and G=4 with numbers, and a token of T every 10 s; with
    /// fences after the last one.
    fn new(last_fence: u64) -> Self {
        let semaphore = |name: &str, max, level| {
            let (name, max) = (SemaphoreName::new(name).unwrap(), Count::new(max).unwrap());
            SemaphoreSettings::semaphore(name, max, Level(level))
        };
        let mut numbered = semaphore("G", 4, 0);
        numbered.manners.slots = true;
        let [a, b, c] = [("A", 1, 0), ("B", 5, 0), ("C", 1, 1)]
            .map(|(name, max, level)| semaphore(name, max, level));
        let one = Count::new(1).unwrap();
        let rate = Rate::new(one, Span::from_secs(10)).unwrap();
        let bucket = SemaphoreSettings::bucket(SemaphoreName::new("T").unwrap(), one, rate);
        let engine = Engine::new(Settings {
            semaphores: vec![a, b, c, numbered, bucket],
            limits: EngineLimits { max_peers: 100, ..EngineLimits::default() },
            last_fence: Fence(last_fence),
            grants_from: Time::default(),
        });
        let clock = Clock::start();
        let (engine, driver) = start(engine, clock, Memory, Nobody);
        tokio::spawn(driver);
        Self { engine, clock, sessions: BTreeMap::new(), keys: last_fence }
    }

    async fn act(&mut self, line: &str, place: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match (line.split_once(": "), words.as_slice()) {
            (Some((name, text)), _) => self.hear(name, text),
            (None, [name, "hangs", "up"]) => drop(self.sessions.remove(*name)),
            (None, ["drain", name]) => self.connected(name).session.on_draining(1_234),
            (None, ["places"]) => self.tell_places().await,
            (None, ["restart"]) => {
                // Each start is later than all that was before it.
                *self = Self::new(self.keys + 1_000);
            }
            (None, ["advance", millis]) => {
                let span = Duration::from_millis(millis.parse().unwrap());
                tokio::time::advance(span).await;
            }
            (None, ["rest", words @ ..]) => {
                let done = self.engine.apply(rest(words)).await.unwrap();
                assert!(done.is_ok(), "{place}: {done:?}");
            }
            (None, _) => panic!("{place}: what is {line:?}?"),
        }
    }

    fn hear(&mut self, name: &str, text: &str) {
        let mut last = self.keys;
        let connected = self.connected(name);
        if !connected.closed {
            connected.session.on_text(text, &mut || numbered(&mut last));
        }
        self.keys = last;
    }

    /// What the pump does from time to time.
    async fn tell_places(&mut self) {
        for Connected { session, .. } in self.sessions.values_mut() {
            let (peers, clock) = (session.watching(), self.clock);
            let places = self.engine.read(move |engine| {
                let place =
                    |peer: PeerId| Standing::of(engine, clock.now(), peer).map(|now| (peer, now));
                peers.into_iter().filter_map(place).collect::<Vec<_>>()
            });
            session.on_places(places.await.unwrap());
        }
    }

    fn connected(&mut self, name: &str) -> &mut Connected {
        let engine = &self.engine;
        self.sessions.entry(name.to_owned()).or_insert_with(|| {
            let (line, events) = engine.connect();
            let session = Session::new(Arc::new(rules()), line.connection(), Caller::STRANGER);
            Connected { session, line, events, closed: false }
        })
    }

    /// Lets everybody talk until nobody has anything to say.
    async fn settle(&mut self, said: &mut String) {
        loop {
            for Connected { session, line, .. } in self.sessions.values_mut() {
                line.submit(session.take_commands()).await.unwrap();
            }
            self.engine.read(|_| ()).await.unwrap();
            let mut quiet = true;
            for Connected { session, events, .. } in self.sessions.values_mut() {
                while let Some(event) = events.try_recv() {
                    session.on_event(event, &mut || numbered(&mut self.keys));
                    quiet = false;
                }
            }
            if quiet {
                break;
            }
        }
        for (name, connected) in &mut self.sessions {
            let Connected { session, closed, .. } = connected;
            while let Some(frame) = session.pop_frame() {
                let _ = writeln!(said, "{name}: {}", frame);
            }
            if let (Some(close), false) = (session.close(), *closed) {
                let _ = writeln!(said, "{name} is closed with {}", close.code());
                *closed = true;
            }
        }
    }
}

/// One identity after the other.
fn numbered(last: &mut u64) -> Option<Key> {
    *last += 1;
    Some(Key::new((*last).into()))
}

fn rules() -> Rules {
    Rules {
        server: "throttle/test",
        epoch: "e".to_owned(),
        heartbeat_ms: 15_000,
        limits: Limits { max_frame_bytes: 65_536, max_peers: 3, max_expires_in_ms: 31_536_000_000 },
        number_of: |key| key.secret() as u64,
        gate: Arc::default(),
    }
}

/// What somebody does over REST.
fn rest(words: &[&str]) -> Command {
    let peer = |text: &str| PeerId::Rest(text.parse().unwrap());
    let name = |text: &str| SemaphoreName::new(text).unwrap();
    match words {
        ["open", id] => {
            Command::Open { peer: peer(id), expires_in: Span::from_secs(60), session: None }
        }
        ["acquire", id, semaphore, count] => Command::Acquire {
            peer: peer(id),
            want: Want::one(name(semaphore), count.parse().unwrap()),
            priority: Priority::default(),
            timeout: None,
            max_wait: None,
            declared: [].into(),
            expires_in: None,
        },
        ["leave", id, semaphore] => Command::Leave { peer: peer(id), name: name(semaphore) },
        ["close", id] => Command::Close { peer: peer(id) },
        ["revoke", id, semaphore, seconds, why] => {
            let (peer, why) = (id.parse().unwrap(), Some(Label::new(why).unwrap()));
            let name = (*semaphore != "*").then(|| name(semaphore));
            let grace = Span::from_secs(seconds.parse().unwrap());
            Command::Operate(Operation::Revoke { peer, name, grace, why })
        }
        ["max", semaphore, max] => {
            let (name, max) = (name(semaphore), Count::new(max.parse().unwrap()));
            Command::Operate(Operation::Change { name, wish: Wish { max, ..Wish::default() } })
        }
        ["delete", semaphore, why] => {
            let (name, why) = (name(semaphore), Some(Label::new(why).unwrap()));
            Command::Operate(Operation::Delete { name, force: true, why })
        }
        words => panic!("what is {words:?} over REST?"),
    }
}
