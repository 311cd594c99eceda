//! Messages on their way out, packed into frames: what is ready together leaves together.

use std::collections::VecDeque;
use std::mem;

use crate::ws::wire::Message;

/// A frame that has grown to this is full. Clients have limits, too.
const FRAME_BYTES: usize = 65_536;

/// Room for a message. Frames with several are given more.
const MESSAGE_BYTES: usize = 128;
const MORE_BYTES: usize = 1024;

/// Frames that are full, and one that is not.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    full: VecDeque<String>,
    full_bytes: usize,
    /// One message, or an array that lacks its end.
    filling: String,
    messages: usize,
    /// Whether there is something that is waited for.
    urgent: bool,
}

impl Outbox {
    pub(super) fn push(&mut self, message: &Message<'_>) {
        self.start_message();
        self.urgent |= !matches!(message, Message::Queued { .. });
        message.write(&mut self.filling);
    }

    /// Adds a message that was written before.
    pub(super) fn push_written(&mut self, message: &str) {
        self.start_message();
        self.urgent = true;
        self.filling.push_str(message);
    }

    /// How much is waiting.
    pub(super) fn bytes(&self) -> usize {
        self.full_bytes + self.filling.len()
    }

    /// Whether there is nothing but places in line. Who is told one waits anyway.
    pub(super) fn can_wait(&self) -> bool {
        !self.urgent && self.bytes() > 0
    }

    /// The next frame.
    pub(super) fn pop(&mut self) -> Option<String> {
        if self.full.is_empty() {
            self.seal();
        }
        let Some(frame) = self.full.pop_front() else {
            self.urgent = false;
            return None;
        };
        self.full_bytes -= frame.len();
        Some(frame)
    }

    fn start_message(&mut self) {
        if self.filling.len() >= FRAME_BYTES {
            self.seal();
        }
        match self.messages {
            0 => self.filling = String::with_capacity(MESSAGE_BYTES),
            1 => {
                self.filling.reserve(MORE_BYTES);
                self.filling.insert(0, '[');
                self.filling.push(',');
            }
            _ => self.filling.push(','),
        }
        self.messages += 1;
    }

    fn seal(&mut self) {
        if self.messages > 1 {
            self.filling.push(']');
        }
        if mem::take(&mut self.messages) > 0 {
            self.full_bytes += self.filling.len();
            self.full.push_back(mem::take(&mut self.filling));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::wire::{Labels, LocalPeer, RequestId};

    fn pong(id: i64) -> Message<'static> {
        Message::Pong { id: RequestId(id) }
    }

    #[test]
    fn what_is_ready_together_is_one_frame() {
        let mut outbox = Outbox::default();
        assert_eq!((outbox.pop(), outbox.bytes()), (None, 0));
        outbox.push(&pong(1));
        assert_eq!(outbox.pop().unwrap(), r#"{"type":"pong","id":1}"#);
        (1..=3).for_each(|id| outbox.push(&pong(id)));
        let expected = r#"[{"type":"pong","id":1},{"type":"pong","id":2},{"type":"pong","id":3}]"#;
        assert_eq!(outbox.bytes() + 1, expected.len());
        assert_eq!(outbox.pop().unwrap(), expected);
        assert_eq!((outbox.pop(), outbox.bytes()), (None, 0));
    }

    #[test]
    fn places_in_line_can_wait_until_there_is_something_else() {
        let queued = Message::Queued {
            id: RequestId(1),
            peer: LocalPeer(1),
            position: 1,
            eta_ms: None,
            blocked_by: Labels(&[]),
        };
        let mut outbox = Outbox::default();
        assert!(!outbox.can_wait(), "there is nothing");
        outbox.push(&queued);
        assert!(outbox.can_wait());
        outbox.push(&pong(1));
        assert!(!outbox.can_wait());
        while outbox.pop().is_some() {}
        outbox.push(&queued);
        assert!(outbox.can_wait(), "what was urgent has left");
    }

    #[test]
    fn frames_have_a_size() {
        let mut outbox = Outbox::default();
        (0..10_000).for_each(|id| outbox.push(&pong(id)));
        let mut seen = 0;
        while let Some(frame) = outbox.pop() {
            assert!(frame.len() < FRAME_BYTES + 100);
            let messages: Vec<serde_json::Value> = serde_json::from_str(&frame).unwrap();
            for message in messages {
                assert_eq!(message["id"], seen);
                seen += 1;
            }
        }
        assert_eq!((seen, outbox.bytes()), (10_000, 0));
    }
}
