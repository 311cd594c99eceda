//! The section `[semaphores]`: `A = 42` or `A = { max = 42, level = 1 }`.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::document::Walk;
use super::input::Input;
use super::problem::excerpt;
use crate::engine::{Count, Level, MAX_COUNT, SemaphoreName, SemaphoreSettings};

const KEYS: [&str; 2] = ["max", "level"];

/// Reads all semaphores of the section, in the order of their names.
pub(super) fn read(walk: &mut Walk<'_>, section: &DeTable<'_>) -> Vec<SemaphoreSettings> {
    let mut semaphores: Vec<_> =
        section.iter().filter_map(|(name, value)| semaphore(walk, name, value)).collect();
    semaphores.sort_by(|a, b| a.name.cmp(&b.name));
    semaphores
}

fn semaphore(
    walk: &mut Walk<'_>,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Option<SemaphoreSettings> {
    if walk.is_broken(&value.span()) {
        return None;
    }
    let name = SemaphoreName::new(key.get_ref());
    if let Err(invalid) = &name {
        walk.problem(key.span(), format!("semaphore {}: {invalid}", excerpt(key.get_ref())));
    }
    let (max, level) = match value.get_ref() {
        DeValue::Table(table) => max_and_level(walk, key, table)?,
        plain @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)) => match self::max(Input::Toml(plain)) {
            Ok(max) => (max, Level::default()),
            Err(_) => {
                let expected = format!(
                    "a maximum from 1 to {MAX_COUNT}, or a table such as {{ max = 1, level = 1 }}"
                );
                let refused = Input::Toml(plain).refused(expected);
                walk.problem(value.span(), in_semaphore(key, "", &refused));
                return None;
            }
        },
    };
    Some(SemaphoreSettings::semaphore(name.ok()?, max, level))
}

fn max_and_level(
    walk: &mut Walk<'_>,
    name: &Spanned<DeString<'_>>,
    table: &DeTable<'_>,
) -> Option<(Count, Level)> {
    let mut max = None;
    let mut level = Some(Level::default());
    let mut has_max = false;
    for (key, value) in table {
        let input = Input::Toml(value.get_ref());
        let refused = match key.get_ref().as_ref() {
            "max" => {
                has_max = true;
                self::max(input).map(|it| max = Some(it)).err()
            }
            "level" => {
                level = None;
                let number = input.integer(i32::MIN.into()..=i32::MAX.into());
                number.map(|it| level = Some(Level(it))).err()
            }
            _ => {
                walk.unknown_key(key, KEYS, None);
                None
            }
        };
        if let Some(refused) = refused {
            walk.problem(value.span(), in_semaphore(name, key.get_ref(), &refused));
        }
    }
    if !has_max {
        walk.problem(name.span(), in_semaphore(name, "", "\"max\" is missing"));
    }
    max.zip(level)
}

/// A semaphore with a maximum of 0 could never be acquired.
fn max(input: Input<'_>) -> Result<Count, String> {
    let max: i64 = input.integer(1..=MAX_COUNT.into())?;
    Count::new(max).ok_or_else(|| input.refused(format_args!("at most {MAX_COUNT}")))
}

fn in_semaphore(name: &Spanned<DeString<'_>>, key: &str, what: &str) -> String {
    let separator = if key.is_empty() { "" } else { ", " };
    format!("semaphore {}{separator}{key}: {what}", excerpt(name.get_ref()))
}
