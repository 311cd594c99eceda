//! The engine against the naive model, over many random histories. A failing one is shrunk to few steps and
//! printed as a script, with the command that replays it.
//!
//! `THROTTLE_HISTORIES=100000` says how many histories to run, `THROTTLE_SEED=17` replays one.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use throttle::engine::{Command, Engine, SemaphoreState, SemaphoreView, Time};

use crate::history::History;
use crate::language::{write_command, write_outcome, write_settings};
use crate::model::Model;

const STEPS: usize = 200;

#[test]
fn the_engine_agrees_with_the_naive_model() {
    let number = |name: &str| -> Option<u64> {
        let value = env::var(name).ok()?;
        Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
    };
    if let Some(seed) = number("THROTTLE_SEED") {
        return run(seed);
    }
    let histories = number("THROTTLE_HISTORIES").unwrap_or(10_000);
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        seed if seed < histories => run(seed),
                        _ => return,
                    }
                }
            });
        }
    });
    println!("{histories} histories of {STEPS} commands");
}

fn run(seed: u64) {
    let history = History::random(seed, STEPS);
    let Some(why) = difference(&history) else { return };
    let short = shrink(history);
    panic!(
        "history {seed}: {why}\nreplay: THROTTLE_SEED={seed} cargo test --test engine simulation\n\n{}",
        script(&short)
    );
}

/// What the engine does otherwise than the model, or wrongly by its own account.
fn difference(history: &History) -> Option<String> {
    let compare = || {
        let mut engine = Engine::new(history.settings.clone());
        let mut model = Model::new(history.settings.clone());
        let differs = |(number, (now, command)): (usize, &(Time, Command))| {
            let why = step(&mut engine, &mut model, *now, command)?;
            Some(format!("step {number}, {}: {why}", write_command(command)))
        };
        history.steps.iter().enumerate().find_map(differs)
    };
    catch_unwind(AssertUnwindSafe(compare)).unwrap_or_else(|_| Some("it panicked".to_owned()))
}

fn step(engine: &mut Engine, model: &mut Model, now: Time, command: &Command) -> Option<String> {
    let (fence, outcome, expected) =
        (engine.last_fence(), engine.apply(now, command), model.apply(now, command));
    if outcome != expected {
        let (is, should) = (write_outcome(&outcome), write_outcome(&expected));
        return Some(format!("engine says\n{is}\nmodel says\n{should}"));
    }
    if engine.next_deadline() != model.next_deadline() {
        return Some("the next deadlines differ".to_owned());
    }
    if engine.last_fence() < fence {
        return Some("the fence went back".to_owned());
    }
    if !engine.semaphores().map(|it| it.name).eq(model.names()) {
        return Some("the semaphores differ".to_owned());
    }
    for semaphore in engine.semaphores() {
        let SemaphoreView { max, level, paused, bucket, manners, .. } = semaphore;
        let rate = bucket.map(|bucket| bucket.rate);
        let state = SemaphoreState { max, level, paused, rate, manners };
        if model.state(&semaphore.name) != Some(state) {
            return Some(format!("the states of {} differ", semaphore.name));
        }
        let sums = [semaphore.held, semaphore.pending, semaphore.delayed];
        if sums != model.sums(&semaphore.name) {
            return Some(format!("sums of {} differ", semaphore.name));
        }
        if !engine.holders(semaphore.name.as_str()).eq(model.holders(&semaphore.name)) {
            return Some(format!("holders of {} differ", semaphore.name));
        }
    }
    engine.check().err()
}

/// Leaves out as many steps as possible, in ever smaller pieces, as long as it still fails.
fn shrink(mut history: History) -> History {
    let mut piece = history.steps.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < history.steps.len() {
            let mut shorter = history.clone();
            shorter.steps.drain(at..(at + piece).min(history.steps.len()));
            match difference(&shorter) {
                Some(_) => history = shorter,
                None => at += piece,
            }
        }
        piece /= 2;
    }
    history
}

fn script(history: &History) -> String {
    let mut lines = vec![write_settings(&history.settings)];
    let mut before = Time::default();
    for (now, command) in &history.steps {
        if *now > before {
            lines.push(format!("sleep {}", now.since(before)));
            before = *now;
        }
        lines.push(write_command(command));
    }
    lines.join("\n")
}
