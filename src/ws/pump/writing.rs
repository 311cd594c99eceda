//! Frames that go out, as long as the socket takes them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::yield_now;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::super::close::Close;
use super::{End, MAX_QUEUED_BYTES, Pump};

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> Option<End> {
        if self.is_postponed(cx) {
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

    /// Whoever is told nothing but its place in line can wait a little. Often it has just released what others waited
    /// for: their sessions have been woken before, and write first.
    fn is_postponed(&mut self, cx: &mut Context<'_>) -> bool {
        let postponed = self.session.can_wait() && !self.postponed;
        if postponed {
            // Wakes this task when there is nothing else to do.
            let _ = pin!(yield_now()).poll(cx);
        }
        self.postponed = postponed;
        postponed
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
                self.socket.start_send_unpin(text(frame)?)?;
                self.flushing = true;
            }
            if !self.flushing {
                return Ok(());
            }
        }
    }
}

/// A text frame. That it is UTF-8 is checked once more: there is no other way without unsafe code.
pub(super) fn text(frame: Vec<u8>) -> Result<Message, Error> {
    Ok(Message::Text(Utf8Bytes::try_from(frame)?))
}
