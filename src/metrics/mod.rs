//! What Prometheus sees. Every series exists from the start, and labels are configured names only: what a caller
//! sends never becomes one.
//!
//! Counters are counted where things happen, with children that were looked up at the start. What can be read off
//! the engine is read at the scrape, once. There may be thousands of semaphores, with megabytes of text about them, and
//! nobody is to wait for that: they are read page by page, written elsewhere, and sent piece by piece. One text is written
//! at a time, and few are there at once.

mod http;
mod leases;
mod levels;
mod scrape;
mod text;
mod texts;

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{GaugeVec, IntCounterVec, IntGauge, Opts, Registry};
use tokio::sync::Mutex;

use crate::engine::{SemaphoreSettings, Time};
use crate::feed::Kind;
use crate::runtime::Observer;

pub(crate) use http::{HttpMetrics, RouteMetrics};
use leases::LeaseMetrics;
use levels::Levels;
pub(crate) use scrape::Unreadable;
use texts::Texts;

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
    /// Locked by whoever writes one.
    texts: Arc<Mutex<Texts>>,
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
            texts: Arc::default(),
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
