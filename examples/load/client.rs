//! The REST interface as calls. Any status but the expected one is an error with the answer's text.

use std::time::Duration;

use serde::de::IgnoredAny;

use crate::{
    Fallible,
    connection::{Answer, Connection},
    request::Request,
    target::Target,
};

/// How long the server may be silent beyond what it was asked to wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Client {
    connection: Connection,
    host: String,
}

impl Client {
    pub(crate) async fn connect(target: &Target) -> Fallible<Self> {
        let connection = at_most(PATIENCE, Connection::open(target)).await?;
        Ok(Client { connection, host: target.host.clone() })
    }

    /// For requests that are built beforehand.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) async fn new_peer(&mut self, expires_in: Duration) -> Fallible<u64> {
        let request = Request::new_peer(&self.host, expires_in);
        at_most(PATIENCE, self.register(&request)).await
    }

    /// Sends a `POST /new_peer` that was built beforehand.
    pub(crate) async fn register(&mut self, request: &Request) -> Fallible<u64> {
        Ok(serde_json::from_slice(self.ok(request).await?)?)
    }

    pub(crate) async fn delete_peer(&mut self, peer: u64) -> Fallible<()> {
        let request = Request::delete_peer(&self.host, peer);
        at_most(PATIENCE, self.ok(&request)).await.map(|_| ())
    }

    /// Makes a semaphore, unless there is one of this name.
    pub(crate) async fn make_semaphore(&mut self, name: &str, max: u32) -> Fallible<()> {
        let body = format!(r#"{{"name":"{name}","max":{max}}}"#);
        let request = Request::json("POST", "/operate/semaphores", &self.host, &body);
        let answer = at_most(PATIENCE, self.connection.exchange(&request)).await?;
        match answer.status {
            201 | 409 => Ok(()),
            _ => Err(unexpected(&request, &answer).into()),
        }
    }

    /// The body of a GET.
    pub(crate) async fn get(&mut self, path: &str) -> Fallible<&[u8]> {
        let request = Request::new("GET", path, &self.host);
        at_most(PATIENCE, self.ok(&request)).await
    }

    /// How many peers the server lists.
    pub(crate) async fn count_peers(&mut self) -> Fallible<usize> {
        let peers: Vec<IgnoredAny> = serde_json::from_slice(self.get("/peers/").await?)?;
        Ok(peers.len())
    }

    /// Whether the server is `examples/baseline`, which keeps no state.
    pub(crate) async fn is_baseline(&mut self) -> Fallible<bool> {
        Ok(self.get("/version").await? == b"baseline")
    }

    /// The body of an answer with status 200. It may take for ever: callers set a limit, one for
    /// many requests where each of them is measured.
    pub(crate) async fn ok(&mut self, request: &Request) -> Fallible<&[u8]> {
        let answer = match self.connection.exchange(request).await {
            Ok(answer) => answer,
            Err(error) => return Err(format!("{}: {error}", request.summary()).into()),
        };
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(unexpected(request, &answer).into()),
        }
    }
}

fn unexpected(request: &Request, answer: &Answer<'_>) -> String {
    let text = String::from_utf8_lossy(answer.body);
    let hint = match (answer.status, text.as_ref()) {
        (202, _) => {
            "\nThe lock is pending: the semaphore has no room for this scenario, or somebody else holds it."
        }
        (400, "Unknown semaphore") => {
            "\nStart the server with `-c examples/load.toml`, or name one of its own semaphores with --semaphore."
        }
        _ => "",
    };
    format!("{} answered {}: {text}{hint}", request.summary(), answer.status)
}

/// Gives up on a server that does not answer.
pub(crate) async fn at_most<T>(
    limit: Duration,
    work: impl Future<Output = Fallible<T>>,
) -> Fallible<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => {
            Err(format!("given up after {} s: the server is too slow", limit.as_secs()).into())
        }
    }
}
