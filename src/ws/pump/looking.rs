//! What operators watch and inspect. It waits for nobody: who does not read gets less, and later. Nothing is written
//! before all is on its way that was said before, so that a session holds no more than one large message.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Pump;
use super::fragments::Fragments;
use crate::feed::{Cursor, Feed, Frame, Names, TICK, Watcher};
use crate::runtime::EngineGone;
use crate::ws::session::Session;
use crate::ws::wire::{Look, RequestId};

/// A watcher hears something at least so often.
const LIFE_TICKS: u64 = 50;

/// When so much is to be sent, the others are shown what they want to see after it.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// All that a session looks at.
pub(super) struct Looking {
    watches: Vec<Watch>,
    ticking: Option<Ticking>,
    inspecting: Vec<Inspecting>,
}

type Ticking = Pin<Box<dyn Future<Output = (Watcher, Option<u64>)> + Send>>;
type Inspected = Result<Option<String>, EngineGone>;

struct Watch {
    id: RequestId,
    names: Option<Names>,
    every_ticks: u64,
    /// The last of its intervals in which it was looked at.
    interval: u64,
    seen: Cursor,
    seq: u64,
    /// When something was last said.
    said_at: u64,
}

struct Inspecting {
    id: RequestId,
    look: Look,
    details: Pin<Box<dyn Future<Output = Inspected> + Send>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// Begins to look at what is new to look at.
    pub(super) fn look(&mut self) {
        if self.session.has_looks() {
            for (id, look) in self.session.take_looks() {
                self.begin(id, look);
            }
        }
    }

    /// Shows what there is to see, if there is room for it. Returns whether there was something.
    pub(super) fn show(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_idle() || self.session.close().is_some() {
            return false;
        }
        let Some(mut looking) = self.looking.take() else { return false };
        self.show_details(&mut looking, cx);
        self.show_changes(&mut looking, cx);
        if !looking.is_over() {
            self.looking = Some(looking);
        }
        !self.is_idle()
    }

    /// Whether there is room for something else to see.
    fn has_room(&self) -> bool {
        self.fragments.is_none() && self.session.queued_bytes() < AT_ONCE_BYTES
    }

    fn begin(&mut self, id: RequestId, look: Look) {
        let feed = &self.shared.feed;
        let looking = self.looking.get_or_insert_with(|| Box::new(Looking::new()));
        let admitted = look == Look::Unwatch || self.session.admit_look(id, looking.under_way());
        match look {
            _ if !admitted => {}
            Look::Watch { .. } if looking.watches.iter().any(|watch| watch.id == id) => {
                self.session.refuse_watch(id);
            }
            Look::Watch { names, every_ms } => {
                looking.watches.push(Watch::new(id, names, every_ms));
                looking.ticking.get_or_insert_with(|| next_tick(feed.watch()));
                self.session.watching_from_now(id, every_ms);
            }
            Look::Unwatch => looking.watches.retain(|watch| watch.id != id),
            Look::Semaphore { .. } | Look::Peer(_) => {
                let details = inspect(feed.clone(), look.clone());
                looking.inspecting.push(Inspecting { id, look, details });
            }
        }
    }

    fn show_details(&mut self, looking: &mut Looking, cx: &mut Context<'_>) {
        looking.inspecting.retain_mut(|inspecting| {
            if !self.has_room() {
                return true;
            }
            match inspecting.details.as_mut().poll(cx) {
                Poll::Ready(Ok(Some(details))) => {
                    self.session.show_details(inspecting.id, &details);
                }
                Poll::Ready(Ok(None)) => {
                    self.session.nothing_to_see(inspecting.id, &inspecting.look)
                }
                // The session is about to end.
                Poll::Ready(Err(EngineGone)) => {}
                Poll::Pending => return true,
            }
            false
        });
    }

    fn show_changes(&mut self, looking: &mut Looking, cx: &mut Context<'_>) {
        if looking.watches.is_empty() {
            looking.ticking = None;
        }
        while let Some(ticking) = &mut looking.ticking {
            let Poll::Ready((watcher, tick)) = ticking.as_mut().poll(cx) else { return };
            looking.ticking = tick.map(|_| next_tick(watcher));
            self.show_states(&mut looking.watches, tick.unwrap_or_default());
        }
    }

    /// Shows as many as there is room for. Of the others the first one is the first at the next tick.
    fn show_states(&mut self, watches: &mut [Watch], tick: u64) {
        for nth in 0..watches.len() {
            if !self.has_room() {
                return watches.rotate_left(nth);
            }
            self.show_state(&mut watches[nth], tick);
        }
    }

    fn show_state(&mut self, watch: &mut Watch, tick: u64) {
        let Some(frame) = watch.news(&self.shared.feed, tick) else { return };
        watch.seq += 1;
        if frame.more.is_some() {
            let begun = Session::begin_state(watch.id, watch.seq, &frame.body);
            self.fragments = Some(Box::new(Fragments::new(begun, frame.more)));
        } else {
            self.session.show_state(watch.id, watch.seq, &frame.body);
        }
    }
}

impl Looking {
    const fn new() -> Self {
        Self { watches: Vec::new(), ticking: None, inspecting: Vec::new() }
    }

    fn under_way(&self) -> usize {
        self.watches.len() + self.inspecting.len()
    }

    fn is_over(&self) -> bool {
        self.under_way() == 0
    }
}

impl Watch {
    fn new(id: RequestId, names: Option<Names>, every_ms: u64) -> Self {
        let tick_ms = u64::try_from(TICK.as_millis()).unwrap_or(u64::MAX);
        let every_ticks = every_ms.div_ceil(tick_ms);
        Self { id, names, every_ticks, interval: 0, seen: Cursor::default(), seq: 0, said_at: 0 }
    }

    /// What there is to say at this tick. Watchers with the same interval are told at the same ticks, so that they
    /// can be told the same; who had no room then, at the next one.
    fn news(&mut self, feed: &Feed, tick: u64) -> Option<Frame> {
        let is_first = self.seq == 0;
        let interval = tick / self.every_ticks;
        if !is_first && interval == self.interval {
            return None;
        }
        self.interval = interval;
        let is_due = !is_first && tick >= self.said_at + LIFE_TICKS;
        let changes = feed.changes(self.seen, self.names.as_ref());
        let frame = changes.or_else(|| is_due.then(|| feed.sign_of_life(self.seen)))?;
        self.seen = frame.to;
        self.said_at = tick;
        Some(frame)
    }
}

fn next_tick(mut watcher: Watcher) -> Ticking {
    Box::pin(async move {
        let tick = watcher.tick().await;
        (watcher, tick)
    })
}

fn inspect(feed: Feed, look: Look) -> Pin<Box<dyn Future<Output = Inspected> + Send>> {
    Box::pin(async move {
        match look {
            Look::Semaphore { name, limit } => feed.semaphore(name, limit).await,
            Look::Peer(peer) => feed.peer(peer).await,
            Look::Watch { .. } | Look::Unwatch => Ok(None),
        }
    })
}
