//! Why a command did not do what it was asked to: text for people, and an exit code.

/// Why it was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server said no, or somebody who was asked did.
    Refused(String),
    /// The server said no, because somebody holds it or waits for it.
    InUse(String),
    /// The arguments make no sense as they are.
    Usage(String),
    /// Trouble with the server, or on the way to it.
    Trouble(String),
    /// Nobody reads what is written.
    Unread,
}

impl Failure {
    /// The code that the process should exit with.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            // As with `| head`: whoever does not read on has what it wants.
            Self::Unread => 0,
            Self::Refused(_) | Self::InUse(_) => 1,
            Self::Usage(_) => 2,
            Self::Trouble(_) => 125,
        }
    }

    /// What to tell people. It may hold texts of others.
    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Self::Refused(message)
            | Self::InUse(message)
            | Self::Usage(message)
            | Self::Trouble(message) => Some(message),
            Self::Unread => None,
        }
    }
}
