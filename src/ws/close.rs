//! Why a session ends, as the close code on the wire says it.

/// A close code, as far as the server sends it by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The bytes are no WebSocket frames.
    ProtocolError,
    /// A binary frame.
    Binary,
    /// A text frame that is not UTF-8.
    NotUtf8,
    /// A frame or a message that is larger than allowed.
    TooLarge,
    /// The server has failed.
    Internal,
    /// The server is going away; another one will be there.
    Restarting,
    /// The client does not read what it is sent.
    TooSlow,
    /// One unreadable message after the other.
    BadMessages,
    /// No token, or one that is not known.
    Unauthorized,
    /// No `hello` in time, or nothing was heard for too long.
    Silent,
    /// There are as many sessions as there may be.
    TooMany,
}

impl Close {
    /// The number on the wire.
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::ProtocolError => 1002,
            Self::Binary => 1003,
            Self::NotUtf8 => 1007,
            Self::TooLarge => 1009,
            Self::Internal => 1011,
            Self::Restarting => 1012,
            Self::TooSlow => 1013,
            Self::BadMessages => 4400,
            Self::Unauthorized => 4401,
            Self::Silent => 4408,
            Self::TooMany => 4429,
        }
    }

    /// What people are told. At most 123 bytes.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::ProtocolError => "not a WebSocket frame",
            Self::Binary => "messages are text frames",
            Self::NotUtf8 => "text frames must be UTF-8",
            Self::TooLarge => "the message is too large",
            Self::Internal => "internal error",
            Self::Restarting => "the server is going away, reconnect",
            Self::TooSlow => "too much was waiting to be read",
            Self::BadMessages => "too many unreadable messages in a row",
            Self::Unauthorized => "a token is needed that is known here",
            Self::Silent => "nothing was heard in time",
            Self::TooMany => "there are too many sessions, come again later",
        }
    }
}
