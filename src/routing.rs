//! What all routes have in common: each is counted and timed by its pattern, and mutations that a page of another
//! origin makes a browser send are refused.
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

use crate::metrics::{HttpMetrics, RouteMetrics};
use crate::origin;

/// Where a request comes from. Only requests for an upgrade have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) SocketAddr);

/// A router under construction.
pub(crate) struct Routes<'a, S> {
    router: Router<S>,
    metrics: &'a HttpMetrics,
}

impl<'a, S: Clone + Send + Sync + 'static> Routes<'a, S> {
    /// No routes yet.
    pub(crate) fn new(metrics: &'a HttpMetrics) -> Self {
        Self { router: Router::new(), metrics }
    }

    pub(crate) fn get<T: 'static>(self, pattern: &str, handler: impl Wrappable<T, S>) -> Self {
        self.on(MethodFilter::GET, "GET", pattern, handler)
    }

    pub(crate) fn post<T: 'static>(self, pattern: &str, handler: impl Wrappable<T, S>) -> Self {
        self.on(MethodFilter::POST, "POST", pattern, handler)
    }

    pub(crate) fn put<T: 'static>(self, pattern: &str, handler: impl Wrappable<T, S>) -> Self {
        self.on(MethodFilter::PUT, "PUT", pattern, handler)
    }

    pub(crate) fn patch<T: 'static>(self, pattern: &str, handler: impl Wrappable<T, S>) -> Self {
        self.on(MethodFilter::PATCH, "PATCH", pattern, handler)
    }

    pub(crate) fn delete<T: 'static>(self, pattern: &str, handler: impl Wrappable<T, S>) -> Self {
        self.on(MethodFilter::DELETE, "DELETE", pattern, handler)
    }

    /// Who answers for paths that are unknown.
    pub(crate) fn otherwise<T: 'static>(self, unknown_path: impl Wrappable<T, S>) -> Router<S> {
        let route = Arc::new(self.metrics.route("any", "unmatched"));
        self.router
            .fallback(Watched { handler: unknown_path, route: Arc::clone(&route) })
            .method_not_allowed_fallback(Watched { handler: wrong_method, route })
    }

    /// Leaves paths that are unknown to another router.
    pub(crate) fn complete(self) -> Router<S> {
        let route = Arc::new(self.metrics.route("any", "unmatched"));
        self.router.method_not_allowed_fallback(Watched { handler: wrong_method, route })
    }

    fn on<T: 'static>(
        self,
        filter: MethodFilter,
        method: &str,
        pattern: &str,
        handler: impl Wrappable<T, S>,
    ) -> Self {
        let route = Arc::new(self.metrics.route(method, pattern));
        let router = self.router.route(pattern, on(filter, Watched { handler, route }));
        Self { router, ..self }
    }
}

async fn wrong_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").into_response()
}

/// A handler that can be watched. All that are functions can.
pub(crate) trait Wrappable<T, S>: Handler<T, S, Future: Unpin> + Sync {}

impl<T, S, H: Handler<T, S, Future: Unpin> + Sync> Wrappable<T, S> for H {}

#[derive(Clone)]
struct Watched<H> {
    handler: H,
    route: Arc<RouteMetrics>,
}

impl<T, S, H: Wrappable<T, S>> Handler<T, S> for Watched<H> {
    type Future = Watch<H::Future>;

    fn call(self, request: Request, state: S) -> Self::Future {
        let started = Instant::now();
        let answer = if is_mutation(request.method()) && origin::is_foreign(request.headers()) {
            Source::Refused
        } else {
            Source::Handler(self.handler.call(request, state))
        };
        Watch { answer, route: self.route, started }
    }
}

fn is_mutation(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A handler at work.
struct Watch<F> {
    answer: Source<F>,
    route: Arc<RouteMetrics>,
    started: Instant,
}

enum Source<F> {
    Handler(F),
    Refused,
}

impl<F: Future<Output = Response> + Unpin> Future for Watch<F> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let response = match &mut self.answer {
            Source::Handler(handler) => ready!(Pin::new(handler).poll(cx)),
            Source::Refused => (StatusCode::FORBIDDEN, origin::FOREIGN).into_response(),
        };
        self.route.answered(response.status(), self.started.elapsed());
        Poll::Ready(response)
    }
}
