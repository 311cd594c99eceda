//! What systems do differently about processes: groups, signals, terminals.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use other::{Group, Signal, Signals, host_name};
#[cfg(unix)]
pub(super) use unix::{Group, Signal, Signals, host_name};

/// How a command has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this code.
    Exited(i32),
    /// By the signal with this number.
    Signalled(i32),
}

impl Ended {
    /// As shells have it.
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Exited(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
            Self::Signalled(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
        }
    }
}
