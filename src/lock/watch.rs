//! Looks after the command: passes signals on, and ends it before the server can give its locks to others.
//!
//! It is plain code in the main thread, which sleeps no longer than the lease lasts. It writes nothing before the
//! command has ended: a standard error stream that nobody reads must not keep it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::failure::Failure;
use super::system::{Ended, Group, Signal};
use super::waiting;
use crate::cli::Lock;
use crate::client::{Deadline, Lease, Lost};

/// A machine that was asleep, or a clock that runs elsewhere, is noticed so soon.
const GLANCE: Duration = Duration::from_secs(1);

/// While it is being ended, it is looked at so often.
const NAP: Duration = Duration::from_millis(20);

/// How long it may take until what was killed is gone.
const UNTIL_BURIED: Duration = Duration::from_secs(2);

/// What happens while the command runs.
#[derive(Debug)]
pub(super) enum Event {
    /// This process was sent a signal.
    Signal(Signal),
    /// The command was stopped.
    Stopped(Signal),
    /// The command has ended.
    Ended(Ended),
    /// It is time to look at the lease.
    Lost,
}

/// The command is being ended.
struct Ending {
    /// Why, and when others may have the locks.
    lost: Lost,
    kill_at: Deadline,
    killed: bool,
}

/// Returns the command's exit code.
pub(super) fn until_it_ends(
    lease: &Lease,
    arguments: &Lock,
    mut group: Group,
    inbox: &Receiver<Event>,
) -> Result<u8, Failure> {
    let mut ending = None;
    let ended = loop {
        if ending.is_none() {
            ending = begin_to_end(lease, arguments, &group);
        }
        if let Some(ending) = &mut ending {
            kill_in_time(ending, &group);
        }
        match inbox.recv_timeout(nap(lease, ending.is_some())) {
            Ok(Event::Ended(ended)) => break ended,
            Ok(Event::Signal(signal)) => group.pass_on(signal),
            Ok(Event::Stopped(signal)) if ending.is_none() => {
                group.stopped(signal, || !lease.is_lost());
            }
            Ok(Event::Stopped(_) | Event::Lost) | Err(RecvTimeoutError::Timeout) => {}
            // Whoever waits for the end of the command has failed.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(NAP),
        }
    };
    group.take_back_the_terminal();
    // If it has ended by itself while nobody else could have the locks, nothing was lost.
    let ending = ending.or_else(|| begin_to_end(lease, arguments, &group).filter(Ending::is_late));
    match ending {
        None => Ok(ended.exit_code()),
        Some(mut ending) => {
            bury(&mut ending, &group);
            Err(Failure::lost(&ending.lost, &waiting::names(arguments)))
        }
    }
}

/// If the lease is lost, the group is asked to end.
fn begin_to_end(lease: &Lease, arguments: &Lock, group: &Group) -> Option<Ending> {
    if !lease.is_lost() {
        return None;
    }
    let lost = lease.lost_already()?;
    let kill_at = kill_at(lost.deadline, arguments.expires_in);
    if !kill_at.has_passed() {
        group.terminate();
    }
    Some(Ending { lost, kill_at, killed: false })
}

/// Half of what is left after the lease was lost is for the command to end, the other half for the system to end it.
fn kill_at(deadline: Deadline, expires_in: Duration) -> Deadline {
    deadline.earlier_by(expires_in / 6)
}

impl Ending {
    fn is_late(&self) -> bool {
        self.lost.deadline.has_passed()
    }
}

fn kill_in_time(ending: &mut Ending, group: &Group) {
    if !ending.killed && ending.kill_at.has_passed() {
        group.kill();
        ending.killed = true;
    }
}

fn nap(lease: &Lease, ending: bool) -> Duration {
    if ending { NAP } else { lease.lost_at().remaining().clamp(Duration::from_millis(1), GLANCE) }
}

/// The command has ended; what it has started may not have.
fn bury(ending: &mut Ending, group: &Group) {
    let mut naps = 0;
    while !group.is_gone() && NAP * naps < UNTIL_BURIED {
        kill_in_time(ending, group);
        naps += u32::from(ending.killed);
        std::thread::sleep(NAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_killed_long_before_others_may_have_the_lock() {
        let deadline = Deadline::after(Duration::from_secs(60));
        let kill_at = kill_at(deadline, Duration::from_secs(60));
        assert_eq!(kill_at, deadline.earlier_by(Duration::from_secs(10)));
        assert!(kill_at.remaining() <= Duration::from_secs(50));
    }
}
