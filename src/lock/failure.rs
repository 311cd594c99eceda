//! Why the command was not run, or not to its end, and what can be done about it: one line for people, and an exit code.

use std::ffi::OsStr;
use std::io;
use std::time::Duration;

use crate::client::{Code, Error, Lost, Refused};

/// Why the command was not run, or not to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// Not acquired in time.
    Timeout(String),
    /// Trouble with the server, or with this machine.
    Trouble(String),
    /// The lease was lost, and the command ended.
    Lost(String),
    /// A signal has ended the wait.
    Signalled(u8),
    /// The command is there and cannot be run.
    NotRunnable(String),
    /// There is no such command.
    NotFound(String),
}

impl Failure {
    /// The code that the process should exit with.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Timeout(_) => 124,
            Self::Trouble(_) | Self::Lost(_) => 125,
            Self::NotRunnable(_) => 126,
            Self::NotFound(_) => 127,
            Self::Signalled(number) => number.saturating_add(128),
        }
    }

    /// What to tell people.
    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Self::Timeout(message)
            | Self::Trouble(message)
            | Self::Lost(message)
            | Self::NotRunnable(message)
            | Self::NotFound(message) => Some(message),
            // Whoever has sent it knows.
            Self::Signalled(_) => None,
        }
    }

    /// The system does not let it do something.
    pub(super) fn system(what: &str, error: &io::Error) -> Self {
        Self::Trouble(format!("cannot {what}: {error}"))
    }

    /// The command cannot be started.
    pub(super) fn command(command: &OsStr, error: &io::Error) -> Self {
        let message = format!("cannot run {}: {error}", command.display());
        if error.kind() == io::ErrorKind::NotFound {
            return Self::NotFound(message);
        }
        Self::NotRunnable(message)
    }

    /// The lease was lost.
    pub(super) fn lost(lost: &Lost, names: &str) -> Self {
        Self::Lost(format!("lost {names}, so that the command was ended: {lost}"))
    }

    /// Not acquired in time; `standing` tells how far it was.
    pub(super) fn timeout(names: &str, timeout: Duration, standing: &str) -> Self {
        let timeout = humantime::format_duration(timeout);
        Self::Timeout(format!(
            "did not get {names} within {timeout}{standing}; --timeout waits longer"
        ))
    }

    /// The client has failed.
    pub(super) fn client(error: &Error, server: &str) -> Self {
        let message = match error {
            Error::Connect { reason, .. } if reason.starts_with("TLS: ") => {
                format!("{error}; --ca or THROTTLE_CA name a file with certificates to trust")
            }
            Error::Connect { .. } => {
                format!("{error}; is a server there? --server or THROTTLE_SERVER name another one")
            }
            Error::Address { .. } => {
                format!("{error}; --server or THROTTLE_SERVER name another one")
            }
            Error::Tls { .. } => {
                format!("{error}; --ca or THROTTLE_CA name a file with certificates to trust")
            }
            Error::Refused(refused) => refusal(refused, server),
            Error::Timeout { .. }
            | Error::Busy { .. }
            | Error::NotABucket { .. }
            | Error::NotHeld { .. }
            | Error::DeclaredOtherwise { .. }
            | Error::Disconnected { .. }
            | Error::Closed { .. }
            | Error::Ended
            | Error::Lost(_)
            | Error::InvalidWant(_)
            | Error::AlreadyPending
            | Error::AlreadyHeld { .. }
            | Error::Protocol(_) => format!("{server}: {error}"),
        };
        Self::Trouble(message)
    }
}

fn refusal(refused: &Refused, server: &str) -> String {
    let explanation = &refused.explanation;
    let name = explanation.semaphore.as_deref().unwrap_or_default();
    match (&refused.code, explanation.max, explanation.max_ms) {
        (Code::UnknownSemaphore, _, _) if !name.is_empty() => {
            let hint = if is_miscounted(name) { " (a count is digits alone)" } else { "" };
            format!(
                "{server} has no semaphore {name:?}{hint}: add it to the server's configuration"
            )
        }
        (Code::Never, Some(max), _) => {
            format!("there is never more than {max} of {name:?}: ask for less")
        }
        (Code::LimitExceeded, _, Some(max)) => {
            format!("{server} lets nobody have that much time: {} at most", days(max))
        }
        (Code::Unauthorized, _, _) => {
            format!(
                "{server} lets nobody in without a token that it knows: --token-file or THROTTLE_TOKEN"
            )
        }
        (Code::Forbidden, _, _) => {
            format!(
                "{server} refuses: {refused}; --token-file or THROTTLE_TOKEN show another token"
            )
        }
        (_, _, _) => format!("{server} refuses: {refused}"),
    }
}

/// Whether somebody may have meant a count: what follows the last `=` is part of the name if it is none.
fn is_miscounted(name: &str) -> bool {
    let count = name.rsplit_once('=').map(|(_, count)| count);
    count.is_some_and(|count| !count.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whole days as such: in months and years they would be unreadable.
fn days(millis: u64) -> String {
    const DAY: u64 = 86_400_000;
    if millis >= DAY && millis.is_multiple_of(DAY) {
        return format!("{} days", millis / DAY);
    }
    humantime::format_duration(Duration::from_millis(millis)).to_string()
}
