//! A list of `(now, command)` is the whole truth: replayed into a second engine, it makes the same state.

use std::io;
use std::sync::{Arc, Mutex};

use throttle::engine::{Command, Engine, Outcome, Time};
use throttle::runtime::{self, Clock, Observer};
use throttle::store::{Committed, Store};

use crate::history::History;
use crate::language::{parse_command, write_command};

/// A store that keeps its log in memory, where the test can read it.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Vec<(Time, Command)>>>);

impl Store for Recording {
    fn commit(&mut self, batch: &[(Time, Command)]) -> io::Result<Committed> {
        self.0.lock().unwrap().extend_from_slice(batch);
        Ok(Committed::Now)
    }
}

struct Nobody;

impl Observer for Nobody {
    fn observe(&mut self, _outcome: &Outcome) {}
}

#[test]
fn a_replay_makes_the_same_state_and_the_same_outcomes() {
    for seed in 0..200 {
        let history = History::random(seed, 300);
        let mut first = Engine::new(history.settings.clone());
        let mut second = Engine::new(history.settings);
        for (now, command) in &history.steps {
            let outcome = first.apply(*now, command);
            // Through text and back, as a journal would do it.
            let read = parse_command(&write_command(command)).unwrap();
            assert_eq!(read, *command);
            assert_eq!(second.apply(*now, &read), outcome);
            assert_eq!(second.digest(), first.digest());
        }
    }
}

#[test]
fn different_states_have_different_digests() {
    let history = History::random(7, 100);
    let mut engine = Engine::new(history.settings);
    let mut digests = vec![engine.digest()];
    for millis in 1..=3 {
        engine.apply(Time::from_micros(millis * 1_000), &Command::Expire).reply.unwrap();
        digests.push(engine.digest());
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 4);
}

/// What the runtime hands to its store is enough to rebuild what it owns.
#[tokio::test(start_paused = true)]
async fn what_the_runtime_records_rebuilds_its_engine() {
    let history = History::random(3, 400);
    let log = Recording::default();
    let engine = Engine::new(history.settings.clone());
    let (handle, driver) = runtime::start(engine, Clock::start(), log.clone(), Nobody);
    tokio::spawn(driver);
    for (at, (_, command)) in history.steps.into_iter().enumerate() {
        let _ = handle.apply(command).await.unwrap();
        if at % 10 == 0 {
            tokio::time::advance(std::time::Duration::from_millis(5)).await;
        }
    }
    let digest = handle.read(Engine::digest).await.unwrap();
    let mut again = Engine::new(history.settings);
    for (now, command) in log.0.lock().unwrap().iter() {
        let _ = again.apply(*now, command);
    }
    assert_eq!(again.digest(), digest);
    assert!(again.peer_count() > 0, "nobody is there: the test shows nothing");
}
