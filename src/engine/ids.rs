//! The engine's nouns that are only a number. Each is checked once, where it is made.

use std::fmt;
use std::str::FromStr;

/// Largest count of one lock, and largest `max` of a semaphore.
pub const MAX_COUNT: u32 = 1 << 31;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Identity of one WebSocket connection, as far as the engine needs it: to tell two apart.
    ConnectionId(u64)
);
number!(
    /// Identity of a ticket. Numbered by the engine in the order of arrival.
    TicketId(u64)
);
number!(
    /// The number of a grant. It only ever grows, over all semaphores, and stays below 2^53.
    Fence(u64)
);
number!(
    /// Place of a semaphore in the lock hierarchy: who holds locks may only acquire strictly lower levels.
    Level(i32)
);
number!(
    /// Tickets of a higher priority stand before those of a lower one. The default is 0.
    Priority(i8)
);

/// Identity of a peer. Chosen by whoever opens it; the engine refuses one that is taken.
///
/// There are two worlds of them, so that who calls over REST cannot name the peer of a session, whatever the
/// number. Written as `42` and `s42`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerId {
    /// Made over REST, where knowing the number is all that it takes.
    Rest(u64),
    /// Made on a connection, and controlled by that or by its key alone.
    Session(u64),
}

/// A text is not a peer's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a peer's id is a number, or `s` and a number")]
pub struct InvalidPeerId;

impl PeerId {
    /// The one before all others.
    pub(super) const FIRST: Self = Self::Rest(0);

    /// The number alone.
    pub const fn number(self) -> u64 {
        match self {
            Self::Rest(number) | Self::Session(number) => number,
        }
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rest(number) => write!(f, "{number}"),
            Self::Session(number) => write!(f, "s{number}"),
        }
    }
}

impl FromStr for PeerId {
    type Err = InvalidPeerId;

    fn from_str(text: &str) -> Result<Self, InvalidPeerId> {
        let (world, digits): (fn(u64) -> Self, _) = match text.strip_prefix('s') {
            Some(digits) => (Self::Session, digits),
            None => (Self::Rest, text),
        };
        // Otherwise `parse` would take a sign as well.
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(InvalidPeerId);
        }
        digits.parse().map(world).map_err(|_| InvalidPeerId)
    }
}

/// How much of a semaphore: 1 to [`MAX_COUNT`] in a lock, 0 to [`MAX_COUNT`] as a semaphore's maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(u32);

impl Count {
    /// None of it.
    pub(super) const ZERO: Self = Self(0);

    /// One of it.
    pub(super) const ONE: Self = Self(1);

    /// The count, when it is between 0 and [`MAX_COUNT`].
    pub fn new(count: i64) -> Option<Self> {
        u32::try_from(count).ok().filter(|count| *count <= MAX_COUNT).map(Self)
    }

    /// The plain number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_ids_are_of_two_worlds() {
        for (text, id) in [("42", PeerId::Rest(42)), ("s42", PeerId::Session(42))] {
            assert_eq!((text.parse(), id.to_string().as_str()), (Ok(id), text));
        }
        assert_ne!(PeerId::Rest(42), PeerId::Session(42));
        for text in ["", "s", "+1", "s+1", "-1", "S1", "ss1", "1s", " 1", "18446744073709551616"] {
            assert_eq!(text.parse::<PeerId>(), Err(InvalidPeerId), "{text:?}");
        }
    }

    #[test]
    fn counts_have_two_ends() {
        assert_eq!(Count::new(0).map(Count::get), Some(0));
        assert_eq!(Count::new(1 << 31).map(Count::get), Some(1 << 31));
        assert_eq!(Count::new((1 << 31) + 1), None);
        assert_eq!(Count::new(-1), None);
        assert_eq!(Count::new(i64::MAX), None);
    }
}
