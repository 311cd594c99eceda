//! Who did what, why, and what it was before: told in the log, among the events, and in a counter.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Operate;
use crate::access::Caller;
use crate::feed::Operated;

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor(String);

impl Actor {
    /// Somebody with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

impl FromRequestParts<Operate> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Operate) -> Result<Self, Infallible> {
        Caller::from_request_parts(parts, state).await.map(|caller| Self::named(caller.to_string()))
    }
}

impl Operate {
    /// Puts an action on record.
    pub(super) fn record(&self, operated: Operated) {
        let Operated { kind, by, why, peer, semaphore, before, after, locks } = &operated;
        let state = |state: &Option<crate::engine::SemaphoreState>| {
            state.map(|it| format!("max={} level={} paused={}", it.max, it.level, it.paused))
        };
        tracing::info!(
            target: "throttle::audit",
            action = kind.name(),
            // Quoted: in a line of text, what somebody has written must not look like a field.
            by = ?by,
            why = why.as_ref().map(|why| tracing::field::debug(why.as_str())),
            peer = peer.map(tracing::field::display),
            semaphore = semaphore.as_ref().map(|name| tracing::field::debug(name.as_str())),
            before = state(before),
            after = state(after),
            locks,
            "an operator acted"
        );
        self.0.metrics.operated(*kind);
        self.0.journal.operated(operated);
    }
}
