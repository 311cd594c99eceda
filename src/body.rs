//! JSON bodies, for all interfaces: read within limits of size and time, and told apart in each way to be wrong. What
//! somebody is told about it, and how, is the interface's.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

/// So much of a body that is too large is read and thrown away. Closing the connection on a caller that still
/// sends could cost it the answer.
const DISCARD_BYTES: u64 = 1 << 20;

/// What is an object in a body. serde would take an array of the fields' values for it, too.
pub(crate) trait Object: DeserializeOwned {
    /// Shown to whoever sends something else.
    const EXAMPLE: &str;
}

/// An object, and no array.
pub(crate) struct Strict<T>(pub(crate) T);

impl<'de, T: Object> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object such as {}", T::EXAMPLE)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

/// Why a body is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("The body must be JSON: send it with Content-Type: application/json")]
    NotJson,
    #[error("The body is too large. At most {0} bytes are allowed.")]
    TooLarge(usize),
    #[error("The body did not arrive in time.")]
    TooSlow,
    #[error("The body could not be read.")]
    Broken(#[source] axum::Error),
    #[error("Malformed JSON: {0}")]
    Malformed(serde_json::Error),
    #[error("Unexpected body: {0}")]
    Unexpected(serde_json::Error),
}

impl Unfit {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unexpected(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// Whether the connection is of no further use: the rest of the body may still come on it.
    pub(crate) const fn ends_the_connection(&self) -> bool {
        match self {
            Self::TooLarge(_) | Self::TooSlow | Self::Broken(_) => true,
            Self::NotJson | Self::Malformed(_) | Self::Unexpected(_) => false,
        }
    }
}

/// Whether it is said that the body is JSON, with parameters or without.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Unfit> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Unfit::NotJson) }
}

/// A body of the wrong shape is found out at its first wrong value: whether all of it is JSON is still to be seen.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unfit> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(_) => Unfit::Unexpected(error),
            Err(error) => Unfit::Malformed(error),
        },
        Category::Io | Category::Syntax | Category::Eof => Unfit::Malformed(error),
    })
}

/// All of a body, of at most `max` bytes, which may take so long to arrive.
pub(crate) async fn read(body: Body, max: usize, limit: Duration) -> Result<Bytes, Unfit> {
    // Whoever announces far too much is not waited for.
    if body.size_hint().lower() > DISCARD_BYTES.max(max as u64) {
        return Err(Unfit::TooLarge(max));
    }
    let mut collecting = pin!(collect(body.into_data_stream(), max));
    // Nearly always it came along with the head. Then no timer is needed.
    match poll_fn(|cx| Poll::Ready(collecting.as_mut().poll(cx))).await {
        Poll::Ready(collected) => collected,
        // Boxed: so it takes no room where it is not needed.
        Poll::Pending => {
            let late = Box::pin(tokio::time::timeout(limit, collecting));
            late.await.unwrap_or(Err(Unfit::TooSlow))
        }
    }
}

async fn collect(
    mut chunks: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin,
    max: usize,
) -> Result<Bytes, Unfit> {
    let Some(first) = chunks.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(Unfit::Broken)?;
    let Some(second) = chunks.next().await else {
        return if first.len() <= max { Ok(first) } else { Err(Unfit::TooLarge(max)) };
    };
    let mut seen = first.len();
    let mut body = first.to_vec();
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(Unfit::Broken)?;
        seen += chunk.len();
        if seen <= max {
            body.extend_from_slice(&chunk);
        } else if seen as u64 > DISCARD_BYTES {
            break;
        }
        next = chunks.next().await;
    }
    if seen <= max { Ok(body.into()) } else { Err(Unfit::TooLarge(max)) }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, stream};

    use super::*;

    fn collected(chunks: &[usize], max: usize) -> Option<usize> {
        let chunks = chunks.iter().map(|bytes| Ok(Bytes::from(vec![b' '; *bytes])));
        collect(stream::iter(chunks), max).now_or_never().unwrap().ok().map(|body| body.len())
    }

    #[test]
    fn bodies_are_limited_however_they_are_cut() {
        assert_eq!(collected(&[], 10), Some(0));
        assert_eq!(collected(&[10], 10), Some(10));
        assert_eq!(collected(&[11], 10), None);
        assert_eq!(collected(&[5, 0, 5], 10), Some(10));
        assert_eq!(collected(&[5, 6], 10), None);
        assert_eq!(collected(&[1; 11], 10), None);
    }

    #[test]
    fn only_json_is_json() {
        let with = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            check_type(&headers).is_ok()
        };
        assert!(with("application/json"));
        assert!(with("Application/JSON; charset=utf-8"));
        assert!(!with("text/plain"));
        assert!(!with("application/jsonp"));
        assert!(check_type(&HeaderMap::new()).is_err());
    }
}
