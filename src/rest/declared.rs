//! What callers take names for that nobody may have listed, such as `{"max":5}` or
//! `{"capacity":10,"refill":10,"every":"60s"}`.

use axum::http::StatusCode;
use serde::Deserialize;

use super::answer::Failure;
use super::params::Humantime;
use crate::body::Object;
use crate::engine::{Count, Level, SemaphoreName, SemaphoreSettings, Terms};

/// Which fields are there says what it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    max: Option<i64>,
    capacity: Option<i64>,
    refill: Option<i64>,
    every: Option<Humantime>,
    min_interval: Option<Humantime>,
    max_reserved: Option<u32>,
}

impl Object for Declared {
    const EXAMPLE: &str = r#"{"capacity":10,"refill":10,"every":"60s"}"#;
}

impl Declared {
    /// A semaphore or a bucket.
    pub(super) fn settings(&self, name: SemaphoreName) -> Result<SemaphoreSettings, Failure> {
        let Some(max) = count("max", self.max)? else { return self.bucket(name) };
        if self.terms()? != Terms::default() {
            return Err(malformed("\"max\" makes it a semaphore, which has nothing else"));
        }
        Ok(SemaphoreSettings::semaphore(name, max, Level(0)))
    }

    pub(super) fn bucket(&self, name: SemaphoreName) -> Result<SemaphoreSettings, Failure> {
        if self.max.is_some() {
            return Err(malformed("a bucket has no \"max\""));
        }
        let (capacity, rate) = self.terms()?.bucket().map_err(malformed)?;
        Ok(SemaphoreSettings::bucket(name, capacity, rate))
    }

    fn terms(&self) -> Result<Terms, Failure> {
        Ok(Terms {
            capacity: count("capacity", self.capacity)?,
            refill: count("refill", self.refill)?,
            every: self.every.map(Humantime::span),
            min_interval: self.min_interval.map(Humantime::span),
            max_reserved: self.max_reserved,
            slop: None,
        })
    }
}

fn count(word: &str, count: Option<i64>) -> Result<Option<Count>, Failure> {
    let positive = |count| Count::new(count).filter(|count| count.get() > 0);
    let wrong = |count| malformed(&format!("\"{word}\" is a number from 1, not {count}"));
    count.map(|it| positive(it).ok_or_else(|| wrong(it))).transpose()
}

pub(super) fn malformed(why: &str) -> Failure {
    let text = format!("Unexpected body: declare: {why}");
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, text)
}
