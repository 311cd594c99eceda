//! What the sections `[semaphores]` and `[buckets]` have in common: names, each with what is written about it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::document::Walk;
use super::input::Input;
use super::problem::excerpt;
use crate::engine::{SemaphoreName, SemaphoreSettings};

/// Why nothing is called so.
pub const RESERVED: &str = "this name stands for all that clients declare";

/// A name with what is written about it.
pub(super) struct Entry<'a> {
    /// What it is, for problems.
    kind: &'static str,
    key: &'a Spanned<DeString<'a>>,
    /// `None`: nothing can be called so, which was reported.
    pub(super) name: Option<SemaphoreName>,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

/// Reads all entries of a section, in the order of their names. `read` may find problems, and then returns `None`; it is
/// called for bad names too, so that all problems are told at once.
pub(super) fn all(
    walk: &mut Walk<'_>,
    kind: &'static str,
    section: &DeTable<'_>,
    read: fn(&mut Walk<'_>, &Entry<'_>) -> Option<SemaphoreSettings>,
) -> Vec<SemaphoreSettings> {
    let mut found = Vec::new();
    for (key, value) in section {
        if !walk.is_broken(&value.span()) {
            let entry = Entry { kind, key, name: name(walk, kind, key), value };
            found.extend(read(walk, &entry));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn name(walk: &mut Walk<'_>, kind: &str, key: &Spanned<DeString<'_>>) -> Option<SemaphoreName> {
    let name = SemaphoreName::new(key.get_ref());
    if let Err(invalid) = &name {
        walk.problem(key.span(), format!("{kind} {}: {invalid}", excerpt(key.get_ref())));
    }
    if name.as_ref().is_ok_and(SemaphoreName::is_reserved) {
        walk.problem(key.span(), format!("{kind} {}: {RESERVED}", excerpt(key.get_ref())));
    }
    name.ok()
}

impl Entry<'_> {
    /// Reports that it is wrong as a whole.
    pub(super) fn problem(&self, walk: &mut Walk<'_>, what: &str) {
        self.problem_at(walk, self.key.span(), "", what);
    }

    /// Reports that the value is nothing of what is `expected`.
    pub(super) fn unexpected(&self, walk: &mut Walk<'_>, expected: impl std::fmt::Display) {
        let refused = Input::Toml(self.value.get_ref()).refused(expected);
        self.problem_at(walk, self.value.span(), "", &refused);
    }

    /// Reports what is wrong with the value of a key.
    pub(super) fn problem_at(
        &self,
        walk: &mut Walk<'_>,
        span: Range<usize>,
        key: &str,
        what: &str,
    ) {
        let separator = if key.is_empty() { "" } else { ", " };
        let (kind, name) = (self.kind, excerpt(self.key.get_ref()));
        walk.problem(span, format!("{kind} {name}{separator}{key}: {what}"));
    }
}
