//! Names that stand for many: each key that fits `tenant/*` is a semaphore of its own, made when it is first used.

use slab::Slab;

use super::ids::{Count, Level};
use super::operation::SemaphoreState;
use super::settings::SemaphoreSettings;
use super::text::SemaphoreName;

/// Stands for all that clients declare. No client can ask for it, and no pattern is called so: it has no star.
pub const DECLARED: &str = "[dynamic]";

/// Where a pattern is stored. Valid until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PatternIndex(usize);

/// One pattern, and what there is of its keys together.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) settings: SemaphoreSettings,
    pub(super) paused: bool,
    pub(super) sums: Sums,
}

impl Pattern {
    pub(super) fn state(&self) -> SemaphoreState {
        self.settings.state(self.paused)
    }

    pub(super) fn turn_into(&mut self, to: SemaphoreState) {
        let SemaphoreState { max, level, paused, rate, manners } = to;
        let name = self.settings.name.clone();
        self.settings = SemaphoreSettings { name, max, level, rate, manners };
        self.paused = paused;
    }
}

/// What there is of several semaphores together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) keys: usize,
    pub(super) held: u64,
    pub(super) delayed: u64,
    pub(super) holders: usize,
    pub(super) pending: u64,
    pub(super) waiters: usize,
}

/// All patterns.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    all: Slab<Pattern>,
    /// The most specific first.
    order: Vec<PatternIndex>,
    /// What is declared by clients counts as the keys of this one.
    declared: Option<PatternIndex>,
}

impl Patterns {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Lets clients declare names.
    pub(super) fn allow_declared(&mut self) {
        if let Ok(name) = SemaphoreName::new(DECLARED)
            && self.declared.is_none()
        {
            let settings = SemaphoreSettings::semaphore(name, Count::ZERO, Level(0));
            let pattern = Pattern { settings, paused: false, sums: Sums::default() };
            self.declared = Some(PatternIndex(self.all.insert(pattern)));
        }
    }

    /// Of which pattern those are keys that clients declare. `None`: they may not.
    pub(super) const fn declared(&self) -> Option<PatternIndex> {
        self.declared
    }

    /// Adds a pattern whose name is not taken.
    pub(super) fn add(&mut self, settings: SemaphoreSettings) -> PatternIndex {
        let rank = rank(&settings.name);
        let before = |index: &PatternIndex| self::rank(&self.get(*index).settings.name) < rank;
        let at = self.order.partition_point(before);
        let pattern = Pattern { settings, paused: false, sums: Sums::default() };
        let index = PatternIndex(self.all.insert(pattern));
        self.order.insert(at, index);
        index
    }

    /// Removes a pattern that has no keys.
    pub(super) fn remove(&mut self, index: PatternIndex) {
        self.all.remove(index.0);
        self.order.retain(|other| *other != index);
    }

    pub(super) fn get(&self, index: PatternIndex) -> &Pattern {
        &self.all[index.0]
    }

    pub(super) fn get_mut(&mut self, index: PatternIndex) -> &mut Pattern {
        &mut self.all[index.0]
    }

    /// The pattern that is called so.
    pub(super) fn named(&self, name: &SemaphoreName) -> Option<PatternIndex> {
        if name.is_pattern() { self.find(name.as_str()) } else { None }
    }

    /// The row that is called so: a pattern, or what stands for all that is declared.
    pub(super) fn find(&self, name: &str) -> Option<PatternIndex> {
        let mut order = self.order.iter().chain(&self.declared);
        order.find(|index| self.get(**index).settings.name.as_str() == name).copied()
    }

    /// The most specific pattern that a key fits. What could be a pattern itself is no key.
    pub(super) fn of(&self, key: &SemaphoreName) -> Option<PatternIndex> {
        if key.is_pattern() {
            return None;
        }
        let fits =
            |index: &&PatternIndex| matches(self.get(**index).settings.name.as_str(), key.as_str());
        self.order.iter().find(fits).copied()
    }

    /// Whether a name could be used that nobody has listed.
    pub(super) fn could_be(&self, name: &SemaphoreName) -> bool {
        self.of(name).is_some() || (self.declared.is_some() && !name.is_pattern())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Pattern> {
        self.order.iter().chain(&self.declared).map(|index| self.get(*index))
    }
}

/// Of these patterns, the one that counts for a name.
pub fn most_specific<'a>(
    patterns: impl Iterator<Item = &'a SemaphoreName>,
    key: &SemaphoreName,
) -> Option<&'a SemaphoreName> {
    let fitting = patterns.filter(|pattern| matches(pattern.as_str(), key.as_str()));
    fitting.min_by_key(|pattern| rank(pattern))
}

/// The more of a pattern is spelt out, the more specific it is; then, the fewer stars it has. The name decides what is
/// left to be decided.
fn rank(name: &SemaphoreName) -> (std::cmp::Reverse<usize>, usize, SemaphoreName) {
    let stars = name.as_str().matches('*').count();
    let spelt_out = name.as_str().chars().count() - stars;
    (std::cmp::Reverse(spelt_out), stars, name.clone())
}

/// Whether a name fits a pattern: a `*` stands for one or more characters, but for no `/`.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut names) = (pattern.split('/'), name.split('/'));
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) if segment_matches(pattern, name) => {}
            (Some(_), _) | (None, Some(_)) => return false,
        }
    }
}

/// Each `*` takes as little as it can: what is found first is as good as what is found later, but for the end.
fn segment_matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        // One character at least is the star's.
        let Some(first) = left.chars().next() else { return false };
        let taken = &left[first.len_utf8()..];
        if parts.peek().is_none() {
            return taken.ends_with(part);
        }
        let Some(at) = taken.find(part) else { return false };
        left = &taken[at + part.len()..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_something_within_a_segment() {
        let fits = [
            ("tenant/*", "tenant/7"),
            ("tenant/*/api", "tenant/é/api"),
            ("*", "anything at all"),
            ("a*b*c", "a1b2c"),
            ("a*b*c", "abbbc"),
            ("a*b", "aab"),
            ("**", "ab"),
            ("x*x", "xxx"),
        ];
        for (pattern, name) in fits {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        let does_not = [
            ("tenant/*", "tenant/"),
            ("tenant/*", "tenant/7/api"),
            ("tenant/*", "tenants/7"),
            ("tenant/*/api", "tenant//api"),
            ("*", "a/b"),
            ("*", ""),
            ("**", "a"),
            ("x*x", "xx"),
            ("a*b*c", "abc"),
            ("A*", "ab"),
        ];
        for (pattern, name) in does_not {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn the_most_specific_pattern_counts() {
        let mut patterns = Patterns::default();
        let name = |text: &str| SemaphoreName::new(text).unwrap();
        for text in ["*/*", "tenant/*", "*/7", "tenant/big-*", "tenant/*-*"] {
            let one = Count::new(1).unwrap();
            patterns.add(SemaphoreSettings::semaphore(name(text), one, Level(0)));
        }
        let of = |key: &str| {
            let index = patterns.of(&name(key))?;
            Some(patterns.get(index).settings.name.as_str())
        };
        assert_eq!(of("tenant/big-7"), Some("tenant/big-*"));
        assert_eq!(of("tenant/7-7"), Some("tenant/*-*"));
        assert_eq!(of("tenant/7"), Some("tenant/*"));
        assert_eq!(of("other/7"), Some("*/7"));
        assert_eq!(of("other/8"), Some("*/*"));
        assert_eq!(of("other"), None);
        assert_eq!(of("tenant/*"), None, "a pattern is no key");
        let gone = patterns.find("tenant/*").unwrap();
        patterns.remove(gone);
        assert_eq!((patterns.len(), patterns.find("tenant/*")), (4, None));
        assert_eq!(patterns.of(&name("tenant/7")), patterns.find("*/7"));
    }
}
