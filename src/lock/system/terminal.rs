//! The terminal. The command's group is in its background, until the command wants to read from it or to set it: then
//! the system stops the command, and the terminal is handed over. So a command that does not need the terminal leaves it
//! to the others in its pipeline.

use std::fs::File;

use nix::sys::signal::{SigSet, Signal, raise};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// The terminal that controls this process.
#[derive(Debug)]
pub(super) struct Terminal {
    file: File,
    handed_over: bool,
}

impl Terminal {
    /// `None`: nothing controls this process.
    pub(super) fn open() -> Option<Self> {
        Some(Self { file: File::open("/dev/tty").ok()?, handed_over: false })
    }

    /// Puts a group into the foreground. `false`: it is not this process's to give, because it is in the background.
    pub(super) fn hand_over(&mut self, group: Pid) -> bool {
        let mine = tcgetpgrp(&self.file) == Ok(getpgrp());
        // It may have had it all the time, and been stopped just before.
        let has_it = self.handed_over && tcgetpgrp(&self.file) == Ok(group);
        self.handed_over = has_it || (mine && self.put_into_the_foreground(group));
        self.handed_over
    }

    /// Whether it was handed over before.
    pub(super) fn take_back(&mut self) -> bool {
        let had_it = std::mem::take(&mut self.handed_over);
        if had_it {
            self.put_into_the_foreground(getpgrp());
        }
        had_it
    }

    /// Whoever is in the background is stopped for that, unless it blocks the signal.
    fn put_into_the_foreground(&self, group: Pid) -> bool {
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGTTOU);
        let before = SigSet::thread_get_mask();
        let done = blocked.thread_block().is_ok() && tcsetpgrp(&self.file, group).is_ok();
        let _ = before.and_then(|before| before.thread_set_mask());
        done
    }
}

/// Stops this process, as the shell that has started it expects it, until it is continued.
pub(super) fn stop_this_process() {
    let _ = raise(Signal::SIGSTOP);
}
