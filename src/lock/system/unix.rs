//! Process groups and signals. The command is the leader of a group of its own, so that all of it can be ended.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc::Sender;
use std::thread;

use nix::errno::Errno;
pub(in crate::lock) use nix::sys::signal::Signal;
use nix::sys::signal::killpg;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, gethostname};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::mpsc;

use super::Ended;
use super::terminal::{self, Terminal};
use crate::lock::environment::Environment;
use crate::lock::failure::Failure;
use crate::lock::watch::Event;

/// Signals that end a wait, and are passed on to a command.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// Signals that are passed on to a command.
const PASSED_ON: [Signal; 3] = [Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGTSTP];

/// The name of this machine.
pub(in crate::lock) fn host_name() -> String {
    gethostname().map_or_else(|_| "?".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Receives signals from when it is made. They do not end the process by themselves any more.
#[derive(Debug)]
pub(in crate::lock) struct Signals {
    received: mpsc::UnboundedReceiver<Signal>,
    receive: mpsc::UnboundedSender<Signal>,
}

impl Signals {
    pub(in crate::lock) fn new() -> io::Result<Self> {
        let (receive, received) = mpsc::unbounded_channel();
        let signals = Self { received, receive };
        signals.listen(&ENDING)?;
        Ok(signals)
    }

    /// The number of the next signal that ends a wait.
    pub(in crate::lock) async fn ending(&mut self) -> u8 {
        match self.received.recv().await {
            Some(signal) => u8::try_from(signal as i32).unwrap_or(u8::MAX),
            None => std::future::pending().await,
        }
    }

    /// Passes on all signals from now on, those too that mean nothing to a wait.
    pub(in crate::lock) fn pass_on(
        mut self,
        events: Sender<Event>,
    ) -> impl Future<Output = ()> + Send {
        // Without them they do what they always do.
        let _ = self.listen(&PASSED_ON);
        async move {
            while let Some(signal) = self.received.recv().await {
                if events.send(Event::Signal(signal)).is_err() {
                    return;
                }
            }
        }
    }

    /// Signals that were ignored when this process was started stay ignored, here and in the command: that is how
    /// `nohup` works, and the background of a shell without job control.
    fn listen(&self, signals: &[Signal]) -> io::Result<()> {
        let ignored = ignored();
        for number in signals {
            if ignored >> (*number as i32 - 1) & 1 == 0 {
                let stream = signal(SignalKind::from_raw(*number as i32))?;
                tokio::spawn(receive(stream, *number, self.receive.clone()));
            }
        }
        Ok(())
    }
}

async fn receive(mut stream: Stream, number: Signal, to: mpsc::UnboundedSender<Signal>) {
    while stream.recv().await.is_some() {
        if to.send(number).is_err() {
            return;
        }
    }
}

/// The set of signals that are ignored, as the system tells it; elsewhere than on Linux, none.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default()
}

/// The command, and all that it has started in its group.
#[derive(Debug)]
pub(in crate::lock) struct Group {
    leader: Pid,
    terminal: Option<Terminal>,
}

impl Group {
    /// Starts the command. What happens to it is told as events.
    pub(in crate::lock) fn start(
        words: &[OsString],
        environment: &Environment,
        events: &Sender<Event>,
    ) -> Result<Self, Failure> {
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| Failure::Trouble("there is no command".to_owned()))?;
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        environment.tell(&mut command);
        let child = command.spawn().map_err(|error| Failure::command(program, &error))?;
        // No process has a number that does not fit.
        let leader = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let events = events.clone();
        thread::spawn(move || follow(leader, &events));
        Ok(Self { leader, terminal: Terminal::open() })
    }

    /// Asks all of the group to end. What is stopped cannot hear that.
    pub(in crate::lock) fn terminate(&self) {
        self.send(Signal::SIGTERM);
        self.send(Signal::SIGCONT);
    }

    /// Ends all of the group.
    pub(in crate::lock) fn kill(&self) {
        self.send(Signal::SIGKILL);
    }

    /// Whether there is nobody left in the group.
    pub(in crate::lock) fn is_gone(&self) -> bool {
        killpg(self.leader, None) == Err(Errno::ESRCH)
    }

    /// This process was sent a signal that is meant for the command. What is stopped cannot hear that it should end.
    pub(in crate::lock) fn pass_on(&self, signal: Signal) {
        self.send(signal);
        if ENDING.contains(&signal) {
            self.send(Signal::SIGCONT);
        }
    }

    /// The command was stopped. With a terminal, so is this process, until somebody continues it; `go_on` says whether
    /// the command may go on then.
    pub(in crate::lock) fn stopped(&mut self, signal: Signal, go_on: impl FnOnce() -> bool) {
        let Some(terminal) = &mut self.terminal else { return };
        let wants_it = matches!(signal, Signal::SIGTTIN | Signal::SIGTTOU);
        if wants_it && terminal.hand_over(self.leader) {
            self.send(Signal::SIGCONT);
        } else if wants_it || signal == Signal::SIGTSTP {
            let had_it = terminal.take_back();
            terminal::stop_this_process();
            // Time has passed.
            if go_on() {
                if had_it {
                    terminal.hand_over(self.leader);
                }
                self.send(Signal::SIGCONT);
            }
        }
    }

    /// The command has ended.
    pub(in crate::lock) fn take_back_the_terminal(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.take_back();
        }
    }

    /// Whoever is gone does not mind.
    fn send(&self, signal: Signal) {
        let _ = killpg(self.leader, signal);
    }
}

/// Tells what happens to the command, until its end.
fn follow(leader: Pid, events: &Sender<Event>) {
    loop {
        let event = match waitpid(leader, Some(WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, code)) => Event::Ended(Ended::Exited(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => Event::Ended(Ended::Signalled(signal as i32)),
            Ok(WaitStatus::Stopped(_, signal)) => Event::Stopped(signal),
            Err(Errno::ECHILD) => Event::Ended(Ended::Exited(0)),
            Ok(_) | Err(_) => continue,
        };
        let last = matches!(event, Event::Ended(_));
        if events.send(event).is_err() || last {
            return;
        }
    }
}
