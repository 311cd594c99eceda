//! `throttle health`: asks a server how it is, for container health checks and scripts. One request over plain TCP,
//! answered in time or not at all.

use std::io;
use std::time::Duration;

use axum::http::uri::{Authority, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

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
    let unwell = |why| Unwell { url: url.to_owned(), well, why };
    let server = Server::parse(url).map_err(unwell)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| unwell(Why::Unreachable(error)))?;
    let answer = runtime.block_on(async { timeout(LIMIT, server.get(route)).await });
    // A name may still be looked up, which nobody can stop: it is not waited for.
    runtime.shutdown_background();
    judge(&answer.map_err(|_| unwell(Why::Silent))?.map_err(unwell)?).map_err(unwell)?;
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
    #[error("the address must be like http://host:8000")]
    Address,
    #[error("it must be asked without TLS: the address must be like http://host:8000")]
    Tls,
    #[error("{0}")]
    Unreachable(#[from] io::Error),
    #[error("no answer within {LIMIT:?}")]
    Silent,
    #[error("what answers there is no throttle server")]
    Foreign,
    #[error("{0}")]
    Says(String),
}

/// Where to ask.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    authority: Authority,
    /// That of the server, without a slash at the end.
    path: String,
}

impl Server {
    /// Reads what `throttle lock` reads too.
    fn parse(url: &str) -> Result<Self, Why> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => {}
            "https" | "wss" => return Err(Why::Tls),
            _ => return Err(Why::Address),
        }
        let uri: Uri = format!("http://{rest}").parse().map_err(|_| Why::Address)?;
        let authority = uri.authority().ok_or(Why::Address)?.clone();
        let has_port = authority.as_str() != authority.host();
        if authority.as_str().contains('@') || (has_port && authority.port_u16().is_none()) {
            return Err(Why::Address);
        }
        let path = uri.path().trim_end_matches('/');
        Ok(Self { authority, path: path.strip_suffix("/ws").unwrap_or(path).to_owned() })
    }

    /// The whole answer to a request for the route.
    async fn get(&self, route: &str) -> Result<String, Why> {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = self.authority.port_u16().unwrap_or(80);
        let mut stream = TcpStream::connect((host, port)).await?;
        let Self { authority, path } = self;
        let request =
            format!("GET {path}{route} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

fn judge(answer: &str) -> Result<(), Why> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(Why::Foreign)?;
    let status = head.lines().next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
    let status = status.ok_or(Why::Foreign)?;
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
    fn addresses_have_many_forms() {
        for (url, authority, path) in [
            ("http://localhost:8000", "localhost:8000", ""),
            ("HTTP://localhost:8000/", "localhost:8000", ""),
            ("localhost:8000", "localhost:8000", ""),
            ("ws://example.org/ws", "example.org", ""),
            ("http://example.org:1/a/b/", "example.org:1", "/a/b"),
            ("http://[::1]:8000", "[::1]:8000", ""),
        ] {
            let server = Server::parse(url).unwrap();
            assert_eq!(
                (server.authority.as_str(), server.path.as_str()),
                (authority, path),
                "{url}"
            );
        }
        for url in ["", "http://", "ftp://a", "http://a:b", "http://a:65536", "http://u@a", "a b"] {
            assert!(matches!(Server::parse(url), Err(Why::Address)), "{url}");
        }
        assert!(matches!(Server::parse("https://a"), Err(Why::Tls)));
    }

    #[test]
    fn only_the_answer_of_a_server_that_is_well_will_do() {
        let why = |answer: &str| judge(answer).unwrap_err().to_string();
        assert!(judge("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOk").is_ok());
        assert_eq!(
            why("HTTP/1.1 503 Service Unavailable\r\n\r\nNo.\x1b\nMore"),
            "503 Service Unavailable: No."
        );
        assert_eq!(why("HTTP/1.1 404 Not Found\r\n\r\n"), "404 Not Found");
        for foreign in ["", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n\r\n<html>"] {
            assert!(matches!(judge(foreign), Err(Why::Foreign)), "{foreign}");
        }
    }
}
