//! Acquire: the request that may wait for its answer.

use std::time::Duration;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::Rest;
use super::answer::{Answer, Failure, Source};
use super::body::Json;
use super::params::{Humantime, Params, PeerAndSemaphore};
use crate::engine::{Command, EndReason, Lock, PeerId, Priority, Reply, SemaphoreName, Span, Want};
use crate::runtime::{EngineGone, Verdict};

/// Carries the numbers of the pieces that the lock is for.
const SLOTS: HeaderName = HeaderName::from_static("throttle-slots");

/// So many numbers fit into a header.
const MAX_SLOTS_IN_HEADER: usize = 1_000;

/// Carries the number of the grant.
const FENCE: HeaderName = HeaderName::from_static("throttle-fence");

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AcquireParams {
    block_for: Option<Humantime>,
    expires_in: Option<Humantime>,
}

pub(super) async fn acquire(
    State(rest): State<Rest>,
    PeerAndSemaphore { peer, name }: PeerAndSemaphore,
    Params(params): Params<AcquireParams>,
    Json(count): Json<i64>,
) -> Answer {
    let acquire = Command::Acquire {
        peer,
        want: Want::one(name.clone(), count),
        priority: Priority::default(),
        // The wait outlives the request: the client will ask again.
        timeout: None,
        max_wait: None,
        declared: [].into(),
        expires_in: params.expires_in.map(|expires_in| rest.time_to_live(expires_in.span())),
    };
    let block_for = params.block_for.map_or(Span::ZERO, Humantime::span);
    if block_for > rest.0.max_expires_in {
        return Err(Failure::too_long(rest.0.max_expires_in, Source::Query));
    }
    let block_for = Duration::from(block_for);
    if block_for.is_zero() {
        return answer(peer, &name, rest.apply(acquire).await?, None);
    }
    let answered = rest.0.engine.apply_and_watch(acquire).await?;
    let verdict = match answered.verdict {
        // Boxed: most who acquire do not wait, and need no room for it.
        Some(verdict) => Box::pin(wait(&rest, verdict, block_for)).await?,
        None => None,
    };
    answer(peer, &name, answered.reply, verdict)
}

/// Waits for the end of a wait. `None`: the time is up, or the server's end has come.
async fn wait(
    rest: &Rest,
    verdict: oneshot::Receiver<Verdict>,
    block_for: Duration,
) -> Result<Option<Verdict>, EngineGone> {
    tokio::select! {
        biased;
        verdict = verdict => verdict.map(Some).map_err(|_| EngineGone),
        () = tokio::time::sleep(block_for) => Ok(None),
        () = rest.0.shutdown.draining() => Ok(None),
    }
}

fn answer(
    peer: PeerId,
    name: &SemaphoreName,
    reply: Result<Reply, crate::engine::Refusal>,
    verdict: Option<Verdict>,
) -> Answer {
    match (reply, verdict) {
        (Ok(Reply::Held { locks }), _)
        | (Ok(Reply::Queued { .. }), Some(Verdict::Granted { locks, .. })) => {
            Ok(held(peer, locks.iter().find(|lock| lock.name == *name)))
        }
        (Ok(Reply::Queued { .. }), Some(Verdict::Ended(reason))) => match reason {
            EndReason::Cancelled | EndReason::TimedOut => Ok(pending(peer)),
            EndReason::Closed | EndReason::Expired | EndReason::Disconnected => {
                Err(Failure::unknown_peer())
            }
            EndReason::Revoked => Err(Failure::revoked(None)),
            EndReason::Never => Err(Failure::never_again()),
            EndReason::Deleted => Err(Failure::unknown_semaphore()),
        },
        (Ok(Reply::Queued { .. }), None) => Ok(pending(peer)),
        (Ok(reply), _) => Err(Failure::misunderstood(&reply)),
        (Err(refusal), _) => Err(Failure::refused(&refusal, Source::Query)),
    }
}

fn held(peer: PeerId, lock: Option<&Lock>) -> Response {
    let mut response = JsonBody(peer.number()).into_response();
    if let Some(lock) = lock {
        response.headers_mut().insert(FENCE, lock.fence.0.into());
        if let Some(slots) = slots(lock) {
            response.headers_mut().insert(SLOTS, slots);
        }
    }
    response
}

/// `0,3`; `None`: there are none, or too many.
fn slots(lock: &Lock) -> Option<HeaderValue> {
    let few = (1..=MAX_SLOTS_IN_HEADER).contains(&lock.slots.len());
    let slots = few.then(|| lock.slots.iter().map(u32::to_string).collect::<Vec<_>>().join(","))?;
    HeaderValue::try_from(slots).ok()
}

fn pending(peer: PeerId) -> Response {
    (StatusCode::ACCEPTED, JsonBody(peer.number())).into_response()
}
