//! The REST interface. Statuses, texts and types are what deployed clients rely on: they match some of them word
//! for word. Here requests become commands and replies become answers; nothing is decided here about leases.

mod acquire;
mod answer;
mod body;
mod buckets;
mod declared;
mod locks;
mod operations;
mod params;
mod peers;
mod roster;

use std::sync::Arc;
use std::time::Duration;

use crate::access::{Access, Gate};
use crate::dashboard::Dashboard;
use crate::engine::{Command, Refusal, Reply, Span, Time};
use crate::feed::Feed;
use crate::metrics::Metrics;
use crate::routing::{Interface, Routes};
use crate::runtime::{Clock, EngineGone, Handle};
use crate::shutdown::Shutdown;

/// What the routes need.
#[derive(Clone, Debug)]
pub struct Rest(Arc<Parts>);

/// See [`Rest`].
#[derive(Debug)]
pub struct Parts {
    /// The way to the engine.
    pub engine: Handle,
    /// The time as the engine sees it.
    pub clock: Clock,
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What operators see.
    pub feed: Feed,
    /// What browsers get.
    pub dashboard: Dashboard,
    /// Sends blocked callers away.
    pub shutdown: Shutdown,
    /// The longest duration that is accepted.
    pub max_expires_in: Span,
    /// How much longer than it asked for a peer lives.
    pub expiry_grace: Span,
    /// From when on locks are granted.
    pub ready_from: Time,
    /// Largest body that is read.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_read_timeout: Duration,
}

impl Rest {
    /// The state of all routes.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// How long a peer lives that asked for `expires_in`. "At once" stays at once, and too long stays too long.
    fn time_to_live(&self, expires_in: Span) -> Span {
        let Parts { max_expires_in, expiry_grace, .. } = &*self.0;
        if expires_in == Span::ZERO || expires_in > *max_expires_in {
            return expires_in;
        }
        expires_in.plus(*expiry_grace).min(*max_expires_in)
    }

    fn apply(
        &self,
        command: Command,
    ) -> impl Future<Output = Result<Result<Reply, Refusal>, EngineGone>> + Send + '_ {
        self.0.engine.apply(command)
    }
}

/// All routes of the REST interface, and the answer to all unknown ones.
///
/// Nobody needs a token to ask whether the server is there and well: load balancers and orchestrators have none, and
/// what they learn is no secret. The same goes for the page and its files, which have to be there for somebody to sign
/// in.
pub fn router(rest: Rest) -> Interface {
    let Parts { metrics, gate, .. } = &*rest.0;
    let (metrics, gate) = (Arc::clone(metrics), Arc::clone(gate));
    Routes::new(metrics.http(), gate)
        .get(Access::Anyone, "/", operations::greet)
        .get(Access::Anyone, "/web/{*file}", operations::dashboard_file)
        .get(Access::Anyone, "/health", operations::health)
        .get(Access::Anyone, "/ready", operations::ready)
        .get(Access::Anyone, "/version", operations::version)
        .get(Access::Observe, "/metrics", operations::metrics)
        .get(Access::Observe, "/history", operations::history)
        .directly(|routes| {
            routes
                .post(Access::Lease, "/new_peer", peers::open)
                .post(Access::Lease, "/restore", peers::restore)
                .post(Access::Lease, "/remove_expired", peers::remove_expired)
                .get(Access::Observe, "/peers/", roster::list)
                .put(Access::Lease, "/peers/{id}", peers::keep_alive)
                .delete(Access::Lease, "/peers/{id}", peers::close)
                .put(Access::Lease, "/peers/{id}/{semaphore}", acquire::acquire)
                .delete(Access::Lease, "/peers/{id}/{semaphore}", locks::leave)
                .get(Access::Observe, "/peers/{id}/is_acquired", locks::is_acquired)
                // A semaphore may be called so, too.
                .put(Access::Lease, "/peers/{id}/is_acquired", acquire::acquire)
                .delete(Access::Lease, "/peers/{id}/is_acquired", locks::leave)
                .get(Access::Observe, "/remainder", locks::remainder)
        })
        .post(Access::Lease, "/buckets/{name}/permits", buckets::reserve)
        .delete(Access::Lease, "/buckets/{name}/permits/{permit}", buckets::give_up)
        .post(Access::Lease, "/buckets/{name}/throttled", buckets::throttled)
        .get(Access::Observe, "/buckets/{name}", buckets::show)
        .otherwise(operations::unknown_path, rest)
}
