//! What a peer that lives on a connection brings along: the connection, the secret to come back with, who it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::hint::black_box;
use std::sync::Arc;

use super::ids::ConnectionId;

/// Longest label, in bytes of UTF-8.
pub const MAX_LABEL_BYTES: usize = 128;

/// A peer on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// What keeps the peer alive.
    pub connection: ConnectionId,
    /// Whoever has it may bind the peer to another connection.
    pub key: Key,
    /// Who the peer is. On a peer that has one already, `None` leaves it.
    pub label: Option<Label>,
    /// What becomes of the peer when the connection is gone.
    pub on_disconnect: OnDisconnect,
}

/// What becomes of a peer when its connection is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnDisconnect {
    /// Its time to live starts to run: until then it can be resumed.
    #[default]
    Expire,
    /// It is closed at once.
    Release,
}

/// A peer's secret. It is not shown by `Debug`, and comparing two takes the same time wherever they differ.
#[derive(Clone, Copy, Eq)]
pub struct Key(u128);

impl Key {
    /// A key of these bits; they must be random.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits, for the one who owns the peer.
    pub const fn secret(self) -> u128 {
        self.0
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        black_box(self.0 ^ other.0) == 0
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Who a peer is, for operators: 1 to [`MAX_LABEL_BYTES`] bytes, any characters but control characters.
///
/// Cheap to clone: it is shared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<str>);

/// Why a text is not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// It has no characters.
    #[error("a label must not be empty")]
    Empty,
    /// It has more than [`MAX_LABEL_BYTES`] bytes.
    #[error("a label has at most {MAX_LABEL_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    /// It has a control character in it.
    #[error("a label must not contain control characters, this one has {0:?}")]
    Control(char),
}

impl Label {
    /// Checks a label.
    ///
    /// # Errors
    /// [`InvalidLabel`] when it is empty, too long, or has control characters.
    pub fn new(label: &str) -> Result<Self, InvalidLabel> {
        if label.is_empty() {
            return Err(InvalidLabel::Empty);
        }
        if label.len() > MAX_LABEL_BYTES {
            return Err(InvalidLabel::TooLong(label.len()));
        }
        match label.chars().find(|c| c.is_control()) {
            Some(control) => Err(InvalidLabel::Control(control)),
            None => Ok(Self(label.into())),
        }
    }

    /// The plain text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// In quotes and escaped: fit for logs and messages, whatever the label holds.
impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_checked() {
        assert_eq!(Label::new("worker 7/3").unwrap().as_str(), "worker 7/3");
        assert_eq!(Label::new(""), Err(InvalidLabel::Empty));
        assert_eq!(Label::new("a\u{1b}[2J"), Err(InvalidLabel::Control('\u{1b}')));
        assert!(Label::new(&"x".repeat(128)).is_ok());
        assert_eq!(Label::new(&"x".repeat(129)), Err(InvalidLabel::TooLong(129)));
    }

    #[test]
    fn keys_are_compared_but_not_shown() {
        let key = Key::new(1 << 127 | 5);
        assert_eq!(key, Key::new(1 << 127 | 5));
        assert_ne!(key, Key::new(5));
        assert_ne!(key, Key::new(1 << 127 | 4));
        assert_eq!(format!("{key:?}"), "Key(..)");
    }
}
