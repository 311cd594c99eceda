//! Requests, counted and timed by the pattern of their route.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};

use super::register;

/// Upper bounds in seconds. A request with `block_for` takes as long as it waits.
const DURATION_BUCKETS: [f64; 12] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 300.0];

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What all routes count into.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: IntCounterVec,
    durations: HistogramVec,
    not_found: IntCounter,
}

/// What one route counts into.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    requests: [IntCounter; STATUS_CLASSES.len()],
    duration: Histogram,
}

impl HttpMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let requests = Opts::new("throttle_http_requests_total", "Requests that were answered");
        let durations = HistogramOpts::new(
            "throttle_http_request_duration_seconds",
            "From a request's head to that of its answer; what block_for waits is in it",
        );
        let metrics = Self {
            requests: IntCounterVec::new(requests, &["method", "route", "status"])?,
            durations: HistogramVec::new(
                durations.buckets(DURATION_BUCKETS.into()),
                &["method", "route"],
            )?,
            not_found: IntCounter::new("throttle_num_404", "GET requests for unknown paths")?,
        };
        register(registry, &metrics.requests)?;
        register(registry, &metrics.durations)?;
        register(registry, &metrics.not_found)?;
        Ok(metrics)
    }

    /// The children of one route.
    pub(crate) fn route(&self, method: &str, pattern: &str) -> RouteMetrics {
        RouteMetrics {
            requests: STATUS_CLASSES
                .map(|class| self.requests.with_label_values(&[method, pattern, class])),
            duration: self.durations.with_label_values(&[method, pattern]),
        }
    }

    /// A GET went to a path that there is not.
    pub(crate) fn not_found(&self) {
        self.not_found.inc();
    }
}

impl RouteMetrics {
    /// A request was answered.
    pub(crate) fn answered(&self, status: StatusCode, after: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(requests) = self.requests.get(class) {
            requests.inc();
        }
        self.duration.observe(after.as_secs_f64());
    }
}
