//! What operators send: JSON objects, within limits of size and time, and names and identities in paths.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};

use super::{Operate, Problem};
use crate::body::{self, Object, Strict};
use crate::engine::{Count, Label, PeerId, SemaphoreName, Span};

/// A body that is an object and fits `T`. No body at all is an empty object.
pub(super) struct Body<T>(pub(super) T);

impl<T: Object> FromRequest<Operate> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, operate: &Operate) -> Result<Self, Problem> {
        let (max, limit) = (operate.0.max_body_bytes, operate.0.body_read_timeout);
        let json = body::check_type(request.headers());
        let bytes = body::read(request.into_body(), max, limit).await?;
        let Strict(body) = if bytes.is_empty() {
            body::parse(b"{}")?
        } else {
            json?;
            body::parse(&bytes)?
        };
        Ok(Self(body))
    }
}

/// The semaphore that a path names.
pub(super) struct Named(pub(super) SemaphoreName);

impl FromRequestParts<Operate> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, operate: &Operate) -> Result<Self, Problem> {
        let name: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, operate).await;
        let Path(name) = name.map_err(|error| Problem::invalid(error.body_text()))?;
        SemaphoreName::new(&name).map(Self).map_err(|error| Problem::invalid(error.to_string()))
    }
}

/// The peer that a path names.
pub(super) struct Known(pub(super) PeerId);

impl FromRequestParts<Operate> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, operate: &Operate) -> Result<Self, Problem> {
        let id: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, operate).await;
        let Path(id) = id.map_err(|error| Problem::invalid(error.body_text()))?;
        // What is no identity is nobody's.
        id.parse().map(Self).map_err(|_| Problem::unknown_peer())
    }
}

/// What stands behind the question mark.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Operate> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, operate: &Operate) -> Result<Self, Problem> {
        let query: Result<Query<T>, QueryRejection> =
            Query::from_request_parts(parts, operate).await;
        query.map(|Query(query)| Self(query)).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_request", error.body_text())
        })
    }
}

pub(super) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<SemaphoreName, D::Error> {
    let text = String::deserialize(from)?;
    SemaphoreName::new(&text).map_err(de::Error::custom)
}

pub(super) fn some_name<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<SemaphoreName>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| SemaphoreName::new(&text)).transpose().map_err(de::Error::custom)
}

/// At least 1, as in the configuration: what grants nothing is paused.
pub(super) fn max<'de, D: Deserializer<'de>>(from: D) -> Result<Count, D::Error> {
    some_max(from)?.ok_or_else(|| de::Error::custom("a max is a number from 1 to 2147483648"))
}

pub(super) fn some_max<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Count>, D::Error> {
    let Some(max) = Option::<i64>::deserialize(from)? else { return Ok(None) };
    let count = Count::new(max).filter(|count| count.get() > 0);
    let error = || {
        de::Error::custom(format!(
            "a max is a number from 1 to 2147483648, not {max}; `paused` stops all grants"
        ))
    };
    count.ok_or_else(error).map(Some)
}

pub(super) fn why<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Label>, D::Error> {
    let text = Option::<String>::deserialize(from)?.filter(|text| !text.is_empty());
    text.map(|text| Label::new(&text)).transpose().map_err(de::Error::custom)
}

/// A humantime string, as everywhere over HTTP.
pub(super) fn grace<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(Span::ZERO) };
    let grace = humantime::parse_duration(&text).map_err(|error| {
        de::Error::custom(format!("{text:?} is no duration such as \"30s\": {error}"))
    })?;
    Ok(grace.into())
}
