//! All interfaces, put together: what each of them needs, and what they share.

use std::sync::Arc;

use super::notify;
use super::signal::Hangups;
use super::tls::{Certificates, Renewal};
use crate::access::Gate;
use crate::config::Config;
use crate::dashboard::Dashboard;
use crate::engine::{Span, Time};
use crate::feed::{self, Configured, Feed, Journal};
use crate::metrics::Metrics;
use crate::operate::{self, Actor, Operate, Prepared, Reload, Source};
use crate::rest::{self, Rest};
use crate::routing::Interface;
use crate::runtime::{Clock, Handle};
use crate::shutdown::Shutdown;
use crate::ws::{self, Sockets};

/// Before this time, those who held something before the start come back.
pub(super) fn grants_from(config: &Config, clock: Clock) -> Time {
    clock.started_at().after(Span::from(config.recovery_grace))
}

/// Does what does not end by itself, until everything is over: it must not keep the engine.
pub(super) async fn until_over<T>(work: impl Future<Output = T>, shutdown: Shutdown) {
    tokio::select! {
        _ = work => {}
        () = shutdown.over() => {}
    }
}

pub(super) fn feed(
    config: &Config,
    engine: Handle,
    clock: Clock,
    journal: Journal,
    metrics: &Metrics,
    configured: &Configured,
) -> Feed {
    let sessions = metrics.sessions();
    Feed::new(feed::Parts {
        engine,
        clock,
        journal,
        configured: configured.clone(),
        epoch: epoch(clock),
        ready_from: grants_from(config, clock),
        sessions: Box::new(move || sessions.count()),
    })
}

/// What operators can do.
pub(super) fn operate(
    site: &Site<'_>,
    engine: Handle,
    journal: Journal,
    configured: Configured,
    reload: Reload,
) -> Operate {
    Operate::new(operate::Parts {
        engine,
        feed: site.feed.clone(),
        journal,
        configured,
        metrics: Arc::clone(&site.metrics),
        reload,
        gate: Arc::clone(&site.gate),
        max_body_bytes: site.config.limits.max_body_bytes,
        body_read_timeout: site.config.limits.body_read_timeout,
    })
}

/// A file that is empty, or cut off, must not let in everybody.
const UNGUARDED: &str = "there are no tokens any more, which would let in everybody: if that is meant, say `insecure = true`, \
    or start the server again";

/// Where a new configuration comes from, and who takes it besides the engine: those who are let in, and certificates.
pub(super) fn reload(
    site: &Site<'_>,
    certificates: Option<Arc<Certificates>>,
    source: Option<Source>,
) -> Reload {
    let gate = Arc::clone(&site.gate);
    let prepare = move |config: &Config| {
        if gate.is_guarded() && config.tokens.is_empty() && !config.insecure {
            return Err(UNGUARDED.to_owned());
        }
        let renewed = certificates.as_ref().map(Certificates::prepare).transpose();
        let renewed = renewed.map_err(|error| error.to_string())?;
        let certificate = renewed.as_ref().and_then(Renewal::change);
        let (gate, tokens) = (Arc::clone(&gate), config.tokens.clone());
        let take = Box::new(move || {
            gate.admit_only(&tokens);
            renewed.into_iter().for_each(Renewal::take);
        });
        Ok(Prepared { take, certificate })
    };
    Reload::new(source, Arc::new(prepare), site.config.clone())
}

/// Reads the configuration again whenever the process is told to, until everything is over: it must not keep the
/// engine.
pub(super) async fn reload_when_told(operate: Operate, shutdown: Shutdown) {
    let mut hangups = match Hangups::new() {
        Ok(hangups) => hangups,
        Err(error) => return tracing::warn!(%error, "SIGHUP cannot be received"),
    };
    let actor = Actor::signal();
    loop {
        tokio::select! {
            () = hangups.next() => {}
            () = shutdown.over() => return,
        }
        notify::reloading();
        match operate.reload(&actor, None).await {
            Ok(_) => {
                tracing::info!("the configuration was read again");
                notify::ready("The configuration was read again.");
            }
            Err(problem) => {
                tracing::error!("the configuration stays as it was: {}", problem.detail());
                notify::ready("The configuration has problems and stays as it was: see the log.");
            }
        }
    }
}

/// Changes when the memory is lost: it is as old as the process.
fn epoch(clock: Clock) -> String {
    format!("{:x}", clock.started_at().as_micros())
}

/// What all interfaces share.
pub(super) struct Site<'a> {
    pub(super) config: &'a Config,
    pub(super) gate: Arc<Gate>,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) feed: &'a Feed,
    pub(super) shutdown: &'a Shutdown,
}

/// All interfaces.
pub(super) fn router(
    site: &Site<'_>,
    engine: Handle,
    dashboard: Dashboard,
    max_connections: usize,
    operate: Operate,
) -> Interface {
    let Site { config, gate, clock, metrics, feed, shutdown } = site;
    let sessions = &config.sessions;
    let sockets = Sockets::new(ws::Parts {
        engine: engine.clone(),
        clock: *clock,
        gate: Arc::clone(gate),
        metrics: Arc::clone(metrics),
        feed: (*feed).clone(),
        shutdown: (*shutdown).clone(),
        epoch: epoch(*clock),
        max_frame_bytes: config.limits.max_body_bytes,
        max_sessions: max_sessions(config, max_connections),
        max_peers: sessions.max_peers_per_connection,
        max_expires_in: config.limits.max_expires_in,
        heartbeat: sessions.heartbeat,
        hello_timeout: sessions.hello_timeout,
    });
    let rest = Rest::new(rest::Parts {
        engine,
        gate: Arc::clone(gate),
        clock: *clock,
        metrics: Arc::clone(metrics),
        feed: (*feed).clone(),
        dashboard,
        shutdown: (*shutdown).clone(),
        ready_from: grants_from(config, *clock),
        max_expires_in: config.limits.max_expires_in,
        expiry_grace: config.expiry_grace.into(),
        max_body_bytes: config.limits.max_body_bytes,
        body_read_timeout: config.limits.body_read_timeout,
    });
    rest::router(rest).and(ws::router(sockets)).and(operate::router(operate))
}

/// How many of the connections may be sessions: unless it is said, one in 16 is left to others.
pub(super) fn max_sessions(config: &Config, connections: usize) -> usize {
    config.sessions.max_sessions.unwrap_or_else(|| (connections - connections / 16).max(1))
}
