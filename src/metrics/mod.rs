//! What Prometheus sees. Every series exists from the start, and labels are configured names only: what a caller
//! sends never becomes one.
//!
//! Counters are counted where things happen, with children that were looked up at the start. What can be read off
//! the engine is read at the scrape, once. There may be thousands of semaphores, with megabytes of text about them, and
//! nobody is to wait for that: they are read page by page, written elsewhere, and sent piece by piece.

mod http;
mod leases;
mod levels;
mod text;

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{Encoder, GaugeVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use crate::engine::{Engine, SemaphoreSettings, SemaphoreView, Time};
use crate::feed::Kind;
use crate::runtime::{Clock, EngineGone, Handle, Observer};

pub(crate) use http::{HttpMetrics, RouteMetrics};
use leases::LeaseMetrics;
use levels::Levels;
pub(crate) use text::Text;

/// The content type of what [`Metrics::scrape`] returns.
pub(crate) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// So many semaphores are read at once. Nobody else is served meanwhile, for a fraction of a millisecond.
const PAGE: usize = 250;

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
    ) -> Result<Text, Unreadable> {
        let semaphores = read_all(engine).await?;
        let peers = engine.read(Engine::peer_count).await?;
        // The engine's own time is that of the last command.
        let now = clock.now();
        // Not on a thread that others wait for.
        let text = tokio::task::spawn_blocking(move || {
            self.levels.set(&semaphores, now);
            self.ready.set(i64::from(now >= ready_from));
            self.peers.set(i64::try_from(peers).unwrap_or(i64::MAX));
            let mut text = Text::default();
            TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
            Ok::<_, prometheus::Error>(text)
        });
        Ok(text.await??)
    }
}

/// All semaphores, each as it was when its page was read.
async fn read_all(engine: &Handle) -> Result<Vec<SemaphoreView>, EngineGone> {
    let mut all: Vec<SemaphoreView> = Vec::new();
    loop {
        let after = all.last().map(|view| view.name.clone());
        let page = move |engine: &Engine| engine.semaphores_after(after.as_ref(), PAGE);
        let page = engine.read(page).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
        // The engine mostly answers at once: then nobody else would have been served in between.
        tokio::task::yield_now().await;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::engine::{Count, Fence, Level, Limits, SemaphoreName, Settings};
    use crate::runtime;
    use crate::store::Memory;

    #[tokio::test]
    async fn others_get_their_turn_between_two_pages() {
        let semaphore = |at: usize| {
            let name = SemaphoreName::new(&format!("{at}")).unwrap();
            SemaphoreSettings::semaphore(name, Count::new(1).unwrap(), Level(0))
        };
        let semaphores: Vec<_> = (0..4 * PAGE).map(semaphore).collect();
        let (_, observer) = Metrics::new(&semaphores).unwrap();
        let settings = Settings {
            semaphores,
            limits: Limits::default(),
            last_fence: Fence(0),
            grants_from: Time::default(),
        };
        let (engine, driver) =
            runtime::start(Engine::new(settings), Clock::start(), Memory, observer);
        tokio::spawn(driver);
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(read_all(&engine).await.unwrap().len(), 4 * PAGE);
        assert!(turns.load(Ordering::Relaxed) >= 4, "{turns:?}");
    }
}
