//! What a caller asks for: names with counts, each name once.

use smallvec::SmallVec;

use super::text::SemaphoreName;

/// Most names in one want.
pub const MAX_WANT_NAMES: usize = 64;

/// Names with counts, in the order of the names, each name once, at least one.
///
/// The counts are as the caller wrote them: whether they are in range is the engine's to say, because the
/// order of its checks is part of the interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Want(SmallVec<[(SemaphoreName, i64); 1]>);

/// Why names with counts are not a want.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWant {
    /// There is no name.
    #[error("a want must name at least one semaphore")]
    Empty,
    /// There are more than [`MAX_WANT_NAMES`] names.
    #[error("a want has at most {MAX_WANT_NAMES} names, this one has {0}")]
    TooMany(usize),
    /// A name stands there twice.
    #[error("semaphore {0:?} is named twice")]
    Twice(SemaphoreName),
}

impl Want {
    /// A want of one name.
    pub fn one(name: SemaphoreName, count: i64) -> Self {
        Self(SmallVec::from_buf([(name, count)]))
    }

    /// A want of all `items`, in any order.
    ///
    /// # Errors
    /// [`InvalidWant`] when there are none, too many, or a name twice.
    pub fn new(items: impl IntoIterator<Item = (SemaphoreName, i64)>) -> Result<Self, InvalidWant> {
        let want = Self::held(items)?;
        if want.0.len() > MAX_WANT_NAMES {
            return Err(InvalidWant::TooMany(want.0.len()));
        }
        Ok(want)
    }

    /// What a client says it holds. There is no limit on the names: lock by lock, it may have come to any number.
    ///
    /// # Errors
    /// [`InvalidWant`] when there are none, or a name twice.
    pub fn held(
        items: impl IntoIterator<Item = (SemaphoreName, i64)>,
    ) -> Result<Self, InvalidWant> {
        let mut items: SmallVec<[_; 1]> = items.into_iter().collect();
        items.sort_unstable();
        if items.is_empty() {
            return Err(InvalidWant::Empty);
        }
        match items.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(InvalidWant::Twice(pair[0].0.clone())),
            None => Ok(Self(items)),
        }
    }

    /// The names with their counts, ordered by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&SemaphoreName, i64)> {
        self.0.iter().map(|(name, count)| (name, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> SemaphoreName {
        SemaphoreName::new(name).unwrap()
    }

    #[test]
    fn a_want_names_each_semaphore_once_in_order() {
        let want = Want::new([(name("b"), 1), (name("a"), 2)]).unwrap();
        assert!(want.iter().eq([(&name("a"), 2), (&name("b"), 1)]));
        assert_eq!(Want::new([]), Err(InvalidWant::Empty));
        assert_eq!(Want::new([(name("a"), 1), (name("a"), 2)]), Err(InvalidWant::Twice(name("a"))));
        let many = (0..65).map(|i| (name(&i.to_string()), 1));
        assert_eq!(Want::new(many.clone()), Err(InvalidWant::TooMany(65)));
        assert_eq!(Want::held(many).unwrap().iter().len(), 65);
    }
}
