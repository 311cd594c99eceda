//! `throttle health`: asks a server how it is, for container health checks and scripts. One request, over TLS too,
//! answered in time or not at all.

use std::io;
use std::time::Duration;

use ureq::Error;

use super::failure::Failure;
use super::server;
use crate::cli::Health;

/// The server gives its engine two seconds. Whoever runs the health check should wait for longer than this.
const LIMIT: Duration = Duration::from_secs(4);

/// Longer answers are none of a throttle server.
const MAX_ANSWER_BYTES: u64 = 8 * 1024;

/// So much of what the server says is passed on.
const MAX_SAID_CHARS: usize = 200;

/// Asks, and returns what there is to say when all is well.
///
/// # Errors
/// When it is not, and when nothing can be told.
pub fn ask(arguments: &Health) -> Result<String, Unwell> {
    let url = arguments.url();
    let (route, well) = if arguments.ready { ("/ready", "ready") } else { ("/health", "healthy") };
    let judged = get(arguments, route).and_then(|(status, body)| judge(&status, &body));
    judged.map_err(|why| Unwell { url: url.to_owned(), well, why })?;
    Ok(format!("{url} is {well}"))
}

/// The server is not well, or not there.
#[derive(Debug, thiserror::Error)]
#[error("{url} is not {well}: {why}")]
pub struct Unwell {
    url: String,
    well: &'static str,
    why: Why,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("{0}")]
    Unaskable(String),
    #[error("{0}")]
    Unreachable(String),
    #[error("no answer within {LIMIT:?}")]
    Silent,
    #[error("what answers there is no throttle server")]
    Foreign,
    #[error("{0}")]
    Says(String),
}

/// The status of the answer, as it is written in the first line of it, and its text. It needs no token.
fn get(arguments: &Health, route: &str) -> Result<(String, String), Why> {
    let base = server::base(arguments.url(), "--url").map_err(unaskable)?;
    let agent = server::agent(&base, arguments.ca(), LIMIT, LIMIT).map_err(unaskable)?;
    let mut response = agent.get(format!("{base}{route}")).call().map_err(|error| why(&error))?;
    let status = response.status().to_string();
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
    body.map(|body| (status, body)).map_err(|error| why(&error))
}

fn unaskable(failure: Failure) -> Why {
    Why::Unaskable(failure.message().unwrap_or_default().to_owned())
}

fn why(error: &Error) -> Why {
    let late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    if matches!(error, Error::Timeout(_)) || matches!(error, Error::Io(error) if late(error)) {
        return Why::Silent;
    }
    if matches!(error, Error::Protocol(_) | Error::BodyExceedsLimit(_)) {
        return Why::Foreign;
    }
    Why::Unreachable(server::said(error))
}

fn judge(status: &str, body: &str) -> Result<(), Why> {
    match (status.split(' ').next(), body) {
        (Some("200"), "Ok") => Ok(()),
        (Some("200"), _) => Err(Why::Foreign),
        (_, _) => Err(Why::Says(said(status, body))),
    }
}

/// One line that does nothing to a terminal.
fn said(status: &str, body: &str) -> String {
    let line = body.lines().next().unwrap_or_default();
    let said = if line.is_empty() { status.to_owned() } else { format!("{status}: {line}") };
    said.chars().filter(|c| !c.is_control()).take(MAX_SAID_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_of_a_server_that_is_well_will_do() {
        let why = |status: &str, body: &str| judge(status, body).unwrap_err().to_string();
        assert!(judge("200 OK", "Ok").is_ok());
        assert_eq!(why("503 Service Unavailable", "No.\x1b\nMore"), "503 Service Unavailable: No.");
        assert_eq!(why("404 Not Found", ""), "404 Not Found");
        assert!(matches!(judge("200 OK", "<html>"), Err(Why::Foreign)));
    }
}
