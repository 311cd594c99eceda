//! All interfaces, put together: what each of them needs, and what they share.

use std::sync::Arc;

use crate::access::Gate;
use crate::config::Config;
use crate::dashboard::Dashboard;
use crate::engine::{Span, Time};
use crate::feed::{self, Feed, Journal};
use crate::metrics::Metrics;
use crate::rest::{self, Rest};
use crate::routing::Interface;
use crate::runtime::{Clock, Handle};
use crate::shutdown::Shutdown;
use crate::ws::{self, Sockets};

/// Before this time, those who held something before the start come back.
pub(super) fn grants_from(config: &Config, clock: Clock) -> Time {
    clock.started_at().after(Span::from(config.recovery_grace))
}

/// Until everything is over: it must not keep the engine.
pub(super) async fn look(feed: Feed, shutdown: Shutdown) {
    tokio::select! {
        () = feed.run() => {}
        () = shutdown.over() => {}
    }
}

pub(super) fn feed(
    config: &Config,
    engine: Handle,
    clock: Clock,
    journal: Journal,
    metrics: &Metrics,
) -> Feed {
    let sessions = metrics.sessions();
    Feed::new(feed::Parts {
        engine,
        clock,
        journal,
        epoch: epoch(clock),
        ready_from: grants_from(config, clock),
        sessions: Box::new(move || sessions.count()),
    })
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
) -> Interface {
    let Site { config, gate, clock, metrics, feed, shutdown } = site;
    let sessions = &config.sessions;
    let sockets = Sockets::new(ws::Parts {
        engine: engine.clone(),
        gate: Arc::clone(gate),
        metrics: Arc::clone(metrics),
        feed: (*feed).clone(),
        shutdown: (*shutdown).clone(),
        epoch: epoch(*clock),
        max_frame_bytes: config.limits.max_body_bytes,
        max_sessions: sessions.max_sessions.unwrap_or_else(|| share(max_connections)),
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
    rest::router(rest).and(ws::router(sockets))
}

/// How many of the connections may be sessions: one in 16 is left to others.
fn share(connections: usize) -> usize {
    (connections - connections / 16).max(1)
}
