//! Answers: the texts that are on the wire, and which refusal gets which.

use std::borrow::Cow;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::engine::{Label, MAX_COUNT, Refusal, Reply, Span};
use crate::metrics::Unreadable;
use crate::runtime::EngineGone;

/// What a handler comes to.
pub(super) type Answer = Result<Response, Failure>;

/// A request that was not done, and what is said about it: plain text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    status: StatusCode,
    text: Cow<'static, str>,
    /// When it may be worth while to ask again.
    retry_after: Option<Span>,
}

/// Where a duration stood that the engine may find too long.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Body,
    Query,
}

impl Failure {
    pub(super) fn new(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }

    /// Says when it may be worth while to ask again.
    pub(super) fn retry_after(self, retry_after: Option<Span>) -> Self {
        Self { retry_after, ..self }
    }

    pub(super) fn unknown_semaphore() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Unknown semaphore")
    }

    pub(super) fn unknown_peer() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Unknown peer")
    }

    pub(super) fn too_long(max: Span, source: Source) -> Self {
        let status = match source {
            Source::Body => StatusCode::UNPROCESSABLE_ENTITY,
            Source::Query => StatusCode::BAD_REQUEST,
        };
        Self::new(status, format!("The duration is too long. At most {max} is allowed."))
    }

    /// The maximum was lowered while the caller waited.
    pub(super) fn never_again() -> Self {
        let text = "Lock can never be acquired. The semaphore's full count was lowered.";
        Self::new(StatusCode::CONFLICT, text)
    }

    /// An operator has taken the peer away, or is about to.
    pub(super) fn revoked(why: Option<&Label>) -> Self {
        let why = why.map(|why| format!(" Reason: {why}")).unwrap_or_default();
        Self::new(StatusCode::CONFLICT, format!("The peer was revoked by an operator.{why}"))
    }

    /// What a refused command is answered with.
    pub(super) fn refused(refusal: &Refusal, source: Source) -> Self {
        let (status, text) = match refusal {
            Refusal::UnknownSemaphore(_) => return Self::unknown_semaphore(),
            Refusal::UnknownPeer => return Self::unknown_peer(),
            Refusal::Never { asked, max, .. } => (StatusCode::CONFLICT, never(*asked, max.get())),
            Refusal::InvalidCount { asked, .. } => (StatusCode::BAD_REQUEST, invalid_count(*asked)),
            Refusal::Growth { name, held, asked } => (
                StatusCode::CONFLICT,
                format!(
                    "Lock hierachy violation. The lock on semaphore {name:?} has count {held} and can not grow \
                     to {asked} while it is held."
                ),
            ),
            Refusal::Hierarchy { name, level, held, held_level } => (
                StatusCode::CONFLICT,
                format!(
                    "Lock hierachy violation. Semaphore {name:?} has level {level}, which must be below the \
                     level {held_level} of semaphore {held:?}, which is held already."
                ),
            ),
            Refusal::AlreadyPending => (
                StatusCode::CONFLICT,
                "Already pending. Only one pendig lock per peer is allowed.".to_owned(),
            ),
            Refusal::RestoreConflict => (
                StatusCode::CONFLICT,
                "Restore is not allowed to change existing peers.".to_owned(),
            ),
            Refusal::Revoked { why } => return Self::revoked(why.as_ref()),
            Refusal::PeerInUse => {
                (StatusCode::CONFLICT, "There is a peer with this id already.".to_owned())
            }
            Refusal::Forbidden => {
                (StatusCode::FORBIDDEN, "The peer is controlled by a connection.".to_owned())
            }
            Refusal::Busy { retry_after, .. } => {
                let busy = Self::new(StatusCode::TOO_MANY_REQUESTS, refusal.to_string());
                return busy.retry_after(Some(*retry_after));
            }
            Refusal::Timeout | Refusal::TooLate { .. } => {
                (StatusCode::CONFLICT, "Not acquired in time.".to_owned())
            }
            Refusal::TooLong { max, .. } => return Self::too_long(*max, source),
            // What operators do is refused elsewhere, and permits are no locks.
            Refusal::UnknownPermit(_) | Refusal::NotABucket(_) => {
                (StatusCode::BAD_REQUEST, refusal.to_string())
            }
            Refusal::TooManyKeyed { .. } => (StatusCode::SERVICE_UNAVAILABLE, refusal.to_string()),
            Refusal::SemaphoreExists(_)
            | Refusal::DeclaredOtherwise { .. }
            | Refusal::InUse { .. }
            | Refusal::NotASemaphore(_)
            | Refusal::NotHeld(_)
            | Refusal::InvalidUse { .. }
            | Refusal::TooManySlots { .. }
            | Refusal::TooManySemaphores { .. } => (StatusCode::CONFLICT, refusal.to_string()),
            Refusal::TooManyPeers { max } => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("There are {max} peers already, which is the limit. Try again later."),
            ),
        };
        Self::new(status, text)
    }

    /// The engine answered something that is no answer to the command. A bug, but none of the caller's.
    pub(super) fn misunderstood(reply: &Reply) -> Self {
        tracing::error!(?reply, "the engine's reply does not fit the command");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error")
    }
}

fn never(asked: i64, max: u32) -> String {
    format!("Lock can never be acquired. Lock asks for count {asked} yet full count is only {max}.")
}

fn invalid_count(asked: i64) -> String {
    if asked < 1 {
        format!("Lock count must be a positive number. Found: {asked}.")
    } else {
        format!("Lock count must be at most {MAX_COUNT}. Found: {asked}.")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.text).into_response();
        if let Some(span) = self.retry_after {
            // In whole seconds, as RFC 9110 has it; never 0, which would be an invitation to come at once.
            let seconds = span.as_micros().div_ceil(1_000_000).max(1);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<EngineGone> for Failure {
    fn from(_: EngineGone) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The lease engine is not running.")
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::EngineGone(gone) => gone.into(),
            Unreadable::Encode(_) | Unreadable::Interrupted(_) => {
                tracing::error!(error = %unreadable, "metrics are not readable");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Count, Level, SemaphoreName};

    fn text_of(refusal: &Refusal) -> (u16, String) {
        let failure = Failure::refused(refusal, Source::Body);
        (failure.status.as_u16(), failure.text.into_owned())
    }

    #[test]
    fn texts_are_those_on_the_wire() {
        let name = || SemaphoreName::new("A").unwrap();
        let max = Count::new(1).unwrap();
        let expected = [
            (Refusal::UnknownSemaphore(name()), 400, "Unknown semaphore"),
            (
                Refusal::Never { name: name(), asked: 2, max },
                409,
                "Lock can never be acquired. Lock asks for count 2 yet full count is only 1.",
            ),
            (Refusal::UnknownPeer, 400, "Unknown peer"),
            (
                Refusal::InvalidCount { name: name(), asked: 0 },
                400,
                "Lock count must be a positive number. Found: 0.",
            ),
            (
                Refusal::AlreadyPending,
                409,
                "Already pending. Only one pendig lock per peer is allowed.",
            ),
            (Refusal::RestoreConflict, 409, "Restore is not allowed to change existing peers."),
            (Refusal::Revoked { why: None }, 409, "The peer was revoked by an operator."),
            (
                Refusal::Revoked { why: Some(Label::new("it leaks").unwrap()) },
                409,
                "The peer was revoked by an operator. Reason: it leaks",
            ),
        ];
        for (refusal, status, text) in expected {
            assert_eq!(text_of(&refusal), (status, text.to_owned()));
        }
    }

    #[test]
    fn a_hierarchy_violation_names_both_levels() {
        let name = |name| SemaphoreName::new(name).unwrap();
        let refusal = Refusal::Hierarchy {
            name: name("B"),
            level: Level(7),
            held: name("A"),
            held_level: Level(-3),
        };
        let (status, text) = text_of(&refusal);
        assert_eq!(status, 409);
        assert!(text.starts_with("Lock hierachy violation."), "{text}");
        assert!(text.contains("level 7") && text.contains("level -3"), "{text}");
    }
}
