//! Frames that come in, and sockets that cannot be read any more.

use std::task::{Context, Poll};

use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::super::close::Close;
use super::{End, MAX_QUEUED_BYTES, Pump, Reading, random_key};

/// Frames and commands that are taken in one turn, before others get theirs.
const FRAMES_PER_TURN: usize = 64;
const COMMANDS_PER_TURN: usize = 512;

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    pub(super) fn take_frames(&mut self, cx: &mut Context<'_>) -> Option<End> {
        let mut heard = false;
        let mut end = None;
        let mut frames = 0;
        while end.is_none() {
            if self.session.has_backlog() {
                self.reading = Reading::Again;
                break;
            }
            if self.session.close().is_some() {
                break;
            }
            if frames == FRAMES_PER_TURN || self.is_sated() {
                cx.waker().wake_by_ref();
                break;
            }
            let Poll::Ready(frame) = self.socket.poll_next_unpin(cx) else { break };
            (heard, frames) = (true, frames + 1);
            end = match frame {
                Some(Ok(message)) => self.take(message),
                Some(Err(error)) => Some(end_of(&error)),
                None => Some(End::Gone),
            };
        }
        if heard {
            self.heard = Instant::now();
        }
        end
    }

    /// Whether what was read has to be dealt with before more is.
    fn is_sated(&self) -> bool {
        self.session.commands() >= COMMANDS_PER_TURN
            || self.session.queued_bytes() >= MAX_QUEUED_BYTES
    }

    fn take(&mut self, message: Message) -> Option<End> {
        match message {
            Message::Text(text) => {
                self.session.on_text(&text, &mut random_key);
                None
            }
            Message::Binary(_) => Some(End::Closing(Close::Binary)),
            Message::Close(_) => Some(End::ClosedByClient),
            // Pings are answered by the socket itself. Frames are never read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
        }
    }
}

/// What is to be done about a socket that cannot be read any more.
fn end_of(error: &Error) -> End {
    if matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) {
        return End::Gone;
    }
    if matches!(error, Error::Protocol(_)) {
        return End::Closing(Close::ProtocolError);
    }
    if matches!(error, Error::Capacity(_)) {
        return End::Closing(Close::TooLarge);
    }
    if matches!(error, Error::Utf8(_)) {
        return End::Closing(Close::NotUtf8);
    }
    End::Gone
}
