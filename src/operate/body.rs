//! What operators send: JSON objects, within limits of size and time, and names and identities in paths.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};

use super::{Operate, Problem};
use crate::body::{self, Object, Strict};
use crate::engine::{InvalidText, Label, PeerId, SemaphoreName, Span};

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

pub(super) fn why<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Label>, D::Error> {
    let text = Option::<String>::deserialize(from)?.filter(|text| !text.is_empty());
    // The reason is a text like a label, but none.
    let why = |invalid: InvalidText| de::Error::custom(invalid.of("\"why\""));
    text.map(|text| Label::new(&text)).transpose().map_err(why)
}

/// A humantime string, as everywhere over HTTP.
pub(super) fn grace<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(Span::ZERO) };
    let grace = humantime::parse_duration(&text).map_err(|error| {
        de::Error::custom(format!("{text:?} is no duration such as \"30s\": {error}"))
    })?;
    Ok(grace.into())
}
