//! JSON bodies: read within limits of size and time, and answered with the exact status for each way to be wrong.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::task::Poll;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

use super::Rest;
use super::answer::Failure;
use crate::media_type::is_json;

/// So much of a body that is too large is read and thrown away. Closing the connection on a caller that still
/// sends could cost it the answer.
const DISCARD_BYTES: u64 = 1 << 20;

/// What is an object in a body. serde would take an array of the fields' values for it, too.
pub(super) trait Object: DeserializeOwned {
    /// Shown to whoever sends something else.
    const EXAMPLE: &str;
}

/// A body that is a JSON object and fits `T`.
pub(super) struct JsonObject<T>(pub(super) T);

impl<T: Object> FromRequest<Rest> for JsonObject<T> {
    type Rejection = Response;

    async fn from_request(request: Request, rest: &Rest) -> Result<Self, Response> {
        let Json(Strict(body)) = Json::<Strict<T>>::from_request(request, rest).await?;
        Ok(Self(body))
    }
}

struct Strict<T>(T);

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

/// A body that is JSON and fits `T`.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Rest> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, rest: &Rest) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            let text = "The body must be JSON: send it with Content-Type: application/json";
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response());
        }
        let body = read(request.into_body(), rest).await?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| unfit(&body, &error).into_response())
    }
}

/// A body of the wrong shape is found out at its first wrong value: whether all of it is JSON is still to be seen.
fn unfit(body: &[u8], error: &serde_json::Error) -> Failure {
    if error.classify() == Category::Data {
        let Err(error) = serde_json::from_slice::<IgnoredAny>(body) else {
            let text = format!("Unexpected body: {error}");
            return Failure::new(StatusCode::UNPROCESSABLE_ENTITY, text);
        };
        return malformed(&error);
    }
    malformed(error)
}

fn malformed(error: &serde_json::Error) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, format!("Malformed JSON: {error}"))
}

/// Why a body was not read.
enum Unread {
    TooLarge,
    Broken(axum::Error),
}

async fn read(body: Body, rest: &Rest) -> Result<Bytes, Response> {
    let max = rest.0.max_body_bytes;
    // Whoever announces far too much is not waited for.
    if body.size_hint().lower() > DISCARD_BYTES.max(max as u64) {
        return Err(too_large(max));
    }
    let mut collecting = pin!(collect(body.into_data_stream(), max));
    // Nearly always it came along with the head. Then no timer is needed.
    let collected = match poll_fn(|cx| Poll::Ready(collecting.as_mut().poll(cx))).await {
        Poll::Ready(collected) => Ok(collected),
        Poll::Pending => tokio::time::timeout(rest.0.body_read_timeout, collecting).await,
    };
    match collected {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Unread::TooLarge)) => Err(too_large(max)),
        Ok(Err(Unread::Broken(error))) => {
            tracing::debug!(error = &error as &dyn Error, "a body could not be read");
            Err(closing(StatusCode::BAD_REQUEST, "The body could not be read."))
        }
        Err(_) => Err(closing(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.")),
    }
}

async fn collect(
    mut chunks: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin,
    max: usize,
) -> Result<Bytes, Unread> {
    let Some(first) = chunks.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(Unread::Broken)?;
    let Some(second) = chunks.next().await else {
        return if first.len() <= max { Ok(first) } else { Err(Unread::TooLarge) };
    };
    let mut seen = first.len();
    let mut body = first.to_vec();
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(Unread::Broken)?;
        seen += chunk.len();
        if seen <= max {
            body.extend_from_slice(&chunk);
        } else if seen as u64 > DISCARD_BYTES {
            break;
        }
        next = chunks.next().await;
    }
    if seen <= max { Ok(body.into()) } else { Err(Unread::TooLarge) }
}

fn too_large(max: usize) -> Response {
    closing(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("The body is too large. At most {max} bytes are allowed."),
    )
}

/// The connection is of no further use: the rest of the body may still come on it.
fn closing(status: StatusCode, text: impl IntoResponse) -> Response {
    (status, [(header::CONNECTION, "close")], text).into_response()
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
}
