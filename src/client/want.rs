//! What is asked for: semaphores with counts.

use std::ops::RangeInclusive;

use super::error::Error;

/// What is asked for: names of semaphores, each with a count. All of it is granted, or nothing.
///
/// ```
/// use throttle::client::Want;
///
/// let one: Want = "A".into();
/// assert_eq!(one, Want::from(("A", 1)));
/// let several = Want::from([("A", 2), ("db", 1)]);
/// assert_eq!(several.iter().collect::<Vec<_>>(), [("A", 2), ("db", 1)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want(Vec<(String, u32)>);

impl Want {
    /// The names with their counts, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.binary_search_by(|(it, _)| it.as_str().cmp(name)).is_ok()
    }

    /// The server checks the rest. But a message with a name that cannot be one would not be handled at all, not even
    /// if it is one that gives something back.
    pub(super) fn check(&self) -> Result<(), Error> {
        const BYTES: RangeInclusive<usize> = 1..=128;
        if self.0.is_empty() {
            return Err(Error::InvalidWant("a want must name a semaphore"));
        }
        if self.0.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::InvalidWant("a want must not name a semaphore twice"));
        }
        let is_name = |name: &str| BYTES.contains(&name.len()) && !name.contains(char::is_control);
        if !self.names().all(is_name) {
            let message = "a semaphore's name has 1 to 128 bytes and no control characters";
            return Err(Error::InvalidWant(message));
        }
        Ok(())
    }
}

impl<N: Into<String>> FromIterator<(N, u32)> for Want {
    fn from_iter<I: IntoIterator<Item = (N, u32)>>(parts: I) -> Self {
        let mut parts: Vec<_> =
            parts.into_iter().map(|(name, count)| (name.into(), count)).collect();
        parts.sort();
        Self(parts)
    }
}

impl From<&str> for Want {
    fn from(name: &str) -> Self {
        Self::from((name, 1))
    }
}

impl From<String> for Want {
    fn from(name: String) -> Self {
        Self::from((name, 1))
    }
}

impl<N: Into<String>> From<(N, u32)> for Want {
    fn from((name, count): (N, u32)) -> Self {
        Self(vec![(name.into(), count)])
    }
}

impl<N: Into<String>, const PARTS: usize> From<[(N, u32); PARTS]> for Want {
    fn from(parts: [(N, u32); PARTS]) -> Self {
        parts.into_iter().collect()
    }
}

impl<N: Into<String>> From<Vec<(N, u32)>> for Want {
    fn from(parts: Vec<(N, u32)>) -> Self {
        parts.into_iter().collect()
    }
}
