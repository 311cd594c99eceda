//! Frames that go out, as long as the socket takes them. Whoever looks at something is shown it when nothing else is on
//! its way.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::Error;

use super::super::close::Close;
use super::{End, MAX_QUEUED_BYTES, Pump, fragments};

/// How long places in line may wait for something else to be said.
const PLACES_WITHIN: Duration = Duration::from_millis(5);

/// Fragments that are written in one turn, before others get theirs.
const FRAGMENTS_PER_TURN: usize = 4;

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// Whoever is told nothing but its place in line has time: a line that moves fast brings the grant meanwhile, and
    /// both leave together. Often it has just released what others wait for, and those have to be written to.
    pub(super) fn postpone(&mut self, mut alarm: Pin<&mut Sleep>) {
        if !self.session.can_wait() {
            self.places_due = None;
        } else if self.places_due.is_none() {
            let due = Instant::now() + PLACES_WITHIN;
            self.places_due = Some(due);
            if due < alarm.deadline() {
                alarm.as_mut().reset(due);
            }
        }
    }

    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> Option<End> {
        if self.places_due.is_some() && !self.flushing && self.fragments.is_none() {
            return None;
        }
        loop {
            match self.write_frames(cx) {
                // Answers to pings that nobody reads have taken the room.
                Err(Error::WriteBufferFull(_)) => return Some(End::Closing(Close::TooSlow)),
                Err(_) => return Some(End::Gone),
                Ok(()) => {}
            }
            if self.looking.is_none() || !self.show(cx) {
                break;
            }
        }
        // When it is the others' turn, the socket has taken all that it was given.
        let is_stuck = self.flushing && self.session.queued_bytes() >= MAX_QUEUED_BYTES;
        is_stuck.then_some(End::Closing(Close::TooSlow))
    }

    /// Whether all that was said is on its way, in order that there is room for something large.
    pub(super) fn is_idle(&self) -> bool {
        !self.flushing && self.fragments.is_none() && self.session.queued_bytes() == 0
    }

    /// Writes frames as long as the socket takes them.
    fn write_frames(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let mut written = 0;
        loop {
            if self.flushing {
                let Poll::Ready(flushed) = self.socket.poll_flush_unpin(cx) else { return Ok(()) };
                flushed?;
                self.flushing = false;
            }
            while let Poll::Ready(ready) = self.socket.poll_ready_unpin(cx) {
                ready?;
                if self.fragments.is_some() {
                    if written == FRAGMENTS_PER_TURN {
                        cx.waker().wake_by_ref();
                        break;
                    }
                    written += 1;
                    // Whoever takes a long message is there, even if no ping reaches it meanwhile.
                    self.heard = Instant::now();
                }
                let (begun, feed) = (&mut self.fragments, &self.shared.feed);
                let Some(frame) = fragments::next(begun, &mut self.session, feed) else { break };
                self.socket.start_send_unpin(frame)?;
                self.flushing = true;
            }
            if !self.flushing {
                return Ok(());
            }
        }
    }
}
