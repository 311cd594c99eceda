//! What all routes have in common: each says what access it needs, is counted and timed by its pattern, and refuses
//! mutations that a page of another origin makes a browser send. The routes can be listed.
//!
//! It sits on the hot path of every request. So it wraps handlers instead of adding layers: a layer costs two boxes
//! for each request, this costs none. It must not look anything up by a label.

mod direct;

use std::fmt;
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

use self::direct::{Direct, Endpoint};
use crate::access::{Access, Denied, Gate};
use crate::metrics::{HttpMetrics, RouteMetrics};
use crate::origin;

pub(crate) use self::direct::Handlers;

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
pub struct Interface {
    /// Serves it.
    pub router: Router,
    /// Serves a part of it with less effort.
    direct: Direct,
    /// All that it serves.
    pub routes: Vec<Route>,
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl Interface {
    /// Both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        let (router, direct) = (self.router.merge(other.router), self.direct.and(other.direct));
        Self { router, direct, routes: self.routes }
    }

    /// What is behind it.
    pub(crate) fn handlers(self) -> Handlers {
        let respected = self.routes.iter().all(|route| self.direct.respects(route.pattern));
        debug_assert!(respected, "a direct route takes what is for another one");
        Handlers { direct: Arc::new(self.direct), router: self.router }
    }
}

/// A router under construction. Each route says what it needs, then its path, and then who answers.
pub(crate) struct Routes<'a, S> {
    router: Router<S>,
    metrics: &'a HttpMetrics,
    gate: Arc<Gate>,
    /// Handlers that are reached without the router, too, and wait for their state.
    direct: Vec<(Route, Stateless<S>)>,
    is_direct: bool,
    routes: Vec<Route>,
}

/// A handler that waits for its state.
type Stateless<S> = Box<dyn FnOnce(S) -> Endpoint>;

impl<'a, S: Clone + Send + Sync + 'static> Routes<'a, S> {
    /// No routes yet.
    pub(crate) fn new(metrics: &'a HttpMetrics, gate: Arc<Gate>) -> Self {
        let (router, direct, routes) = (Router::new(), Vec::new(), Vec::new());
        Self { router, metrics, gate, direct, is_direct: false, routes }
    }

    /// What is declared in here is called all the time, and reached without the router. So these handlers must read
    /// what varies in the path from the path itself: axum's `Path` knows nothing of it.
    pub(crate) fn directly(self, declare: impl FnOnce(Self) -> Self) -> Self {
        let declared = declare(Self { is_direct: true, ..self });
        Self { is_direct: false, ..declared }
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
        let router = self.router.method_not_allowed_fallback(handler).with_state(state.clone());
        let mut direct = Direct::default();
        for (route, stateless) in self.direct {
            direct.add(route, stateless(state.clone()));
        }
        Interface { router, direct, routes: self.routes }
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
        let handler = Watched { handler, entrance };
        if self.is_direct {
            self.direct.push((route, stateless(handler.clone())));
        }
        let router = self.router.route(pattern, on(filter, handler));
        self.routes.push(route);
        Self { router, ..self }
    }
}

fn stateless<T: 'static, S: Clone + Send + Sync + 'static, H: Wrappable<T, S>>(
    handler: Watched<H>,
) -> Stateless<S> {
    Box::new(|state| Box::new(move |request| handler.clone().call(request, state.clone())))
}

async fn wrong_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").into_response()
}

/// A handler that can be watched. All that are functions can.
pub(crate) trait Wrappable<T, S>: Handler<T, S, Future = Answering> {}

impl<T, S, H: Handler<T, S, Future = Answering>> Wrappable<T, S> for H {}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What stands before a handler.
struct Entrance {
    access: Access,
    gate: Arc<Gate>,
    metrics: RouteMetrics,
}

impl Entrance {
    fn pass(&self, request: &mut Request) -> Result<(), Denied> {
        let changes = self.access == Access::Session || is_mutation(request.method());
        if changes && origin::is_named(request.headers()) {
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
    type Future = Watch;

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
struct Watch {
    answer: Source,
    entrance: Arc<Entrance>,
    started: Instant,
}

enum Source {
    Handler(Answering),
    Denied(Denied),
}

impl Future for Watch {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let response = match &mut self.answer {
            Source::Handler(handler) => ready!(handler.as_mut().poll(cx)),
            Source::Denied(denied) => denied.into_response(),
        };
        self.entrance.metrics.answered(response.status(), self.started.elapsed());
        Poll::Ready(response)
    }
}
