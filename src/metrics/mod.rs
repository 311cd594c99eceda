//! What Prometheus sees. Every series exists from the start, and labels are configured names only: what a caller
//! sends never becomes one.
//!
//! Counters are counted where things happen, with children that were looked up at the start. What can be read off
//! the engine is read at the scrape, once.

mod http;
mod leases;
mod levels;

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{Encoder, GaugeVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use crate::engine::{SemaphoreSettings, Time};
use crate::feed::Kind;
use crate::runtime::{Clock, EngineGone, Handle, Observer};

pub(crate) use http::{HttpMetrics, RouteMetrics};
use leases::LeaseMetrics;
use levels::Levels;

/// The content type of what [`Metrics::scrape`] returns.
pub(crate) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// All metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    levels: Levels,
    ready: IntGauge,
    peers: IntGauge,
    max_peers: IntGauge,
    sessions: SessionGauge,
    operations: IntCounterVec,
    max_sessions: IntGauge,
    http: HttpMetrics,
}

impl Metrics {
    /// Metrics of a server with these semaphores, and what counts what the engine does.
    ///
    /// # Errors
    /// When two metrics have the same name.
    pub fn new(
        semaphores: &[SemaphoreSettings],
    ) -> prometheus::Result<(Self, impl Observer + use<>)> {
        let registry = Registry::new();
        let leases = LeaseMetrics::new(&registry, semaphores)?;
        let gauge = |name, help| {
            let gauge = IntGauge::new(name, help)?;
            register(&registry, &gauge)?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let ready = gauge("throttle_ready", "1 when locks are granted, as /ready says")?;
        let peers = gauge("throttle_peers", "Peers that are known")?;
        let max_peers = gauge("throttle_peers_max", "Most peers at once")?;
        let sessions = gauge("throttle_sessions", "WebSocket sessions that are open")?;
        let max_sessions = gauge("throttle_sessions_max", "Most WebSocket sessions at once")?;
        let operations = operations(&registry)?;
        register(&registry, &build_info()?)?;
        register_process(&registry)?;
        let metrics = Self {
            levels: Levels::new(&registry, semaphores)?,
            http: HttpMetrics::new(&registry)?,
            ready,
            peers,
            operations,
            max_peers,
            sessions: SessionGauge(sessions),
            max_sessions,
            registry,
        };
        Ok((metrics, leases))
    }

    /// Shows how many peers and sessions there may be.
    pub(crate) fn set_limits(&self, max_peers: usize, max_sessions: usize) {
        self.max_peers.set(i64::try_from(max_peers).unwrap_or(i64::MAX));
        self.max_sessions.set(i64::try_from(max_sessions).unwrap_or(i64::MAX));
    }

    pub(crate) fn http(&self) -> &HttpMetrics {
        &self.http
    }

    /// Counts what an operator did.
    pub(crate) fn operated(&self, action: Kind) {
        self.operations.with_label_values(&[action.name()]).inc();
    }

    /// Counts sessions.
    pub(crate) fn sessions(&self) -> SessionGauge {
        self.sessions.clone()
    }

    /// All that there is to see now, in Prometheus' text format.
    pub(crate) async fn scrape(
        self: Arc<Self>,
        engine: &Handle,
        clock: Clock,
        ready_from: Time,
    ) -> Result<Vec<u8>, Unreadable> {
        let (semaphores, peers) = engine
            .read(|engine| (engine.semaphores().collect::<Vec<_>>(), engine.peer_count()))
            .await?;
        // The engine's own time is that of the last command.
        let now = clock.now();
        // Thousands of semaphores are megabytes of text: not on a thread that others wait for.
        let text = tokio::task::spawn_blocking(move || {
            self.levels.set(&semaphores, now);
            self.ready.set(i64::from(now >= ready_from));
            self.peers.set(i64::try_from(peers).unwrap_or(i64::MAX));
            let mut text = Vec::new();
            TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
            Ok::<_, prometheus::Error>(text)
        });
        Ok(text.await??)
    }
}

/// How many sessions there are.
#[derive(Clone, Debug)]
pub(crate) struct SessionGauge(IntGauge);

/// One session, until it is dropped.
#[derive(Debug)]
pub(crate) struct CountedSession(IntGauge);

impl SessionGauge {
    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.get().try_into().unwrap_or_default()
    }

    /// One more.
    pub(crate) fn enter(&self) -> CountedSession {
        self.0.inc();
        CountedSession(self.0.clone())
    }
}

impl Drop for CountedSession {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Why there are no metrics to see.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
    #[error("metrics cannot be written: {0}")]
    Encode(#[from] prometheus::Error),
    #[error("metrics were not written: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

fn register(
    registry: &Registry,
    metric: &(impl Collector + Clone + 'static),
) -> prometheus::Result<()> {
    registry.register(Box::new(metric.clone()))
}

/// What operators did, by action.
fn operations(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    let opts = Opts::new("throttle_operator_actions_total", "What operators did");
    let operations = IntCounterVec::new(opts, &["action"])?;
    for action in Kind::ACTIONS {
        operations.with_label_values(&[action.name()]);
    }
    register(registry, &operations)?;
    Ok(operations)
}

fn build_info() -> prometheus::Result<GaugeVec> {
    let info = GaugeVec::new(
        Opts::new("throttle_build_info", "Always 1, with the server's version"),
        &["version"],
    )?;
    info.get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?.set(1.0);
    Ok(info)
}

#[cfg(target_os = "linux")]
fn register_process(registry: &Registry) -> prometheus::Result<()> {
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
}

/// Process figures come from `/proc`, which only Linux has.
#[cfg(not(target_os = "linux"))]
fn register_process(_registry: &Registry) -> prometheus::Result<()> {
    Ok(())
}

/// Seconds of a [`Time`] that has passed until `now`.
fn seconds_since(since: Option<Time>, now: Time) -> f64 {
    since.map_or(0.0, |since| now.since(since).as_secs_f64())
}
