//! Where there are no process groups and no signals: the command alone is ended, and at once.

use std::ffi::OsString;
use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Ended;
use crate::lock::environment::Environment;
use crate::lock::failure::Failure;
use crate::lock::watch::Event;

/// How often it is looked whether the command has ended.
const NAP: Duration = Duration::from_millis(20);

/// The name of this machine.
pub(in crate::lock) fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "?".to_owned())
}

/// What interrupts: only Ctrl+C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lock) struct Signal;

/// Receives Ctrl+C. The command gets it from the console, too.
#[derive(Debug)]
pub(in crate::lock) struct Signals;

impl Signals {
    #[allow(clippy::unnecessary_wraps, reason = "other systems may refuse")]
    pub(in crate::lock) const fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(in crate::lock) async fn ending(&mut self) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }

    pub(in crate::lock) async fn pass_on(self, events: Sender<Event>) {
        while tokio::signal::ctrl_c().await.is_ok() {
            if events.send(Event::Signal(Signal)).is_err() {
                return;
            }
        }
    }
}

/// The command.
#[derive(Debug)]
pub(in crate::lock) struct Group(Arc<Mutex<Child>>);

impl Group {
    pub(in crate::lock) fn start(
        words: &[OsString],
        environment: &Environment,
        events: &Sender<Event>,
    ) -> Result<Self, Failure> {
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| Failure::Trouble("there is no command".to_owned()))?;
        let mut command = Command::new(program);
        environment.tell(command.args(arguments));
        let child = command.spawn().map_err(|error| Failure::command(program, &error))?;
        let group = Self(Arc::new(Mutex::new(child)));
        let (child, events) = (Arc::clone(&group.0), events.clone());
        thread::spawn(move || follow(&child, &events));
        Ok(group)
    }

    pub(in crate::lock) fn terminate(&self) {
        self.kill();
    }

    pub(in crate::lock) fn kill(&self) {
        // Whoever is gone does not mind.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    pub(in crate::lock) const fn is_gone(&self) -> bool {
        true
    }

    /// The console has told the command already.
    pub(in crate::lock) const fn pass_on(&self, _: Signal) {}

    pub(in crate::lock) fn stopped(&mut self, _: Signal, _: impl FnOnce() -> bool) {}

    pub(in crate::lock) const fn take_back_the_terminal(&mut self) {}
}

fn follow(child: &Mutex<Child>, events: &Sender<Event>) {
    loop {
        let ended = child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
        if let Ok(None) = ended {
            thread::sleep(NAP);
            continue;
        }
        let code = ended.ok().flatten().and_then(|status| status.code()).unwrap_or(1);
        // Nobody need know any more when it is over.
        let _ = events.send(Event::Ended(Ended::Exited(code)));
        return;
    }
}
