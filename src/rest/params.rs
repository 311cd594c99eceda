//! What stands in paths, queries and bodies, parsed once.
//!
//! A path is percent-decoded exactly once, here: routes are found by what it is before. Decoding again would turn `%2541`
//! into `A`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, Unexpected, Visitor};

use super::answer::Failure;
use crate::engine::{PeerId, SemaphoreName, Span};

/// Who is meant: what stands behind `/peers/` in the path.
pub(super) struct Peer(pub(super) PeerId);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut segments = segments(parts);
        segments.nth(2).and_then(peer).map(Self).ok_or_else(malformed_path)
    }
}

/// Who is meant, and which semaphore, which stands behind it.
pub(super) struct PeerAndSemaphore {
    pub(super) peer: PeerId,
    pub(super) name: SemaphoreName,
}

impl<S: Send + Sync> FromRequestParts<S> for PeerAndSemaphore {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut segments = segments(parts);
        let peer = segments.nth(2).and_then(peer).ok_or_else(malformed_path)?;
        let name = segments.next().and_then(decoded).ok_or_else(malformed_path)?;
        let name = SemaphoreName::new(&name).map_err(|_| Failure::unknown_semaphore())?;
        Ok(Self { peer, name })
    }
}

/// What stands between slashes. Nothing stands before the first one.
fn segments(parts: &Parts) -> impl Iterator<Item = &str> {
    parts.uri.path().split(['/'])
}

fn peer(segment: &str) -> Option<PeerId> {
    decoded(segment)?.parse().ok().map(PeerId::Rest)
}

/// Most have nothing to decode.
fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    if segment.bytes().any(|byte| byte == b'%') {
        percent_decode_str(segment).decode_utf8().ok()
    } else {
        Some(Cow::Borrowed(segment))
    }
}

fn malformed_path() -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "Malformed path: it must be UTF-8, percent-encoded, and a peer's id an unsigned 64-bit integer.",
    )
}

/// The query, with what it may hold.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                let said = rejection.body_text();
                let why =
                    said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said);
                let text = format!("Malformed query: {why}");
                Err(Failure::new(StatusCode::BAD_REQUEST, text))
            }
        }
    }
}

/// A text that may be a semaphore's name. `None`: it cannot be one, so there is no such semaphore.
pub(super) struct Name(pub(super) Option<SemaphoreName>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a semaphore")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
                Ok(Name(SemaphoreName::new(text).ok()))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

/// A duration as people write it: `5m`, `1s 500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Humantime(Duration);

impl Humantime {
    /// As the engine wants it. What it cannot say becomes the longest span, which the engine refuses.
    pub(super) fn span(self) -> Span {
        self.0.into()
    }
}

impl<'de> Deserialize<'de> for Humantime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HumantimeVisitor;

        impl Visitor<'_> for HumantimeVisitor {
            type Value = Humantime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"5m\" or \"1s 500ms\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Humantime, E> {
                let duration = humantime::parse_duration(text);
                duration.map(Humantime).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(HumantimeVisitor)
    }
}

/// A time to live that is not over at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime(pub(super) Span);

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let span = Humantime::deserialize(deserializer)?.span();
        if span == Span::ZERO {
            return Err(D::Error::custom("a peer's expires_in must be longer than zero"));
        }
        Ok(Self(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<T: DeserializeOwned>(json: &str) -> Result<T, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn durations_are_as_people_write_them() {
        let micros = |json| parsed::<Humantime>(json).map(|parsed| parsed.span().as_micros());
        assert_eq!(micros("\"1s 500ms\""), Ok(1_500_000));
        assert_eq!(micros("\"0ms\""), Ok(0));
        assert_eq!(micros("\"500000000000years\""), Ok(u64::MAX));
        for wrong in
            ["\"\"", "\"5\"", "\"-5m\"", "\"5 parsecs\"", "\"5000000000000years\"", "300", "null"]
        {
            let error = micros(wrong).unwrap_err();
            assert!(error.contains("a duration such as \"5m\""), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_lifetime_is_not_zero() {
        assert!(parsed::<Lifetime>("\"1us\"").is_ok());
        let error = parsed::<Lifetime>("\"0s\"").unwrap_err();
        assert!(error.contains("must be longer than zero"), "{error}");
        // Shorter than the engine can tell.
        assert!(parsed::<Lifetime>("\"999ns\"").is_err());
    }
}
