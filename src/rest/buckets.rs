//! Permits of buckets: reserved, given up, and buckets that are closed for a while. Who reserves need not be a peer.

use axum::Json as JsonBody;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Rest;
use super::answer::{Answer, Failure, Source};
use super::body::JsonObject;
use super::declared::Declared;
use super::params::{Humantime, Name};
use crate::body::{Object, Strict};
use crate::engine::{Command, Engine, Fence, Refusal, Reply, SemaphoreName, Span, Time};
use crate::feed::ExactMillis;

/// The bucket in the path.
pub(super) struct Bucket(SemaphoreName);

/// The bucket and the permit in the path.
pub(super) struct Permit {
    name: SemaphoreName,
    permit: Fence,
}

impl<S: Send + Sync> FromRequestParts<S> for Bucket {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path = Path::<Name>::from_request_parts(parts, state).await;
        let Path(Name(name)) = path.map_err(IntoResponse::into_response)?;
        name.map(Self).ok_or_else(|| unknown().into_response())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Permit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path = Path::<(Name, u64)>::from_request_parts(parts, state).await;
        let Path((Name(name), permit)) = path.map_err(IntoResponse::into_response)?;
        let name = name.ok_or_else(|| unknown().into_response())?;
        Ok(Self { name, permit: Fence(permit) })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReserveBody {
    #[serde(default = "one")]
    count: i64,
    max_wait: Option<Humantime>,
    declare: Option<Strict<Declared>>,
}

impl Object for ReserveBody {
    const EXAMPLE: &str = r#"{"count":1,"max_wait":"10s"}"#;
}

const fn one() -> i64 {
    1
}

/// A permit as it is told.
#[derive(Serialize)]
struct Reserved {
    permit: u64,
    count: i64,
    wait_ms: u64,
    valid_at_ms: u64,
    expires_at_ms: u64,
}

pub(super) async fn reserve(
    State(rest): State<Rest>,
    Bucket(name): Bucket,
    JsonObject(ReserveBody { count, max_wait, declare }): JsonObject<ReserveBody>,
) -> Answer {
    let max_wait = max_wait.map(Humantime::span);
    let declared = declare.map(|Strict(it)| it.bucket(name.clone()).map(Box::new)).transpose()?;
    let reserve = Command::Reserve { name: name.clone(), count, max_wait, declared };
    match rest.apply(reserve).await? {
        Ok(Reply::Reserved { permit, from, until }) => {
            let wait = from.since(rest.0.clock.now());
            // Rounded up: whoever waits so long is not too early.
            let valid_at_ms = from.since(Time::default()).millis_up();
            let expires_at_ms = valid_at_ms + until.since(from).as_micros() / 1_000;
            let (permit, wait_ms) = (permit.0, wait.millis_up());
            let reserved = Reserved { permit, count, wait_ms, valid_at_ms, expires_at_ms };
            Ok(JsonBody(reserved).into_response())
        }
        Ok(reply) => Err(Failure::misunderstood(&reply)),
        Err(busy @ Refusal::Busy { .. }) => busy_because(&rest, name, &busy).await,
        Err(refusal) => refused(&refusal),
    }
}

/// That too many wait is not the only reason.
async fn busy_because(rest: &Rest, name: SemaphoreName, busy: &Refusal) -> Answer {
    let asked = name.clone();
    let look = move |engine: &Engine| {
        let paused = engine.semaphore(asked.as_str()).is_some_and(|it| it.paused);
        (paused, engine.is_recovering())
    };
    let text = match rest.0.engine.read(look).await? {
        (true, _) => format!("{name:?} is paused by an operator; try again in {RETRY}"),
        (false, true) => {
            format!("the server was started just now, and gives nothing yet; try again in {RETRY}")
        }
        (false, false) => return refused(busy),
    };
    Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, text).retry_after(Some(RETRY)))
}

pub(super) async fn give_up(State(rest): State<Rest>, Permit { name, permit }: Permit) -> Answer {
    match rest.apply(Command::Unreserve { name, permit }).await? {
        Ok(_) => Ok("Ok".into_response()),
        Err(refusal) => refused(&refusal),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThrottledBody {
    retry_after: Humantime,
}

impl Object for ThrottledBody {
    const EXAMPLE: &str = r#"{"retry_after":"30s"}"#;
}

pub(super) async fn throttled(
    State(rest): State<Rest>,
    Bucket(name): Bucket,
    JsonObject(ThrottledBody { retry_after }): JsonObject<ThrottledBody>,
) -> Answer {
    let retry_after = retry_after.span();
    match rest.apply(Command::BackOff { peer: None, name, retry_after }).await? {
        Ok(_) => Ok("Ok".into_response()),
        Err(refusal) => refused(&refusal),
    }
}

/// A bucket as it is shown.
#[derive(Serialize)]
struct Shown {
    name: String,
    capacity: u32,
    refill: u32,
    every_ms: ExactMillis,
    available: i64,
    reserved: u64,
    waiting: u64,
    closed_for_ms: u64,
    paused: bool,
}

pub(super) async fn show(State(rest): State<Rest>, Bucket(name): Bucket) -> Answer {
    // Time has to pass first: a view is as of the last command.
    _ = rest.apply(Command::Expire).await?;
    let read = rest.0.engine.read(move |engine| (engine.now(), engine.semaphore(name.as_str())));
    let (now, Some(semaphore)) = read.await? else { return Err(unknown()) };
    let Some(bucket) = semaphore.bucket else { return Err(unknown()) };
    let closed = bucket.closed_until.map_or(Span::ZERO, |until| until.since(now));
    Ok(JsonBody(Shown {
        name: semaphore.name.to_string(),
        capacity: semaphore.max.get(),
        refill: bucket.rate.refill().get(),
        every_ms: ExactMillis(bucket.rate.every()),
        available: bucket.available,
        reserved: bucket.reserved,
        waiting: semaphore.pending,
        closed_for_ms: closed.millis_up(),
        paused: semaphore.paused,
    })
    .into_response())
}

/// What is not to be had now may be had later: then that is said, too.
fn refused(refusal: &Refusal) -> Answer {
    let (status, retry_after) = match refusal {
        Refusal::Busy { retry_after, .. } => (StatusCode::TOO_MANY_REQUESTS, Some(*retry_after)),
        Refusal::TooLate { wait, max_wait } => {
            let too_long = Span::from_micros(wait.as_micros() - max_wait.as_micros());
            (StatusCode::TOO_MANY_REQUESTS, Some(too_long))
        }
        Refusal::UnknownSemaphore(_) | Refusal::NotABucket(_) => return Err(unknown()),
        Refusal::UnknownPermit(_) => (StatusCode::NOT_FOUND, None),
        Refusal::InvalidCount { .. } | Refusal::InvalidUse { .. } | Refusal::TooLong { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, None)
        }
        Refusal::Never { .. } => (StatusCode::CONFLICT, None),
        Refusal::UnknownPeer
        | Refusal::Forbidden
        | Refusal::PeerInUse
        | Refusal::Growth { .. }
        | Refusal::Hierarchy { .. }
        | Refusal::AlreadyPending
        | Refusal::Timeout
        | Refusal::RestoreConflict
        | Refusal::Revoked { .. }
        | Refusal::SemaphoreExists(_)
        | Refusal::TooManyKeyed { .. }
        | Refusal::DeclaredOtherwise { .. }
        | Refusal::InUse { .. }
        | Refusal::NotHeld(_)
        | Refusal::NotASemaphore(_)
        | Refusal::TooManySlots { .. }
        | Refusal::TooManySemaphores { .. }
        | Refusal::TooManyPeers { .. } => return Err(Failure::refused(refusal, Source::Body)),
    };
    Err(Failure::new(status, refusal.to_string()).retry_after(retry_after))
}

/// Nobody knows when it is over.
const RETRY: Span = Span::from_secs(1);

fn unknown() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "Unknown bucket")
}
