//! The server, as operators' commands reach it: HTTP requests, one after the other, each bounded in time and in size.
//! It follows no redirects and asks no proxy, so that a token goes to nobody but the server.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, Method, Request, Response, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body};

use super::answer::{self, Answer};
use super::failure::Failure;
use crate::access::Token;
use crate::cli::Reach;

pub(super) use super::address::base;
pub(super) use super::answer::said;

/// Until there is a connection, each address of the server included.
const CONNECT: Duration = Duration::from_secs(3);

/// Until all of the answer is there.
const ANSWER: Duration = Duration::from_secs(5);

/// Largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// A running server.
pub(super) struct Server {
    agent: Agent,
    base: String,
    token: Option<Token>,
}

impl Server {
    /// Nothing is sent yet.
    pub(super) fn new(reach: &Reach) -> Result<Self, Failure> {
        let base = base(reach.server(), "--server")?;
        let token = reach.token().map_err(Failure::Usage)?;
        let agent = agent(&base, reach.ca(), CONNECT, ANSWER)?;
        Ok(Self { agent, base, token })
    }

    /// Its URL, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.base
    }

    /// Looks, and changes nothing.
    pub(super) fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(Method::GET, path)
    }

    /// Looks, and understands.
    pub(super) fn look<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.understand(&self.get(path)?)
    }

    /// Removes what is there.
    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.understand(&self.ask(Method::DELETE, path)?)
    }

    /// Acts.
    pub(super) fn act<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_string(body).unwrap_or_default();
        let request = self.request(method.clone(), path);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        let request = request.map_err(|error| self.misfit(&error))?;
        let answer = self.read(self.agent.run(request), &method)?;
        self.understand(&answer)
    }

    /// What an answer says.
    pub(super) fn understand<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        serde_json::from_str(&answer.body).map_err(|error| answer::odd(&self.base, &error))
    }

    fn ask(&self, method: Method, path: &str) -> Result<Answer, Failure> {
        let request = self.request(method.clone(), path).body(());
        let request = request.map_err(|error| self.misfit(&error))?;
        self.read(self.agent.run(request), &method)
    }

    fn request(&self, method: Method, path: &str) -> ureq::http::request::Builder {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        request = request.header(header::ACCEPT, "application/json");
        match &self.token {
            Some(token) => {
                request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret()))
            }
            None => request,
        }
    }

    fn read(
        &self,
        response: Result<Response<Body>, ureq::Error>,
        method: &Method,
    ) -> Result<Answer, Failure> {
        let unreached = |error| answer::unreached(&self.base, &error, *method == Method::GET);
        let mut response = response.map_err(unreached)?;
        let (status, at_ms) = (response.status(), time(response.headers()));
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
        let body = body.map_err(unreached)?;
        if status.is_success() {
            return Ok(Answer { body, at_ms });
        }
        let is_problem = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        Err(answer::refused(&self.base, status, &body, is_problem, self.token.is_some()))
    }

    fn misfit(&self, error: &ureq::http::Error) -> Failure {
        Failure::Usage(format!("cannot ask {}: {error}", self.base))
    }
}

/// Asks the server whose URL begins so, with a limit until there is a connection, and one until all of the answer is
/// there.
pub(super) fn agent(
    base: &str,
    ca: Option<&Path>,
    connect: Duration,
    answer: Duration,
) -> Result<Agent, Failure> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("throttle/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(connect))
        .timeout_global(Some(answer))
        // A connection that is kept may be one to a server that has ended.
        .max_idle_connections(0);
    if base.starts_with("https:") {
        config = config.tls_config(tls(ca)?);
    }
    Ok(config.build().new_agent())
}

/// The server's time, in milliseconds since the Unix epoch: only by it do the times make sense that it tells.
fn time(headers: &HeaderMap) -> u64 {
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let since = date.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn tls(ca: Option<&Path>) -> Result<TlsConfig, Failure> {
    let certificates = match ca {
        Some(path) => named(path)?,
        None => {
            let found = rustls_native_certs::load_native_certs().certs;
            found.iter().map(|it| Certificate::from_der(it).to_owned()).collect()
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&certificates));
    Ok(config.build())
}

fn named(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let name = path.display();
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::Usage(format!("cannot read certificates from {name}: {error}"))
    };
    let pem = fs::read(path).map_err(|error| wrong(&error))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(&error))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong(&"there are none in it"));
    }
    Ok(certificates)
}
