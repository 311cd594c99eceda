//! What all routes have in common: each says what access it needs, is counted and timed by its pattern, and refuses
//! mutations that a page of another origin makes a browser send. The routes can be listed.
//!
//! It sits on the hot path of every request. So it wraps handlers instead of adding layers: a layer costs two boxes
//! for each request, this costs none. It must not look anything up by a label.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::access::{Access, Denied, Gate};
use crate::metrics::{HttpMetrics, RouteMetrics};

/// Where a request comes from. Only requests for an upgrade, and of operators, have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) SocketAddr);

/// A route, as it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path, with what varies in braces: `/peers/{id}`.
    pub pattern: &'static str,
    /// What it needs.
    pub access: Access,
}

/// A part of what the server offers.
#[derive(Debug)]
pub struct Interface {
    /// Serves it.
    pub router: Router,
    /// All that it serves.
    pub routes: Vec<Route>,
}

impl Interface {
    /// Both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        Self { router: self.router.merge(other.router), routes: self.routes }
    }
}

/// A router under construction. Each route says what it needs, then its path, and then who answers.
pub(crate) struct Routes<'a, S> {
    router: Router<S>,
    metrics: &'a HttpMetrics,
    gate: Arc<Gate>,
    routes: Vec<Route>,
}

impl<'a, S: Clone + Send + Sync + 'static> Routes<'a, S> {
    /// No routes yet.
    pub(crate) fn new(metrics: &'a HttpMetrics, gate: Arc<Gate>) -> Self {
        Self { router: Router::new(), metrics, gate, routes: Vec::new() }
    }

    pub(crate) fn get<T: 'static>(
        self,
        access: Access,
        pattern: &'static str,
        handler: impl Wrappable<T, S>,
    ) -> Self {
        self.on(MethodFilter::GET, Route { method: "GET", pattern, access }, handler)
    }

    pub(crate) fn post<T: 'static>(
        self,
        access: Access,
        pattern: &'static str,
        handler: impl Wrappable<T, S>,
    ) -> Self {
        self.on(MethodFilter::POST, Route { method: "POST", pattern, access }, handler)
    }

    pub(crate) fn put<T: 'static>(
        self,
        access: Access,
        pattern: &'static str,
        handler: impl Wrappable<T, S>,
    ) -> Self {
        self.on(MethodFilter::PUT, Route { method: "PUT", pattern, access }, handler)
    }

    pub(crate) fn patch<T: 'static>(
        self,
        access: Access,
        pattern: &'static str,
        handler: impl Wrappable<T, S>,
    ) -> Self {
        self.on(MethodFilter::PATCH, Route { method: "PATCH", pattern, access }, handler)
    }

    pub(crate) fn delete<T: 'static>(
        self,
        access: Access,
        pattern: &'static str,
        handler: impl Wrappable<T, S>,
    ) -> Self {
        self.on(MethodFilter::DELETE, Route { method: "DELETE", pattern, access }, handler)
    }

    /// Everything is declared. `unknown_path` answers for paths that nobody has.
    pub(crate) fn otherwise<T: 'static>(
        self,
        unknown_path: impl Wrappable<T, S>,
        state: S,
    ) -> Interface {
        let unmatched = self.unmatched();
        let handler = Watched { handler: unknown_path, entrance: Arc::clone(&unmatched) };
        let router = self.router.fallback(handler);
        Self { router, ..self }.finish(unmatched, state)
    }

    /// Everything is declared. Paths that are unknown are left to another router.
    pub(crate) fn complete(self, state: S) -> Interface {
        let unmatched = self.unmatched();
        self.finish(unmatched, state)
    }

    fn finish(self, unmatched: Arc<Entrance>, state: S) -> Interface {
        let handler = Watched { handler: wrong_method, entrance: unmatched };
        let router = self.router.method_not_allowed_fallback(handler).with_state(state);
        Interface { router, routes: self.routes }
    }

    /// Nothing is behind it, and which routes there are is no secret.
    fn unmatched(&self) -> Arc<Entrance> {
        let metrics = self.metrics.route("any", "unmatched");
        Arc::new(Entrance { access: Access::Anyone, gate: Arc::clone(&self.gate), metrics })
    }

    fn on<T: 'static>(
        mut self,
        filter: MethodFilter,
        route: Route,
        handler: impl Wrappable<T, S>,
    ) -> Self {
        let Route { method, pattern, access } = route;
        let metrics = self.metrics.route(method, pattern);
        let entrance = Arc::new(Entrance { access, gate: Arc::clone(&self.gate), metrics });
        let router = self.router.route(pattern, on(filter, Watched { handler, entrance }));
        self.routes.push(route);
        Self { router, ..self }
    }
}

async fn wrong_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").into_response()
}

/// A handler that can be watched. All that are functions can.
pub(crate) trait Wrappable<T, S>: Handler<T, S, Future: Unpin> + Sync {}

impl<T, S, H: Handler<T, S, Future: Unpin> + Sync> Wrappable<T, S> for H {}

/// What stands before a handler.
struct Entrance {
    access: Access,
    gate: Arc<Gate>,
    metrics: RouteMetrics,
}

impl Entrance {
    fn pass(&self, request: &mut Request) -> Result<(), Denied> {
        let changes = self.access == Access::Session || is_mutation(request.method());
        if changes {
            self.gate.check_origin(request.headers())?;
        }
        self.gate.pass(self.access, request)
    }
}

fn is_mutation(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[derive(Clone)]
struct Watched<H> {
    handler: H,
    entrance: Arc<Entrance>,
}

impl<T, S, H: Wrappable<T, S>> Handler<T, S> for Watched<H> {
    type Future = Watch<H::Future>;

    fn call(self, mut request: Request, state: S) -> Self::Future {
        let started = Instant::now();
        let answer = match self.entrance.pass(&mut request) {
            Ok(()) => Source::Handler(self.handler.call(request, state)),
            Err(denied) => Source::Denied(denied),
        };
        Watch { answer, entrance: self.entrance, started }
    }
}

/// A handler at work.
struct Watch<F> {
    answer: Source<F>,
    entrance: Arc<Entrance>,
    started: Instant,
}

enum Source<F> {
    Handler(F),
    Denied(Denied),
}

impl<F: Future<Output = Response> + Unpin> Future for Watch<F> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let response = match &mut self.answer {
            Source::Handler(handler) => ready!(Pin::new(handler).poll(cx)),
            Source::Denied(denied) => denied.into_response(),
        };
        self.entrance.metrics.answered(response.status(), self.started.elapsed());
        Poll::Ready(response)
    }
}
