//! The types of messages that clients send, and what each needs. What is not in the list is no message.

use crate::access::Access;

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ws) enum Kind {
    Acquire,
    Release,
    Hello,
    Open,
    Cancel,
    Close,
    Settle,
    Throttled,
    Ping,
    Watch,
    Unwatch,
    Inspect,
}

/// All of them, the most frequent first: it is searched.
const KINDS: [Kind; 12] = [
    Kind::Acquire,
    Kind::Release,
    Kind::Hello,
    Kind::Open,
    Kind::Cancel,
    Kind::Close,
    Kind::Settle,
    Kind::Throttled,
    Kind::Ping,
    Kind::Watch,
    Kind::Unwatch,
    Kind::Inspect,
];

/// The names of all types of messages that clients send, with what they need.
pub const MESSAGES: [(&str, Access); KINDS.len()] = messages();

impl Kind {
    /// The one that is called so on the wire.
    pub(super) fn named(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.name() == name)
    }

    /// What it is called on the wire.
    pub(in crate::ws) const fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Hello => "hello",
            Self::Open => "open",
            Self::Cancel => "cancel",
            Self::Close => "close",
            Self::Settle => "settle",
            Self::Throttled => "throttled",
            Self::Ping => "ping",
            Self::Watch => "watch",
            Self::Unwatch => "unwatch",
            Self::Inspect => "inspect",
        }
    }

    /// What it needs. Whether the session has begun is another matter.
    pub(in crate::ws) const fn access(self) -> Access {
        match self {
            Self::Hello => Access::Session,
            Self::Ping | Self::Watch | Self::Unwatch | Self::Inspect => Access::Observe,
            Self::Acquire
            | Self::Release
            | Self::Open
            | Self::Cancel
            | Self::Close
            | Self::Settle
            | Self::Throttled => Access::Lease,
        }
    }
}

const fn messages() -> [(&'static str, Access); KINDS.len()] {
    let mut messages = [("", Access::Operate); KINDS.len()];
    let mut at = 0;
    while at < KINDS.len() {
        messages[at] = (KINDS[at].name(), KINDS[at].access());
        at += 1;
    }
    messages
}
