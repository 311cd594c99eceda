//! What a peer that lives on a connection brings along: the connection, the secret to come back with, who it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::hint::black_box;

use super::ids::ConnectionId;
use super::text::Label;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_but_not_shown() {
        let key = Key::new(1 << 127 | 5);
        assert_eq!(key, Key::new(1 << 127 | 5));
        assert_ne!(key, Key::new(5));
        assert_ne!(key, Key::new(1 << 127 | 4));
        assert_eq!(format!("{key:?}"), "Key(..)");
    }
}
