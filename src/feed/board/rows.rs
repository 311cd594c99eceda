//! The rows of a text, which are its end: as many as fit into one part, and later those behind them.
//!
//! A snapshot that takes a while to be taken is not of one moment: each row is as it is when it is written. Nothing is
//! missed by that, because whatever changes meanwhile is newer than what the watcher counts as seen.

use std::iter::Peekable;
use std::ops::Bound;

use super::{Board, Names, Shown};
use crate::engine::SemaphoreName;

/// A part that has grown to this is full. One row more still fits into 64 KiB.
const PART_BYTES: usize = 60 * 1024;

/// Rows that have not been written yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct More {
    /// Rows of this version and of older ones are known to the watcher.
    seen: u64,
    /// Newer ones are left to the next text, which says what is gone, too.
    newest: u64,
    /// The last name that was written. They are in their order.
    after: SemaphoreName,
}

impl Board {
    /// Adds the field with the rows, unless there are none. Returns which come behind them; only a watcher of some
    /// names, who has few, is always told all of them at once.
    pub(super) fn write_rows(
        &self,
        body: &mut String,
        seen: u64,
        newest: u64,
        names: Option<&Names>,
    ) -> Option<More> {
        let rows = self.rows.iter().filter(|(_, row)| row.version > seen);
        let rows = rows.filter(|(name, _)| names.is_none_or(|names| names.contains(*name)));
        let mut rows = rows.peekable();
        rows.peek()?;
        body.push_str(",\"semaphores\":{");
        let most = if names.is_some() { usize::MAX } else { PART_BYTES };
        let after = add(body, rows, most)?;
        Some(More { seen, newest, after })
    }

    /// The next part of a text, and what comes behind it.
    pub(in crate::feed) fn part(&self, more: &More) -> (String, Option<More>) {
        let More { seen, newest, after } = more;
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let rows = self.rows.range::<SemaphoreName, _>(behind);
        let mut rows =
            rows.filter(|(_, row)| (seen + 1..=*newest).contains(&row.version)).peekable();
        let mut part = String::new();
        if rows.peek().is_some() {
            part.reserve(PART_BYTES + 1024);
            part.push(',');
        }
        let after = add(&mut part, rows, PART_BYTES);
        (part, after.map(|after| More { after, ..*more }))
    }
}

/// Adds rows with commas between them, and the brace behind the last one; or returns the name of the last one that
/// found room.
fn add<'a>(
    text: &mut String,
    mut rows: Peekable<impl Iterator<Item = (&'a SemaphoreName, &'a Shown)>>,
    most: usize,
) -> Option<SemaphoreName> {
    while let Some((name, row)) = rows.next() {
        text.push_str(&row.json);
        if rows.peek().is_none() {
            break;
        }
        if text.len() >= most {
            return Some(name.clone());
        }
        text.push(',');
    }
    text.push('}');
    None
}

#[cfg(test)]
mod tests;
