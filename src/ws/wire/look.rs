//! `watch`, `unwatch` and `inspect`: what operators want to see.

use super::fields::{Field, Fields, missing, unfit};
use super::rejected::Wrong;
use super::request::{NAMES, name};
use crate::engine::{PeerId, SemaphoreName};
use crate::feed::{DETAILS_LIMIT, MAX_DETAILS, Names};

/// Bounds of how often a watcher is told what has changed, and how often it is without having said.
const EVERY_MS: std::ops::RangeInclusive<i64> = 100..=60_000;
const DEFAULT_EVERY_MS: i64 = 1_000;

/// Most names that a watch may have.
const MAX_NAMES: usize = 256;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) enum Look {
    Watch { names: Option<Names>, every_ms: u64 },
    Unwatch,
    Semaphore { name: SemaphoreName, limit: usize },
    Peer(PeerId),
}

pub(super) fn watch(fields: &Fields<'_>) -> Result<Look, Wrong> {
    let every_ms = fields.integer(Field::EveryMs, EVERY_MS)?.unwrap_or(DEFAULT_EVERY_MS);
    let names = match fields.texts(Field::Names, NAMES)? {
        Some(texts) if texts.len() > MAX_NAMES => {
            return Err(Wrong::bad(format!("a watch has at most {MAX_NAMES} names")));
        }
        Some(texts) => Some(texts.iter().map(|text| name(text)).collect::<Result<_, _>>()?),
        None => None,
    };
    Ok(Look::Watch { names, every_ms: every_ms.unsigned_abs() })
}

pub(super) fn inspect(fields: &Fields<'_>) -> Result<Look, Wrong> {
    let expected = "a semaphore's name, or \"peer\" with a peer's public id";
    match (fields.text(Field::Name, expected)?, fields.get(Field::Peer)) {
        (Some(text), None) => {
            let most = i64::try_from(MAX_DETAILS).unwrap_or(i64::MAX);
            let limit = fields.integer(Field::Limit, 0..=most)?;
            let limit = limit.and_then(|limit| usize::try_from(limit).ok());
            Ok(Look::Semaphore { name: name(&text)?, limit: limit.unwrap_or(DETAILS_LIMIT) })
        }
        (None, Some(raw)) => {
            let expected = "the public id of a peer, as a text, such as \"s42\"";
            let id = fields.text(Field::Peer, expected)?.and_then(|text| text.parse().ok());
            id.map(Look::Peer).ok_or_else(|| unfit(Field::Peer, raw, expected).into())
        }
        (Some(_), Some(_)) => Err(Wrong::bad("\"name\" and \"peer\" exclude each other")),
        (None, None) => Err(missing(Field::Name, expected).into()),
    }
}
