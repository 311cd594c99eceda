//! Runs one task per connection until the time is over, and gathers what they measured.
//! The first failure ends all of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::{
    Fallible,
    client::{PATIENCE, at_most},
};

/// What one connection does over and over.
pub(crate) trait Cycle: Send + 'static {
    /// One cycle, and the latency to record, if it counts.
    fn once(&mut self) -> impl Future<Output = Fallible<Option<Duration>>> + Send;

    /// Leaves nothing behind on the server.
    fn leave(self) -> impl Future<Output = Fallible<()>> + Send;

    /// Tries one cycle and returns the member if it went well.
    fn tried(mut self) -> impl Future<Output = Fallible<Self>> + Send
    where
        Self: Sized,
    {
        async {
            match at_most(PATIENCE, self.once()).await {
                Ok(_) => Ok(self),
                Err(error) => {
                    // The first error is the one to show.
                    let _ = self.leave().await;
                    Err(error)
                }
            }
        }
    }
}

/// What was measured.
pub(crate) struct Samples {
    /// Latencies in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) elapsed: Duration,
    pub(crate) errors: u64,
    first_error: Option<String>,
}

impl Samples {
    pub(crate) fn new() -> Self {
        // Only impossible bounds or precisions are refused, and these are constants.
        let latencies = Histogram::new_with_bounds(1_000, 1_000_000_000_000, 2)
            .expect("bounds and precision are valid");
        Samples { latencies, elapsed: Duration::ZERO, errors: 0, first_error: None }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(nanoseconds);
    }

    pub(crate) fn fail(&mut self, message: String) {
        self.errors += 1;
        self.first_error.get_or_insert(message);
    }

    /// Adds what was measured at the same time.
    pub(crate) fn add_parallel(&mut self, other: Samples) {
        // Same bounds on both sides, so nothing is refused.
        let _ = self.latencies.add(&other.latencies);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    /// Adds what was measured afterwards.
    pub(crate) fn add_later(&mut self, other: Samples) {
        self.elapsed += other.elapsed;
        self.add_parallel(other);
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The first failure, as the result of the run.
    pub(crate) fn verdict(&self) -> Fallible<()> {
        match &self.first_error {
            Some(message) => Err(message.clone().into()),
            None => Ok(()),
        }
    }
}

/// Lets the whole crew work for that long. Members that failed are not in it any more.
pub(crate) async fn drive<C: Cycle>(crew: &mut Vec<C>, duration: Duration) -> Samples {
    let stop = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for member in crew.drain(..) {
        tasks.spawn(work(member, start + duration, Arc::clone(&stop)));
    }
    let mut total = Samples::new();
    let gathered = tokio::time::timeout(duration + PATIENCE, gather(&mut tasks, crew, &mut total));
    if gathered.await.is_err() {
        total.fail(format!("the server left a request unanswered for {} s", PATIENCE.as_secs()));
    }
    total.elapsed = start.elapsed();
    total
}

/// Asks all of the crew to clean up.
pub(crate) async fn leave<C: Cycle>(crew: Vec<C>) -> Fallible<()> {
    for member in crew {
        member.leave().await?;
    }
    Ok(())
}

async fn work<C: Cycle>(
    mut member: C,
    deadline: Instant,
    stop: Arc<AtomicBool>,
) -> (Option<C>, Samples) {
    let mut samples = Samples::new();
    while !stop.load(Ordering::Relaxed) && Instant::now() < deadline {
        match member.once().await {
            Ok(Some(latency)) => samples.record(latency),
            Ok(None) => {}
            Err(error) => {
                stop.store(true, Ordering::Relaxed);
                samples.fail(error.to_string());
                // Often in vain, if the connection is broken; the first error is the one to show.
                let _ = member.leave().await;
                return (None, samples);
            }
        }
    }
    (Some(member), samples)
}

async fn gather<C: Cycle>(
    tasks: &mut JoinSet<(Option<C>, Samples)>,
    crew: &mut Vec<C>,
    total: &mut Samples,
) {
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok((member, samples)) => {
                crew.extend(member);
                total.add_parallel(samples);
            }
            Err(error) => total.fail(error.to_string()),
        }
    }
}
