//! A server in this process, and what its answers look like.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use throttle::app::Server;
use throttle::config::Config;
use throttle::engine::{Count, Level, SemaphoreName, SemaphoreSettings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Whatever has not happened by then is not going to.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json";
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// A running server. It ends with the test.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// An answer, as far as it is part of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

pub(crate) fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    Answer { status, content_type: content_type.to_owned(), body: body.to_owned() }
}

pub(crate) fn text(status: u16, body: &str) -> Answer {
    answer(status, TEXT, body)
}

pub(crate) fn json(status: u16, body: impl ToString) -> Answer {
    answer(status, JSON, &body.to_string())
}

/// A configuration with semaphores given as name, max and level, on a free port.
pub(crate) fn config(semaphores: &[(&str, i64, i32)]) -> Config {
    let semaphores = semaphores.iter().map(|(name, max, level)| {
        let (name, max) = (SemaphoreName::new(name).unwrap(), Count::new(*max).unwrap());
        SemaphoreSettings::semaphore(name, max, Level(*level))
    });
    Config { port: 0, semaphores: semaphores.collect(), ..Config::default() }
}

impl TestServer {
    pub(crate) async fn start(semaphores: &[(&str, i64, i32)]) -> Self {
        Self::with(&config(semaphores)).await
    }

    pub(crate) async fn with(config: &Config) -> Self {
        Self::running(Server::bind(config).unwrap())
    }

    pub(crate) fn running(server: Server) -> Self {
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, client: Client::new(), stop: Some(stop), running }
    }

    /// Begins to shut down.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has shut down.
    pub(crate) async fn ended(self) {
        timeout(DEADLINE, self.running).await.expect("the server does not end").unwrap();
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address)).timeout(DEADLINE)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        send(with_json(self.request(Method::POST, path), body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> Answer {
        send(with_json(self.request(Method::PUT, path), body)).await
    }

    pub(crate) async fn new_peer(&self) -> u64 {
        let opened = self.post("/new_peer", r#"{"expires_in":"5m"}"#).await;
        assert_eq!(opened.status, 200, "{opened:?}");
        opened.body.parse().unwrap()
    }

    /// Acquires, and returns the status.
    pub(crate) async fn acquire(&self, peer: u64, semaphore: &str, count: i64) -> u16 {
        self.put(&format!("/peers/{peer}/{semaphore}"), &count.to_string()).await.status
    }

    pub(crate) async fn is_acquired(&self, peer: u64) -> Answer {
        self.get(&format!("/peers/{peer}/is_acquired")).await
    }

    pub(crate) async fn remainder(&self, semaphore: &str) -> String {
        self.get(&format!("/remainder?semaphore={semaphore}")).await.body
    }

    /// The value of a series, named as in the text format.
    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let metrics = self.get("/metrics").await.body;
        let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map(|value| value.parse().unwrap())
    }

    /// Returns when a series has the value.
    pub(crate) async fn metric_becomes(&self, series: &str, value: f64) {
        eventually(series, || async { self.metric(series).await == Some(value) }).await;
    }
}

pub(crate) fn with_json(request: RequestBuilder, body: &str) -> RequestBuilder {
    request.header("content-type", JSON).body(body.to_owned())
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    read(request.send().await.unwrap()).await
}

pub(crate) async fn read(response: Response) -> Answer {
    let content_type = response.headers().get("content-type");
    let content_type = content_type.map_or("", |value| value.to_str().unwrap()).to_owned();
    let status = response.status().as_u16();
    Answer { status, content_type, body: response.text().await.unwrap() }
}

/// Asks until the answer is yes.
pub(crate) async fn eventually<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    let deadline = Instant::now() + DEADLINE;
    while !condition().await {
        assert!(Instant::now() < deadline, "it does not happen: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
