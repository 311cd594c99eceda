//! What operators see: the state of all semaphores as it changes, what has happened, who holds and who waits.
//!
//! It only looks. Nothing here may slow down a grant: the engine is read at most ten times a second, and not at all
//! while nobody watches; what changed is written once, however many watch.

mod board;
mod configured;
mod details;
mod history;
mod journal;
mod operated;
mod shapes;
mod terms;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval};

use self::board::Board;
pub use self::board::{Cursor, Frame, More, Names};
pub use self::configured::Configured;
pub use self::details::{DETAILS_LIMIT, MAX_DETAILS};
use self::history::History;
pub use self::journal::{Journal, Kind};
pub use self::operated::Operated;
use self::shapes::{Named, Row, Server, Summary};
pub(crate) use self::terms::{ExactMillis, State};
use crate::engine::{ConnectionId, Engine, SemaphoreName, SemaphoreView, Time};
use crate::runtime::{Clock, EngineGone, Handle};

/// How often there can be something new to see.
pub const TICK: Duration = Duration::from_millis(100);

/// How often a point is added to the history.
const SAMPLE: Duration = Duration::from_secs(5);

/// Answers what operators want to see. Clones are the same feed.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

/// See [`Feed`].
pub struct Parts {
    /// The way to the engine.
    pub engine: Handle,
    /// The time as the engine sees it.
    pub clock: Clock,
    /// What has happened.
    pub journal: Journal,
    /// What the configuration file says.
    pub configured: Configured,
    /// Changes when the server has lost its memory.
    pub epoch: String,
    /// From when on locks are granted.
    pub ready_from: Time,
    /// How many WebSocket sessions there are.
    pub sessions: Box<dyn Fn() -> u64 + Send + Sync>,
}

struct Shared {
    parts: Parts,
    board: Mutex<Board>,
    history: Mutex<History>,
    remotes: Mutex<HashMap<ConnectionId, SocketAddr>>,
    ticks: watch::Sender<u64>,
}

/// One who watches. The engine is read as long as there is one.
#[derive(Debug)]
pub struct Watcher(watch::Receiver<u64>);

impl Watcher {
    /// Waits for the next tick and returns its number: they are counted from the start of the server. `None`: there
    /// will be no more.
    ///
    /// Cancel-safe.
    pub async fn tick(&mut self) -> Option<u64> {
        self.0.changed().await.ok()?;
        Some(*self.0.borrow_and_update())
    }
}

impl Feed {
    /// A feed. It shows something as long as [`Feed::run`] runs.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared {
            parts,
            board: Mutex::default(),
            history: Mutex::default(),
            remotes: Mutex::default(),
            ticks: watch::Sender::new(0),
        }))
    }

    /// Keeps looking until the engine is gone.
    pub async fn run(self) {
        let mut samples = interval(SAMPLE);
        let mut ticks = interval(TICK);
        samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let looked = tokio::select! {
                _ = samples.tick() => self.sample().await,
                _ = ticks.tick() => self.look().await,
            };
            if looked.is_err() {
                return;
            }
        }
    }

    /// Watches from now on.
    pub fn watch(&self) -> Watcher {
        Watcher(self.0.ticks.subscribe())
    }

    /// What has changed since `from`, which is all of it for the default. `None`: nothing, or nothing is known yet.
    pub fn changes(&self, from: Cursor, names: Option<&Names>) -> Option<Frame> {
        lock(&self.0.board).changes(from, names)
    }

    /// The next part of what has changed, and what comes behind it.
    pub fn part(&self, more: &More) -> (String, Option<More>) {
        lock(&self.0.board).part(more)
    }

    /// What there is to say although nothing has changed.
    pub fn sign_of_life(&self, from: Cursor) -> Frame {
        lock(&self.0.board).sign_of_life(from)
    }

    /// How much of each semaphore was held and waited for in the last minutes, as JSON; of one, when it is named.
    /// `None`: there is no such semaphore.
    pub fn history(&self, name: Option<&str>) -> Option<String> {
        lock(&self.0.history).to_json(name)
    }

    /// Remembers where a connection comes from, until the returned value is dropped.
    pub fn note_remote(&self, connection: ConnectionId, remote: Option<SocketAddr>) -> Noted {
        if let Some(remote) = remote {
            lock(&self.0.remotes).insert(connection, remote);
        }
        Noted { feed: self.clone(), connection }
    }

    /// All semaphores as they are now, ordered by name, as a JSON array.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn semaphores(&self) -> Result<String, EngineGone> {
        let now = self.0.parts.clock.now();
        let look = move |engine: &Engine| engine.semaphores_at(now).collect::<Vec<_>>();
        let views = self.read(look).await?;
        let compared = self.0.parts.configured.compare(views);
        let rows = compared.iter().map(|(view, differs)| Named {
            name: view.name.as_str(),
            row: Row::of(view, *differs),
        });
        Ok(shapes::json(&rows.collect::<Vec<_>>()))
    }

    /// What the server is now, as a JSON object.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn summary(&self) -> Result<String, EngineGone> {
        let names = |engine: &Engine| engine.semaphores().map(|it| it.name).collect::<Vec<_>>();
        let (peers, names) = self.read(move |engine| (engine.peer_count(), names(engine))).await?;
        let removed = self.0.parts.configured.removed(names.iter());
        let now = self.0.parts.clock.now();
        let server = self.server(now, peers, &removed);
        Ok(shapes::json(&Summary { server, now_ms: shapes::millis(now) }))
    }

    /// Where these connections come from.
    fn remotes(&self, connections: impl Iterator<Item = ConnectionId>) -> details::Remotes {
        let remotes = lock(&self.0.remotes);
        connections.filter_map(|it| Some((it, *remotes.get(&it)?))).collect()
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, EngineGone> {
        self.0.parts.engine.read(read).await
    }

    async fn sample(&self) -> Result<(), EngineGone> {
        let views = self.read(|engine| engine.semaphores().collect::<Vec<_>>()).await?;
        lock(&self.0.history).sample(self.0.parts.clock.now(), &views);
        Ok(())
    }

    async fn look(&self) -> Result<(), EngineGone> {
        let watched = self.0.ticks.receiver_count() > 0;
        self.0.parts.journal.set_watched(watched);
        if !watched {
            return Ok(());
        }
        let noted = self.0.parts.journal.take();
        let now = self.0.parts.clock.now();
        let look = move |engine: &Engine| {
            let views: Vec<SemaphoreView> = engine.semaphores_at(now).collect();
            let events = noted.into_iter().map(|entry| {
                let label = entry.peer.and_then(|peer| engine.label(peer));
                (entry, label)
            });
            (views, engine.peer_count(), events.collect::<Vec<_>>())
        };
        let (views, peers, events) = self.read(look).await?;
        // With many semaphores each of these takes a while: others get their turn in between.
        yield_now().await;
        let configured = &self.0.parts.configured;
        let removed = configured.removed(views.iter().map(|view| &view.name));
        let views = configured.compare(views);
        yield_now().await;
        lock(&self.0.board).update(now, &self.server(now, peers, &removed), views, events);
        self.0.ticks.send_modify(|tick| *tick += 1);
        Ok(())
    }

    fn server<'a>(&'a self, now: Time, peers: usize, removed: &'a [SemaphoreName]) -> Server<'a> {
        let parts = &self.0.parts;
        let counts = parts.journal.counts();
        Server {
            version: env!("CARGO_PKG_VERSION"),
            epoch: &parts.epoch,
            started_ms: shapes::millis(parts.clock.started_at()),
            ready: now >= parts.ready_from,
            peers,
            sessions: (parts.sessions)(),
            grants: counts.grants,
            releases: counts.releases,
            expirations: counts.expirations,
            removed: removed.iter().map(SemaphoreName::as_str).collect(),
        }
    }
}

/// See [`Feed::note_remote`].
pub struct Noted {
    feed: Feed,
    connection: ConnectionId,
}

impl Drop for Noted {
    fn drop(&mut self) {
        lock(&self.feed.0.remotes).remove(&self.connection);
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

/// No panic is possible while one of these is locked that leaves it half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
