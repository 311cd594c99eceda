//! What operators see when they ask: the same as on the dashboard, once.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body::{Asked, Known, Named};
use super::{Operate, Problem};
use crate::engine::Refusal;
use crate::feed::{DETAILS_LIMIT, MAX_DETAILS};

type Answer = Result<Response, Problem>;

/// Of holders, and of those who wait.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    limit: Option<usize>,
}

pub(super) async fn status(State(operate): State<Operate>) -> Answer {
    Ok(json(operate.0.feed.summary().await?))
}

pub(super) async fn semaphores(State(operate): State<Operate>) -> Answer {
    Ok(json(operate.0.feed.semaphores().await?))
}

pub(super) async fn semaphore(
    State(operate): State<Operate>,
    Named(name): Named,
    Asked(Page { limit }): Asked<Page>,
) -> Answer {
    let limit = limit.unwrap_or(DETAILS_LIMIT);
    if limit > MAX_DETAILS {
        return Err(Problem::invalid(format!("limit is at most {MAX_DETAILS}, not {limit}.")));
    }
    let found = operate.0.feed.semaphore(name.clone(), limit).await?;
    let fields = found.ok_or_else(|| Problem::refused(&Refusal::UnknownSemaphore(name)))?;
    Ok(json(format!("{{{fields}}}")))
}

pub(super) async fn peer(State(operate): State<Operate>, Known(peer): Known) -> Answer {
    let fields = operate.0.feed.peer(peer).await?.ok_or_else(Problem::unknown_peer)?;
    Ok(json(format!("{{{fields}}}")))
}

pub(super) fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
