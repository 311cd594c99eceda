//! The section `[buckets]`: `api = { capacity = 10, refill = 10, every = "60s" }`, a token bucket, or
//! `crawl = { min_interval = "3s" }`, a pacer.

use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::document::Walk;
use super::entry::{self, Entry};
use super::input::Input;
use crate::engine::{Count, MAX_COUNT, MAX_EVERY, Rate, SemaphoreSettings, Span};

const KEYS: [&str; 6] = ["capacity", "every", "max_reserved", "min_interval", "refill", "slop"];

const EXPECTED: &str =
    "a table such as { capacity = 10, refill = 10, every = \"60s\" } or { min_interval = \"3s\" }";

/// Most tokens that can be reserved ahead.
const MOST_RESERVED: i128 = 1_000_000;

/// What is written about one bucket.
#[derive(Default)]
struct Written {
    capacity: Option<i64>,
    refill: Option<i64>,
    every: Option<Duration>,
    min_interval: Option<Duration>,
    max_reserved: Option<u32>,
    slop: Option<Duration>,
    /// There is a value that is not what it should be, which was reported.
    spoilt: bool,
}

/// Reads all buckets of the section, in the order of their names.
pub(super) fn read(walk: &mut Walk<'_>, section: &DeTable<'_>) -> Vec<SemaphoreSettings> {
    entry::all(walk, "bucket", section, bucket)
}

fn bucket(walk: &mut Walk<'_>, entry: &Entry<'_>) -> Option<SemaphoreSettings> {
    let DeValue::Table(table) = entry.value.get_ref() else {
        entry.unexpected(walk, EXPECTED);
        return None;
    };
    let written = written(walk, entry, table);
    if written.spoilt {
        return None;
    }
    match written.bucket() {
        Ok((capacity, rate)) => {
            Some(SemaphoreSettings::bucket(entry.name.clone()?, capacity, rate))
        }
        Err(wrong) => {
            entry.problem(walk, wrong);
            None
        }
    }
}

fn written(walk: &mut Walk<'_>, entry: &Entry<'_>, table: &DeTable<'_>) -> Written {
    let mut written = Written::default();
    let counts = 1..=i128::from(MAX_COUNT);
    for (key, value) in table {
        let input = Input::Toml(value.get_ref());
        let refused = match key.get_ref().as_ref() {
            "capacity" => input.integer(counts.clone()).map(|it| written.capacity = Some(it)),
            "refill" => input.integer(counts.clone()).map(|it| written.refill = Some(it)),
            "every" => input.duration(MAX_EVERY).map(|it| written.every = Some(it)),
            "min_interval" => input.duration(MAX_EVERY).map(|it| written.min_interval = Some(it)),
            "max_reserved" => {
                input.integer(0..=MOST_RESERVED).map(|it| written.max_reserved = Some(it))
            }
            "slop" => input.duration_or_zero(MAX_EVERY).map(|it| written.slop = Some(it)),
            _ => {
                walk.unknown_key(key, KEYS, None);
                written.spoilt = true;
                Ok(())
            }
        };
        if let Err(refused) = refused {
            entry.problem_at(walk, value.span(), key.get_ref(), &refused);
            written.spoilt = true;
        }
    }
    written
}

impl Written {
    fn bucket(&self) -> Result<(Count, Rate), &'static str> {
        let (capacity, refill, every) = match (
            self.capacity,
            self.refill,
            self.every,
            self.min_interval,
        ) {
            (Some(capacity), Some(refill), Some(every), None) => (capacity, refill, every),
            // It may come back one by one.
            (Some(capacity), None, Some(every), None) => (capacity, 1, every),
            (None, None, None, Some(interval)) => (1, 1, interval),
            (_, _, _, Some(_)) => {
                return Err(
                    "\"min_interval\" makes it a pacer, which has no \"capacity\", \"refill\" and \"every\"",
                );
            }
            (None, _, _, None) => return Err("\"capacity\" is missing"),
            (_, _, None, None) => return Err("\"every\" is missing"),
        };
        let counts = Count::new(capacity).zip(Count::new(refill));
        let rate = counts.and_then(|(_, refill)| Rate::new(refill, Span::from(every)));
        let (Some((capacity, _)), Some(mut rate)) = (counts, rate) else {
            return Err("nothing would ever come back");
        };
        rate.slop = self.slop.map_or(rate.slop, Span::from);
        rate.max_reserved = self.max_reserved.unwrap_or(rate.max_reserved);
        Ok((capacity, rate))
    }
}
