//! The section `[semaphores]`: `A = 42` or `A = { max = 42, level = 1 }`.

use toml::de::{DeTable, DeValue};

use super::document::Walk;
use super::entry::{self, Entry};
use super::input::Input;
use crate::engine::{
    Count, LONGEST_HOLD, Level, MAX_COUNT, MAX_SLOTS, Manners, MannersWish, SemaphoreName,
    SemaphoreSettings, Span,
};

pub(super) const KEYS: [&str; 6] =
    ["max", "level", "max_pending", "max_hold", "lock_delay", "slots"];

/// What is written about one semaphore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) max: Option<Count>,
    pub(super) level: Option<Level>,
    pub(super) manners: MannersWish,
}

/// Reads all semaphores of the section, in the order of their names.
pub(super) fn read(walk: &mut Walk<'_>, section: &DeTable<'_>) -> Vec<SemaphoreSettings> {
    entry::all(walk, "semaphore", section, semaphore)
}

fn semaphore(walk: &mut Walk<'_>, entry: &Entry<'_>) -> Option<SemaphoreSettings> {
    let written = match entry.value.get_ref() {
        DeValue::Table(table) => written(walk, entry, table)?,
        plain @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)) => match self::max(Input::Toml(plain)) {
            Ok(max) => Written { max: Some(max), ..Written::default() },
            Err(_) => {
                let expected = format!(
                    "a maximum from 1 to {MAX_COUNT}, or a table such as {{ max = 1, level = 1 }}"
                );
                entry.unexpected(walk, expected);
                return None;
            }
        },
    };
    written.settings(entry.name.clone()?)
}

/// `None`: there is a value that is not what it should be, which was reported.
fn written(walk: &mut Walk<'_>, entry: &Entry<'_>, table: &DeTable<'_>) -> Option<Written> {
    let mut written = Written::default();
    let mut spoilt = false;
    for (key, value) in table {
        let known = written.take(key.get_ref(), Input::Toml(value.get_ref()));
        let Some(taken) = known else {
            walk.unknown_key(key, KEYS, None);
            continue;
        };
        if let Err(refused) = taken {
            spoilt = true;
            entry.problem_at(walk, value.span(), key.get_ref(), &refused);
        }
    }
    if !table.contains_key("max") {
        entry.problem(walk, "\"max\" is missing");
    }
    let few = written.max.is_none_or(|max| max.get() <= MAX_SLOTS);
    if written.manners.slots == Some(true) && !few {
        entry.problem(walk, &format!("with \"slots\" its \"max\" is at most {MAX_SLOTS}"));
    }
    (!spoilt).then_some(written)
}

impl Written {
    /// `None`: the maximum is missing.
    pub(super) fn settings(&self, name: SemaphoreName) -> Option<SemaphoreSettings> {
        let plain = SemaphoreSettings::semaphore(name, self.max?, self.level.unwrap_or(Level(0)));
        Some(SemaphoreSettings { manners: Manners::NONE.changed(self.manners), ..plain })
    }

    /// `None`: there is no such key.
    pub(super) fn take(&mut self, key: &str, input: Input<'_>) -> Option<Result<(), String>> {
        let manners = &mut self.manners;
        Some(match key {
            "max" => max(input).map(|it| self.max = Some(it)),
            "level" => {
                let number = input.integer(i32::MIN.into()..=i32::MAX.into());
                number.map(|it| self.level = Some(Level(it)))
            }
            "max_pending" => {
                input.integer(0..=MAX_COUNT.into()).map(|it| manners.max_pending = Some(Some(it)))
            }
            "max_hold" => {
                let longest = input.duration(LONGEST_HOLD);
                longest.map(|it| manners.max_hold = Some(Some(Span::from(it))))
            }
            "lock_delay" => {
                let delay = input.duration_or_zero(LONGEST_HOLD);
                delay.map(|it| manners.lock_delay = Some(Span::from(it)))
            }
            "slots" => input.switch().map(|it| manners.slots = Some(it)),
            _ => return None,
        })
    }
}

/// A semaphore with a maximum of 0 could never be acquired.
fn max(input: Input<'_>) -> Result<Count, String> {
    let max: i64 = input.integer(1..=MAX_COUNT.into())?;
    Count::new(max).ok_or_else(|| input.refused(format_args!("at most {MAX_COUNT}")))
}
