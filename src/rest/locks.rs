//! Locks: given up, and asked about.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::Rest;
use super::answer::{Answer, Failure, Source};
use super::params::{Name, Params, Peer, PeerAndSemaphore};
use crate::engine::{Command, SemaphoreView};

pub(super) async fn leave(
    State(rest): State<Rest>,
    PeerAndSemaphore { peer, name }: PeerAndSemaphore,
) -> Answer {
    match rest.apply(Command::Leave { peer, name }).await? {
        Ok(_) => Ok("Ok".into_response()),
        Err(refusal) => Err(Failure::refused(&refusal, Source::Query)),
    }
}

pub(super) async fn is_acquired(State(rest): State<Rest>, Peer(peer): Peer) -> Answer {
    let peer = rest.0.engine.read(move |engine| engine.peer(peer)).await?;
    match peer {
        Some(peer) => Ok(Json(peer.pending.is_none()).into_response()),
        None => Err(Failure::unknown_peer()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemainderParams {
    semaphore: Name,
}

pub(super) async fn remainder(
    State(rest): State<Rest>,
    Params(RemainderParams { semaphore: Name(name) }): Params<RemainderParams>,
) -> Answer {
    let name = name.ok_or_else(Failure::unknown_semaphore)?;
    let semaphore = rest.0.engine.read(move |engine| engine.semaphore(name.as_str())).await?;
    match semaphore.as_ref().map(SemaphoreView::remainder) {
        Some(remainder) => Ok(Json(remainder).into_response()),
        None => Err(Failure::unknown_semaphore()),
    }
}
