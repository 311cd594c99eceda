//! Who did what, why, and what it was before: told in the log, among the events, and in a counter.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Operate;
use crate::access::{Caller, SIGHUP};
use crate::feed::Operated;
use crate::routing::Remote;

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    name: String,
    /// Where the request comes from.
    remote: Option<SocketAddr>,
}

impl Actor {
    /// Whoever can send signals to the process.
    pub fn signal() -> Self {
        Self { name: SIGHUP.to_owned(), remote: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }
}

impl FromRequestParts<Operate> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Operate) -> Result<Self, Infallible> {
        let remote = parts.extensions.get::<Remote>().map(|Remote(remote)| *remote);
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self { name: caller.to_string(), remote })
    }
}

impl Operate {
    /// Puts an action on record that has changed something.
    pub(super) fn record(&self, actor: &Actor, operated: Operated) {
        self.0.metrics.operated(operated.kind);
        self.note(actor, operated);
    }

    /// Puts an action on record, whatever has come of it.
    pub(super) fn note(&self, actor: &Actor, operated: Operated) {
        let Operated { kind, by, why, peer, peers, semaphore, before, after, locks, grace } =
            &operated;
        let state = |state: &Option<crate::engine::SemaphoreState>| {
            state.map(|it| match it.rate {
                None => {
                    format!("max={} level={} paused={}{}", it.max, it.level, it.paused, it.manners)
                }
                Some(rate) => {
                    let (refill, every, slop) = (rate.refill(), rate.every(), rate.slop);
                    format!(
                        "capacity={} refill={refill} every={every} max_reserved={} slop={slop} paused={}",
                        it.max, rate.max_reserved, it.paused
                    )
                }
            })
        };
        tracing::info!(
            target: "throttle::audit",
            action = kind.name(),
            // Quoted: in a line of text, what somebody has written must not look like a field.
            by = ?by,
            remote = actor.remote().map(tracing::field::display),
            why = why.as_ref().map(|why| tracing::field::debug(why.as_str())),
            peer = peer.map(tracing::field::display),
            peers,
            semaphore = semaphore.as_ref().map(|name| tracing::field::debug(name.as_str())),
            before = state(before),
            after = state(after),
            locks,
            grace = grace.map(tracing::field::display),
            "an operator acted"
        );
        self.0.journal.operated(operated);
    }
}
