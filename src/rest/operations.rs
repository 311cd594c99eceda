//! What operators and browsers ask for: greeting, health, version, metrics, and what is not there.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::Rest;
use super::answer::{Answer, Failure};
use super::params::{Name, Params};
use crate::engine::SemaphoreName;
use crate::metrics as figures;

/// An engine that does not answer in this time is not well.
const HEALTH_LIMIT: Duration = Duration::from_secs(2);

const NOT_FOUND: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Not found</title></head>\n\
    <body><h1>Not found</h1><p>There is nothing here. The <a href=\"/\">dashboard</a> is at the root.</p></body>\n</html>\n";

/// Programs are greeted, browsers get the dashboard.
pub(super) async fn greet(State(rest): State<Rest>, headers: HeaderMap) -> Response {
    let vary = [(header::VARY, "Accept")];
    if wants_html(&headers)
        && let Some(page) = rest.0.dashboard.page(&headers).await
    {
        return (vary, page).into_response();
    }
    (vary, "Hello from Throttle!").into_response()
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// What the dashboard is made of.
pub(super) async fn dashboard_file(
    State(rest): State<Rest>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    match rest.0.dashboard.file(&name, &headers).await {
        Some(file) => file,
        None => unknown_path(State(rest), method).await,
    }
}

/// Asks the engine, not only the listener: a server that cannot lease anything is not healthy.
pub(super) async fn health(State(rest): State<Rest>) -> Answer {
    match tokio::time::timeout(HEALTH_LIMIT, rest.0.engine.read(|_| ())).await {
        Ok(round_trip) => {
            round_trip?;
            Ok("Ok".into_response())
        }
        Err(_) => {
            let text = "The lease engine does not answer.";
            Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, text))
        }
    }
}

/// For whoever sends clients here: not while those who held something before a restart are still coming back.
pub(super) async fn ready(State(rest): State<Rest>) -> Answer {
    if rest.0.clock.now() < rest.0.ready_from {
        let text = "The server waits for clients to come back after its start.";
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, text));
    }
    health(State(rest)).await
}

pub(super) async fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

pub(super) async fn metrics(State(rest): State<Rest>) -> Answer {
    let metrics = Arc::clone(&rest.0.metrics);
    let text = metrics.scrape(&rest.0.engine, rest.0.clock, rest.0.ready_from).await?;
    Ok(([(header::CONTENT_TYPE, figures::CONTENT_TYPE)], text).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryParams {
    semaphore: Option<Name>,
}

/// The last minutes of all semaphores, or of one.
pub(super) async fn history(
    State(rest): State<Rest>,
    Params(HistoryParams { semaphore }): Params<HistoryParams>,
) -> Answer {
    let name = match semaphore {
        Some(Name(name)) => Some(name.ok_or_else(Failure::unknown_semaphore)?),
        None => None,
    };
    let history = rest.0.feed.history(name.as_ref().map(SemaphoreName::as_str));
    let history = history.ok_or_else(Failure::unknown_semaphore)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], history).into_response())
}

pub(super) async fn unknown_path(State(rest): State<Rest>, method: Method) -> Response {
    if method == Method::GET {
        rest.0.metrics.http().not_found();
    }
    (StatusCode::NOT_FOUND, Html(NOT_FOUND)).into_response()
}
