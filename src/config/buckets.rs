//! The section `[buckets]`: `api = { capacity = 10, refill = 10, every = "60s" }`, a token bucket, or
//! `crawl = { min_interval = "3s" }`, a pacer.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::document::Walk;
use super::input::Input;
use super::problem::excerpt;
use crate::engine::{Count, MAX_COUNT, MAX_EVERY, Rate, SemaphoreName, SemaphoreSettings, Span};

const KEYS: [&str; 6] = ["capacity", "every", "max_reserved", "min_interval", "refill", "slop"];

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
    let buckets = section.iter().filter_map(|(name, value)| bucket(walk, name, value));
    let mut buckets: Vec<_> = buckets.collect();
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    buckets
}

fn bucket(
    walk: &mut Walk<'_>,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Option<SemaphoreSettings> {
    if walk.is_broken(&value.span()) {
        return None;
    }
    let name = SemaphoreName::new(key.get_ref());
    if let Err(invalid) = &name {
        walk.problem(key.span(), format!("bucket {}: {invalid}", excerpt(key.get_ref())));
    }
    let DeValue::Table(table) = value.get_ref() else {
        let expected = "a table such as { capacity = 10, refill = 10, every = \"60s\" } or { min_interval = \"3s\" }";
        let refused = Input::Toml(value.get_ref()).refused(expected);
        walk.problem(value.span(), in_bucket(key, "", &refused));
        return None;
    };
    let written = written(walk, key, table);
    if written.spoilt {
        return None;
    }
    match written.bucket() {
        Ok((capacity, rate)) => Some(SemaphoreSettings::bucket(name.ok()?, capacity, rate)),
        Err(wrong) => {
            walk.problem(key.span(), in_bucket(key, "", wrong));
            None
        }
    }
}

fn written(walk: &mut Walk<'_>, name: &Spanned<DeString<'_>>, table: &DeTable<'_>) -> Written {
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
            walk.problem(value.span(), in_bucket(name, key.get_ref(), &refused));
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

fn in_bucket(name: &Spanned<DeString<'_>>, key: &str, what: &str) -> String {
    let separator = if key.is_empty() { "" } else { ", " };
    format!("bucket {}{separator}{key}: {what}", excerpt(name.get_ref()))
}
