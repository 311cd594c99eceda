//! Frames that go out, as long as the socket takes them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::super::close::Close;
use super::{End, MAX_QUEUED_BYTES, Pump};

/// How long places in line may wait for something else to be said.
const PLACES_WITHIN: Duration = Duration::from_millis(5);

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
        if self.places_due.is_some() && !self.flushing {
            return None;
        }
        match self.write_frames(cx) {
            // Answers to pings that nobody reads have taken the room.
            Err(Error::WriteBufferFull(_)) => Some(End::Closing(Close::TooSlow)),
            Err(_) => Some(End::Gone),
            Ok(()) if self.session.queued_bytes() >= MAX_QUEUED_BYTES => {
                Some(End::Closing(Close::TooSlow))
            }
            Ok(()) => None,
        }
    }

    /// Writes frames as long as the socket takes them.
    fn write_frames(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            if self.flushing {
                let Poll::Ready(flushed) = self.socket.poll_flush_unpin(cx) else { return Ok(()) };
                flushed?;
                self.flushing = false;
            }
            while let Poll::Ready(ready) = self.socket.poll_ready_unpin(cx) {
                ready?;
                let Some(frame) = self.session.pop_frame() else { break };
                self.socket.start_send_unpin(Message::text(frame))?;
                self.flushing = true;
            }
            if !self.flushing {
                return Ok(());
            }
        }
    }
}
