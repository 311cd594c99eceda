//! Scenario scripts: golden files in `scripts/`. Each step is commands, `----`, and what the engine says to them.
//!
//! To accept what the engine says now: `REWRITE=1 cargo test --test engine scripts`, then read the diff.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use throttle::engine::{Command, Engine, Span, Time};

use crate::language::{parse_command, parse_settings, parse_span, write_outcome, write_state};

#[test]
fn scripts_say_what_the_engine_does() {
    let scripts = scripts();
    assert!(scripts.len() >= 10, "the scripts are missing: {scripts:?}");
    let rewrite = env::var_os("REWRITE").is_some();
    for path in scripts {
        let expected = fs::read_to_string(&path).unwrap();
        let actual = run(&path, &expected);
        if rewrite {
            fs::write(&path, actual).unwrap();
        } else {
            assert_eq!(actual, expected, "{} differs (REWRITE=1 accepts)", path.display());
        }
    }
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/scripts");
    let mut scripts: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    scripts
}

/// Runs a script and writes it again, with what the engine really said.
fn run(path: &Path, text: &str) -> String {
    let mut actual = String::new();
    let mut stage: Option<Stage> = None;
    let mut expected = false;
    let mut said = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fail = |why: String| -> ! { panic!("{}:{}: {why}", path.display(), number + 1) };
        match line {
            "----" => {
                expected = true;
                let _ = writeln!(actual, "----\n{}", said.join("\n"));
                said.clear();
            }
            "" => {
                expected = false;
                actual.push('\n');
            }
            _ if expected => {}
            line => {
                let _ = writeln!(actual, "{line}");
                if line.starts_with("semaphores") {
                    stage = Some(Stage::new(line).unwrap_or_else(|why| fail(why)));
                } else if !line.starts_with('#') {
                    let stage = stage.as_mut().unwrap_or_else(|| fail("no semaphores".into()));
                    said.push(stage.act(line).unwrap_or_else(|why| fail(why)));
                }
            }
        }
    }
    assert!(said.is_empty(), "{}: the last step has no ----", path.display());
    actual
}

/// An engine with a clock that only moves when the script says so.
struct Stage {
    engine: Engine,
    now: Time,
}

impl Stage {
    fn new(settings: &str) -> Result<Self, String> {
        Ok(Self { engine: Engine::new(parse_settings(settings)?), now: Time::default() })
    }

    fn act(&mut self, line: &str) -> Result<String, String> {
        let said = match line.split_once(' ') {
            None if line == "state" => write_state(&self.engine),
            Some(("advance", span)) => self.advance(parse_span(span)?),
            // The clock moves, and nobody tells the engine: its timer is late.
            Some(("sleep", span)) => {
                self.now = self.now.after(parse_span(span)?);
                "asleep".to_owned()
            }
            _ => write_outcome(&self.engine.apply(self.now, &parse_command(line)?)),
        };
        self.engine.check()?;
        Ok(said)
    }

    /// Lets time pass as the runtime does: the engine is told at each of its deadlines.
    fn advance(&mut self, span: Span) -> String {
        let end = self.now.after(span);
        let mut said = String::new();
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let outcome = write_outcome(&self.engine.apply(self.now, &Command::Expire));
            let _ = writeln!(said, "at {}: {outcome}", self.now.since(Time::default()));
        }
        self.now = end;
        let _ = write!(said, "it is {}", self.now.since(Time::default()));
        said
    }
}
