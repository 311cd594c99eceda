//! What is due although nothing happens: pings, the end of those that are silent, and how the lines have moved. A
//! session has one timer for all of it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::super::close::Close;
use super::{End, Pump};
use crate::engine::{Engine, PeerId, Time};
use crate::runtime::{EngineGone, Standing};

/// How often those are told their place who want to know. To find a place costs as much as it is far from the first
/// one, so who is far away is told less often.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
const PROGRESS_PER_PLACE: Duration = Duration::from_millis(4);

/// The places of peers that wait, as the engine will tell them.
pub(super) type Places = Pin<Box<dyn Future<Output = Result<Vec<Place>, EngineGone>> + Send>>;

/// A peer that waits, and where it stands.
type Place = (PeerId, Standing);

/// When to ask for the places of peers.
#[derive(Default)]
pub(super) struct Progress {
    /// `None`: nobody wants to know.
    due: Option<Instant>,
    every: Duration,
    asked: Option<Places>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// When there is something to do although nothing happens.
    pub(super) fn due(&self) -> Instant {
        let due = self.ping_at.min(self.heard + 2 * self.shared.heartbeat);
        let due = self.progress.due.map_or(due, |progress| due.min(progress));
        let due = self.places_due.map_or(due, |places| due.min(places));
        if self.session.is_greeted() { due } else { due.min(self.hello_until) }
    }

    pub(super) fn look_at_the_clock(
        &mut self,
        cx: &mut Context<'_>,
        mut alarm: Pin<&mut Sleep>,
    ) -> Option<End> {
        if self.wants_progress() {
            alarm.as_mut().reset(self.due());
        }
        while alarm.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let silent = now >= self.heard + 2 * self.shared.heartbeat;
            if silent || (!self.session.is_greeted() && now >= self.hello_until) {
                return Some(End::Closing(Close::Silent));
            }
            if now >= self.ping_at {
                self.ping_at = now + self.shared.heartbeat;
                self.session.look_at_the_token();
                if self.ping(cx).is_err() {
                    return Some(End::Gone);
                }
            }
            // From now on they are written.
            self.places_due.take_if(|due| now >= *due);
            if self.progress.due.is_some_and(|due| now >= due) {
                self.ask_for_places();
            }
            alarm.as_mut().reset(self.due());
        }
        self.take_places(cx)
    }

    /// A socket that takes nothing at the moment has enough to deliver.
    fn ping(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if let Poll::Ready(ready) = self.socket.poll_ready_unpin(cx) {
            ready?;
            self.socket.start_send_unpin(Message::Ping(Bytes::new()))?;
            self.flushing = true;
        }
        Ok(())
    }

    /// Whether somebody has begun to want to know. Then there is a time for it from now on.
    fn wants_progress(&mut self) -> bool {
        let Progress { due, every, asked } = &mut self.progress;
        let wanted = due.is_none() && asked.is_none() && self.session.is_watching();
        if wanted {
            *due = Some(Instant::now() + (*every).max(PROGRESS_EVERY));
        }
        wanted
    }

    fn ask_for_places(&mut self) {
        let peers = self.session.watching();
        let engine = self.shared.engine.clone();
        let clock = self.shared.clock;
        let places =
            async move { engine.read(move |engine| places(engine, clock.now(), &peers)).await };
        self.progress =
            Progress { due: None, every: PROGRESS_EVERY, asked: Some(Box::pin(places)) };
    }

    fn take_places(&mut self, cx: &mut Context<'_>) -> Option<End> {
        let asked = self.progress.asked.as_mut()?;
        let Poll::Ready(places) = asked.as_mut().poll(cx) else { return None };
        self.progress.asked = None;
        let Ok(places) = places else { return Some(End::Closing(Close::Restarting)) };
        let furthest = places.iter().map(|(_, now)| now.wait.position).max().unwrap_or_default();
        self.progress.every = PROGRESS_PER_PLACE * u32::try_from(furthest).unwrap_or(u32::MAX);
        self.session.on_places(places);
        // The next time is set in the next turn.
        cx.waker().wake_by_ref();
        None
    }
}

fn places(engine: &Engine, now: Time, peers: &[PeerId]) -> Vec<Place> {
    let place = |peer: &PeerId| Standing::of(engine, now, *peer).map(|standing| (*peer, standing));
    peers.iter().filter_map(place).collect()
}
