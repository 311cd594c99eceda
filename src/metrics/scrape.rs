//! One scrape: all there is to see is read page by page, and written by one at a time.

use std::sync::Arc;

use prometheus::{Encoder, TextEncoder};
use tokio::time::Instant;

use super::Metrics;
use super::text::{Draft, Share};
use crate::engine::{Engine, SemaphoreView, Time};
use crate::runtime::{Clock, EngineGone, Handle};

/// So many semaphores are read at once. Nobody else is served meanwhile, for a fraction of a millisecond.
const PAGE: usize = 250;

impl Metrics {
    /// All that there is to see now, in Prometheus' text format.
    pub(crate) async fn scrape(
        self: Arc<Self>,
        engine: &Handle,
        clock: Clock,
        ready_from: Time,
    ) -> Result<Share, Unreadable> {
        let asked = Instant::now();
        let mut texts = Arc::clone(&self.texts).lock_owned().await;
        if let Some(text) = texts.share(asked) {
            return Ok(text);
        }
        let begun = Instant::now();
        let semaphores = read_all(engine).await?;
        let peers = engine.read(Engine::peer_count).await?;
        // The engine's own time is that of the last command.
        let now = clock.now();
        // Not on a thread that others wait for. The lock goes along: who hangs up must not let another one begin meanwhile.
        let text = tokio::task::spawn_blocking(move || {
            texts.make_room();
            self.levels.set(&semaphores, now);
            self.ready.set(i64::from(now >= ready_from));
            self.peers.set(i64::try_from(peers).unwrap_or(i64::MAX));
            let mut draft = Draft::default();
            TextEncoder::new().encode(&self.registry.gather(), &mut draft)?;
            Ok::<_, prometheus::Error>(texts.add(begun, draft.finish()))
        });
        Ok(text.await??)
    }
}

/// All semaphores, each as it was when its page was read.
async fn read_all(engine: &Handle) -> Result<Vec<SemaphoreView>, EngineGone> {
    let mut all: Vec<SemaphoreView> = Vec::new();
    loop {
        let after = all.last().map(|view| view.name.clone());
        let page = move |engine: &Engine| engine.semaphores_after(after.as_ref(), PAGE);
        let page = engine.read(page).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
        // The engine mostly answers at once: then nobody else would have been served in between.
        tokio::task::yield_now().await;
    }
}

/// Why there are no metrics to see.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    EngineGone(#[from] EngineGone),
    #[error("metrics cannot be written: {0}")]
    Encode(#[from] prometheus::Error),
    #[error("metrics were not written: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;
    use crate::engine::{Count, Fence, Level, Limits, SemaphoreName, SemaphoreSettings, Settings};
    use crate::runtime;
    use crate::store::Memory;

    fn start(semaphores: usize) -> (Arc<Metrics>, Handle, Clock) {
        let semaphore = |at: usize| {
            let name = SemaphoreName::new(&format!("{at}")).unwrap();
            SemaphoreSettings::semaphore(name, Count::new(1).unwrap(), Level(0))
        };
        let semaphores: Vec<_> = (0..semaphores).map(semaphore).collect();
        let (metrics, observer) = Metrics::new(&semaphores).unwrap();
        let settings = Settings {
            semaphores,
            limits: Limits::default(),
            last_fence: Fence(0),
            grants_from: Time::default(),
        };
        let clock = Clock::start();
        let (engine, driver) = runtime::start(Engine::new(settings), clock, Memory, observer);
        tokio::spawn(driver);
        (Arc::new(metrics), engine, clock)
    }

    #[tokio::test]
    async fn others_get_their_turn_between_two_pages() {
        let (_, engine, _) = start(4 * PAGE);
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(read_all(&engine).await.unwrap().len(), 4 * PAGE);
        assert!(turns.load(Ordering::Relaxed) >= 4, "{turns:?}");
    }

    #[test]
    fn who_hangs_up_does_not_let_others_write_beside_it() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (metrics, engine, clock) = start(1);
            let scrape = || Arc::clone(&metrics).scrape(&engine, clock, Time::default());
            // Nothing is written while the only thread for that has something else to do.
            let (go_on, wait) = mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || wait.recv());
            let mut hung_up = Box::pin(scrape());
            for _ in 0..100 {
                assert!(hung_up.as_mut().now_or_never().is_none());
                tokio::task::yield_now().await;
            }
            drop(hung_up);
            assert!(metrics.texts.try_lock().is_err(), "it is still going to be written");
            drop(go_on);
            assert!(busy.await.unwrap().is_err());
            assert!(scrape().await.is_ok(), "and then it is the next one's turn");
        });
    }
}
