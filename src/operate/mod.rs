//! What operators do, over HTTP: they look, and they act. The routes are JSON, refusals are problems (RFC 9457), and
//! every action is on record: in the log, among the events on the dashboard, and in a counter.
//!
//! Here requests become operations; what they mean is the engine's.

mod audit;
mod body;
mod look;
mod peers;
mod problem;
mod reload;
mod semaphores;
mod written;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::Method;
use axum::middleware::map_response;
use axum::routing::any;

use crate::access::{Access, Gate};
use crate::engine::{Command, Operation, Reply};
use crate::feed::{Configured, Feed, Journal};
use crate::metrics::Metrics;
use crate::routing::{Interface, Routes};
use crate::runtime::Handle;

pub use audit::Actor;
pub use problem::Problem;
pub use reload::{Prepare, Prepared, Reload, Reloaded, Source};

/// What the routes need. Clones are the same.
#[derive(Clone)]
pub struct Operate(Arc<Parts>);

/// See [`Operate`].
pub struct Parts {
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// The way to the engine.
    pub engine: Handle,
    /// What there is to see.
    pub feed: Feed,
    /// Where actions are noted.
    pub journal: Journal,
    /// What the configuration file says.
    pub configured: Configured,
    /// Where actions are counted.
    pub metrics: Arc<Metrics>,
    /// Where a new configuration comes from.
    pub reload: Reload,
    /// Largest body that is read.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_read_timeout: Duration,
}

impl Operate {
    /// The state of all routes.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    async fn apply(&self, operation: Operation) -> Result<Reply, Problem> {
        let reply = self.0.engine.apply(Command::Operate(operation)).await?;
        reply.map_err(|refusal| Problem::refused(&refusal))
    }
}

/// All routes.
pub fn router(operate: Operate) -> Interface {
    let (metrics, gate) = (Arc::clone(&operate.0.metrics), Arc::clone(&operate.0.gate));
    let unknown_path = any(unknown_path).with_state(operate.clone());
    let mut interface = Routes::new(metrics.http(), gate)
        .get(Access::Observe, "/operate/status", look::status)
        .get(Access::Observe, "/operate/semaphores", look::semaphores)
        .post(Access::Operate, "/operate/semaphores", semaphores::create)
        .get(Access::Observe, "/operate/semaphores/{name}", look::semaphore)
        .patch(Access::Operate, "/operate/semaphores/{name}", semaphores::change)
        .delete(Access::Operate, "/operate/semaphores/{name}", semaphores::delete)
        .post(Access::Operate, "/operate/semaphores/{name}/free", semaphores::free)
        .get(Access::Observe, "/operate/peers/{id}", look::peer)
        .post(Access::Operate, "/operate/peers/{id}/revoke", peers::revoke)
        .post(Access::Operate, "/operate/reload", reload::reload)
        .complete(operate);
    // Whoever is not let in is told so in plain words elsewhere.
    let router = interface.router.route("/operate/{*path}", unknown_path);
    interface.router = router.layer(map_response(Problem::of));
    interface
}

async fn unknown_path(State(operate): State<Operate>, method: Method) -> Problem {
    if method == Method::GET {
        operate.0.metrics.http().not_found();
    }
    Problem::unknown_path()
}
