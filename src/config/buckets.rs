//! The section `[buckets]`: `api = { capacity = 10, refill = 10, every = "60s" }`, a token bucket, or
//! `crawl = { min_interval = "3s" }`, a pacer.

use toml::de::{DeTable, DeValue};

use super::document::Walk;
use super::entry::{self, Entry};
use super::input::Input;
use crate::engine::{Count, MAX_COUNT, MAX_EVERY, MOST_RESERVED, SemaphoreSettings, Span, Terms};

pub(super) const KEYS: [&str; 6] =
    ["capacity", "every", "max_reserved", "min_interval", "refill", "slop"];

const EXPECTED: &str =
    "a table such as { capacity = 10, refill = 10, every = \"60s\" } or { min_interval = \"3s\" }";

/// Reads all buckets of the section, in the order of their names.
pub(super) fn read(walk: &mut Walk<'_>, section: &DeTable<'_>) -> Vec<SemaphoreSettings> {
    entry::all(walk, "bucket", section, bucket)
}

fn bucket(walk: &mut Walk<'_>, entry: &Entry<'_>) -> Option<SemaphoreSettings> {
    let DeValue::Table(table) = entry.value.get_ref() else {
        entry.unexpected(walk, EXPECTED);
        return None;
    };
    match terms(walk, entry, table)?.bucket() {
        Ok((capacity, rate)) => {
            Some(SemaphoreSettings::bucket(entry.name.clone()?, capacity, rate))
        }
        Err(wrong) => {
            entry.problem(walk, wrong);
            None
        }
    }
}

/// `None`: there is a value that is not what it should be, which was reported.
fn terms(walk: &mut Walk<'_>, entry: &Entry<'_>, table: &DeTable<'_>) -> Option<Terms> {
    let (mut terms, mut spoilt) = (Terms::default(), false);
    for (key, value) in table {
        let Some(taken) = take(&mut terms, key.get_ref(), Input::Toml(value.get_ref())) else {
            walk.unknown_key(key, KEYS, None);
            spoilt = true;
            continue;
        };
        if let Err(refused) = taken {
            entry.problem_at(walk, value.span(), key.get_ref(), &refused);
            spoilt = true;
        }
    }
    (!spoilt).then_some(terms)
}

/// `None`: there is no such key.
pub(super) fn take(terms: &mut Terms, key: &str, input: Input<'_>) -> Option<Result<(), String>> {
    let count = || input.integer(1..=i128::from(MAX_COUNT)).map(Count::new);
    let span = || input.duration(MAX_EVERY).map(|it| Some(Span::from(it)));
    Some(match key {
        "capacity" => count().map(|it| terms.capacity = it),
        "refill" => count().map(|it| terms.refill = it),
        "every" => span().map(|it| terms.every = it),
        "min_interval" => span().map(|it| terms.min_interval = it),
        "max_reserved" => {
            input.integer(0..=MOST_RESERVED.into()).map(|it| terms.max_reserved = Some(it))
        }
        "slop" => {
            let slop = input.duration_or_zero(MAX_EVERY);
            slop.map(|it| terms.slop = Some(Span::from(it)))
        }
        _ => return None,
    })
}
