//! What is said of buckets: used, throttled, and what a client takes names of its want for, such as
//! `{"jobs":{"max":5},"api":{"capacity":10,"refill":10,"every_ms":60000}}`.

use std::borrow::Cow;

use serde::Deserialize;

use super::fields::{Field, Fields, missing, named_twice, unfit};
use super::rejected::Wrong;
use super::request::{Ask, COUNTS, name, peer, span, want};
use crate::engine::{Count, Level, SemaphoreName, SemaphoreSettings, Span, Terms, Want};

pub(super) fn settle(fields: &Fields<'_>) -> Result<Ask, Wrong> {
    let peer = peer(fields)?;
    let used = fields.counts(Field::Used, COUNTS)?.ok_or_else(|| missing(Field::Used, COUNTS))?;
    Ok(Ask::Settle { peer, used: want(used)? })
}

pub(super) fn throttled(fields: &Fields<'_>) -> Result<Ask, Wrong> {
    let peer = peer(fields)?;
    let expected = "the name of a bucket";
    let text = fields.text(Field::Name, expected)?.ok_or_else(|| missing(Field::Name, expected))?;
    let retry_after = span(fields, Field::RetryAfterMs)?;
    let expected = "a number of milliseconds";
    let retry_after = retry_after.ok_or_else(|| missing(Field::RetryAfterMs, expected))?;
    Ok(Ask::Throttled { peer, name: name(&text)?, retry_after })
}

const EXPECTED: &str = "an object with something such as {\"max\":5}, {\"capacity\":10,\"refill\":10,\"every_ms\":60000} or \
    {\"min_interval_ms\":3000,\"max_reserved\":2}";

/// One declaration: which fields are there says what it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    max: Option<i64>,
    capacity: Option<i64>,
    refill: Option<i64>,
    every_ms: Option<u64>,
    min_interval_ms: Option<u64>,
    max_reserved: Option<u32>,
}

/// What is declared of names that stand in another field.
pub(super) fn declared<'a>(
    fields: &Fields<'_>,
    named: impl IntoIterator<Item = &'a Want> + Clone,
    of: Field,
) -> Result<Box<[SemaphoreSettings]>, Wrong> {
    let expected = format_args!("{EXPECTED} for names of \"{of}\"");
    let Some(written) = fields.entries::<Written>(Field::Declare, expected)? else {
        return Ok([].into());
    };
    if let Some(name) = named_twice(&written) {
        return Err(Wrong::bad(format!("{name:?} stands in \"declare\" twice")));
    }
    let settings = |(name, written): (Cow<'_, str>, Written)| {
        let mut names = named.clone().into_iter().flat_map(Want::iter).map(|(name, _)| name);
        let wanted = names.find(|it| it.as_str() == name);
        written.settings(wanted?.clone())
    };
    let declared = written.into_iter().map(settings).collect::<Option<_>>();
    let raw = fields.get(Field::Declare).unwrap_or_default();
    declared.ok_or_else(|| unfit(Field::Declare, raw, expected).into())
}

impl Written {
    fn settings(&self, name: SemaphoreName) -> Option<SemaphoreSettings> {
        let Self { max, capacity, refill, every_ms, min_interval_ms, max_reserved } = *self;
        // What is there and makes no sense must not count as absent.
        let count = |count: Option<i64>| match count.map(Count::new) {
            None => Some(None),
            Some(count) => count.filter(|count| count.get() > 0).map(Some),
        };
        let terms = Terms {
            capacity: count(capacity)?,
            refill: count(refill)?,
            every: every_ms.map(Span::from_millis),
            min_interval: min_interval_ms.map(Span::from_millis),
            max_reserved,
            slop: None,
        };
        match count(max)? {
            None => {
                let (capacity, rate) = terms.bucket().ok()?;
                Some(SemaphoreSettings::bucket(name, capacity, rate))
            }
            Some(max) if terms == Terms::default() => {
                Some(SemaphoreSettings::semaphore(name, max, Level(0)))
            }
            Some(_) => None,
        }
    }
}
