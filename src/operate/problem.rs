//! Why something was not done, as a problem document (RFC 9457).

use axum::body::to_bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::body::Unfit;
use crate::engine::Refusal;
use crate::runtime::EngineGone;

/// No text for people is longer.
const MAX_TEXT_BYTES: usize = 4_096;

/// A refusal. `code` is stable, `detail` is for people.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    /// The rest of the request may still come on the connection: it is of no further use.
    ends_the_connection: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    /// The problem is no more than what its status says; the code says which.
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = sentence(&detail.into());
        Self { status, code, detail, ends_the_connection: false }
    }

    /// The request itself makes no sense.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail)
    }

    pub(super) fn unknown_peer() -> Self {
        Self::refused(&Refusal::UnknownPeer)
    }

    /// What others have said in plain words about why it was not done, as a problem.
    pub(super) async fn of(response: Response) -> Response {
        let code = match response.status() {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            _ => return response,
        };
        let (mut parts, body) = response.into_parts();
        let text = to_bytes(body, MAX_TEXT_BYTES).await.unwrap_or_default();
        let problem = Self::new(parts.status, code, String::from_utf8_lossy(&text)).into_response();
        let (said, body) = problem.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.extend(said.headers);
        Response::from_parts(parts, body)
    }

    /// There is nothing.
    pub(super) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_path", "There is nothing here")
    }

    /// What the engine did not do.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        let status = match refusal {
            Refusal::UnknownSemaphore(_) | Refusal::UnknownPeer => StatusCode::NOT_FOUND,
            Refusal::SemaphoreExists(_)
            | Refusal::InUse { .. }
            | Refusal::NotHeld(_)
            | Refusal::NotABucket(_)
            | Refusal::NotASemaphore(_)
            | Refusal::TooManyKeyed { .. }
            | Refusal::TooManySemaphores { .. } => StatusCode::CONFLICT,
            Refusal::TooLong { .. } | Refusal::TooManySlots { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            // Nothing that operators do is refused with one of these.
            Refusal::Never { .. }
            | Refusal::Forbidden
            | Refusal::PeerInUse
            | Refusal::InvalidCount { .. }
            | Refusal::InvalidUse { .. }
            | Refusal::Growth { .. }
            | Refusal::Hierarchy { .. }
            | Refusal::AlreadyPending
            | Refusal::Timeout
            | Refusal::TooLate { .. }
            | Refusal::Busy { .. }
            | Refusal::DeclaredOtherwise { .. }
            | Refusal::UnknownPermit(_)
            | Refusal::RestoreConflict
            | Refusal::Revoked { .. }
            | Refusal::TooManyPeers { .. } => StatusCode::BAD_REQUEST,
        };
        Self::new(status, refusal.code(), refusal.to_string())
    }

    /// The engine answered something else than was asked. A bug, but none of the caller's.
    pub(super) fn misunderstood() -> Self {
        let detail = "The lease engine answered something else than was asked.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The text for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// All details look alike, whoever wrote them. What begins with the name of a file keeps it.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    let begins_a_word = text.split(' ').next().is_some_and(|word| !word.contains([':', '.', '/']));
    let first = letters.next().into_iter().flat_map(|first| {
        let upper = first.to_uppercase().filter(|_| begins_a_word);
        let same = Some(first).filter(|_| !begins_a_word);
        upper.chain(same)
    });
    first.chain(letters).chain(['.']).collect()
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        let problem = Self::new(unfit.status(), "invalid_request", unfit.to_string());
        Self { ends_the_connection: unfit.ends_the_connection(), ..problem }
    }
}

impl From<EngineGone> for Problem {
    fn from(_: EngineGone) -> Self {
        let detail = "The lease engine has ended. The log says why.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "engine_gone", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
        };
        let body = serde_json::to_string(&document).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body).into_response();
        if self.ends_the_connection {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
