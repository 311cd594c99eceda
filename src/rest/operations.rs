//! What operators and browsers ask for: greeting, health, version, metrics, and what is not there.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::Rest;
use super::answer::{Answer, Failure};
use super::params::{Name, Params};
use crate::engine::SemaphoreName;
use crate::{dashboard, metrics as figures};

/// An engine that does not answer in this time is not well.
const HEALTH_LIMIT: Duration = Duration::from_secs(2);

const NOT_FOUND: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Not found</title></head>\n\
    <body><h1>Not found</h1><p>There is nothing here. The <a href=\"/\">dashboard</a> is at the root.</p></body>\n</html>\n";

pub(super) async fn greet(State(rest): State<Rest>, headers: HeaderMap) -> Answer {
    let vary = [(header::VARY, "Accept")];
    if !wants_html(&headers) {
        return Ok((vary, "Hello from Throttle!").into_response());
    }
    let semaphores = rest.0.engine.read(|engine| engine.semaphores().collect::<Vec<_>>()).await?;
    let page = dashboard::page(&semaphores, rest.0.clock.now());
    let guards = [
        (header::CONTENT_SECURITY_POLICY, dashboard::CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((vary, guards, Html(page)).into_response())
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

pub(super) async fn stylesheet() -> Response {
    let css = (header::CONTENT_TYPE, "text/css; charset=utf-8");
    ([css, (header::CACHE_CONTROL, "no-cache")], dashboard::STYLESHEET).into_response()
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
    let text = Arc::clone(&rest.0.metrics).scrape(&rest.0.engine, rest.0.clock).await?;
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
