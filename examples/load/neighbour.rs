//! What others wait: one connection that acquires and releases, on a thread and a runtime of its
//! own, so that nothing else this program does delays it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    Fallible,
    cli::Options,
    client::{PATIENCE, at_most},
    drive::{Cycle, Samples},
    scenario::pairs::Pairs,
    target::Target,
};

/// A neighbour at work.
pub(crate) struct Neighbour {
    signals: Arc<Signals>,
    thread: JoinHandle<Fallible<Observed>>,
}

/// What a neighbour saw before and while it was disturbed.
pub(crate) struct Observed {
    pub(crate) quiet: Samples,
    pub(crate) disturbed: Samples,
}

#[derive(Default)]
struct Signals {
    disturbed: AtomicBool,
    stop: AtomicBool,
}

impl Neighbour {
    pub(crate) fn start(options: &Options) -> Self {
        let signals = Arc::new(Signals::default());
        let (target, semaphore) = (options.url.clone(), options.roomy().to_owned());
        let watched = Arc::clone(&signals);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(watch(&target, &semaphore, &watched))
        });
        Neighbour { signals, thread }
    }

    /// From now on pairs count as disturbed, those that are under way too.
    pub(crate) fn disturb(&self) {
        self.signals.disturbed.store(true, Ordering::Relaxed);
    }

    pub(crate) async fn stop(self) -> Fallible<Observed> {
        self.signals.stop.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| "the neighbour's thread panicked")?
    }
}

async fn watch(target: &Target, semaphore: &str, signals: &Signals) -> Fallible<Observed> {
    let mut pairs = Pairs::prepare(target, semaphore).await?;
    let mut quiet = Samples::new();
    let mut disturbed = Samples::new();
    let mut last = Instant::now();
    while !signals.stop.load(Ordering::Relaxed) {
        let latency = at_most(PATIENCE, pairs.once()).await?;
        let samples =
            if signals.disturbed.load(Ordering::Relaxed) { &mut disturbed } else { &mut quiet };
        samples.record(latency.unwrap_or(Duration::ZERO));
        let now = Instant::now();
        samples.elapsed += now - last;
        last = now;
    }
    pairs.leave().await?;
    Ok(Observed { quiet, disturbed })
}
