//! The short way to handlers that are called all the time, past axum's router: for each request that one copies all that
//! varies in the path, and puts the handler into boxes.
//!
//! It must never decide what the router would decide differently. So it only takes what is plainly for one of its
//! handlers; all else is left to the router, which has these, too.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::Either;
use hyper::body::Incoming;
use smallvec::SmallVec;
use tower::Service;

use super::{Route, Watch};

/// A handler with its state.
pub(super) type Endpoint = Box<dyn Fn(Request) -> Watch + Send + Sync>;

/// All handlers, by the shortest way to each. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handlers {
    pub(super) direct: Arc<Direct>,
    pub(super) router: Router,
}

impl Handlers {
    /// Has a request answered.
    pub(crate) fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response> + use<> {
        if let Some(endpoint) = self.direct.find(request.method().as_str(), request.uri().path()) {
            return Either::Left(endpoint(request.map(boxed)));
        }
        let answer = self.router.clone().call(request);
        Either::Right(answer.map(|Ok::<_, Infallible>(response)| response))
    }
}

/// An empty body needs no box.
fn boxed(body: Incoming) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(body) }
}

/// Handlers by what they answer to.
#[derive(Default)]
pub(super) struct Direct(Vec<Place>);

/// One pattern, with a handler for each method.
struct Place {
    pattern: Segments<'static>,
    handlers: Vec<(&'static str, Endpoint)>,
}

/// What stands between slashes, percent-encoded as it came.
type Segments<'a> = SmallVec<[&'a str; 4]>;

impl Direct {
    /// Adds a handler. Where two patterns fit a path, the one counts in which less varies, as in the router.
    pub(super) fn add(&mut self, Route { method, pattern, .. }: Route, endpoint: Endpoint) {
        let pattern = segments(pattern);
        if let Some(place) = self.0.iter_mut().find(|place| place.pattern == pattern) {
            return place.handlers.push((method, endpoint));
        }
        self.0.push(Place { pattern, handlers: vec![(method, endpoint)] });
        self.0.sort_by_key(Place::varying);
    }

    /// Both.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self.0.sort_by_key(Place::varying);
        self
    }

    /// Whether what is for this pattern, of whichever route, is not taken for another one.
    pub(super) fn respects(&self, pattern: &str) -> bool {
        let segments = segments(pattern);
        let taken = self.0.iter().find(|place| place.fits(&segments));
        taken.is_none_or(|place| place.pattern == segments)
    }

    /// Who answers. `None`: the router knows.
    fn find(&self, method: &str, path: &str) -> Option<&Endpoint> {
        let segments = segments(path);
        let place = self.0.iter().find(|place| place.fits(&segments))?;
        place.handlers.iter().find(|(of, _)| *of == method).map(|(_, handler)| handler)
    }
}

impl Place {
    fn varying(&self) -> usize {
        self.pattern.iter().filter(|segment| varies(segment)).count()
    }

    fn fits(&self, segments: &[&str]) -> bool {
        let fits = |(pattern, segment): (&&str, &&str)| {
            if varies(pattern) { !segment.is_empty() } else { pattern == segment }
        };
        self.pattern.len() == segments.len() && self.pattern.iter().zip(segments).all(fits)
    }
}

/// Looking at one character after the other is soon done: to search for a single one is meant for long texts.
fn segments(path: &str) -> Segments<'_> {
    path.split(['/']).collect()
}

fn varies(segment: &str) -> bool {
    segment.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;

    #[test]
    fn a_path_is_for_the_pattern_in_which_less_varies() {
        let mut direct = Direct::default();
        for (method, pattern) in [
            ("PUT", "/peers/{id}/{semaphore}"),
            ("DELETE", "/peers/{id}/{semaphore}"),
            ("PUT", "/peers/{id}/is_acquired"),
            ("PUT", "/peers/"),
        ] {
            let route = Route { method, pattern, access: Access::Lease };
            direct.add(route, Box::new(|_| unreachable!("nobody asks")));
        }
        let found = |method, path| direct.find(method, path).is_some();
        assert!(found("PUT", "/peers/1/is_acquired"));
        assert!(!found("DELETE", "/peers/1/is_acquired"), "the router knows that one");
        assert!(found("DELETE", "/peers/1/a%2Fb"));
        assert!(found("PUT", "/peers/"));
        for path in ["/peers", "/peers/1", "/peers//a", "/peers/1/", "/peers/1/a/", "//", "", "*"] {
            assert!(!found("PUT", path), "{path}");
        }
        assert!(direct.respects("/peers/{id}/is_acquired") && direct.respects("/peers/{id}"));
        assert!(!direct.respects("/peers/{id}/another"), "that one has to be direct as well");
    }
}
