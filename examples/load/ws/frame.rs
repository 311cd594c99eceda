//! WebSocket frames (RFC 6455) as bytes, the client's way: what goes out is masked.
//!
//! Written by hand for the same reason as `connection`: it has to cost less than the server that it measures. The
//! mask is zero, which costs the server as much as any other; proxies, which a random mask is for, are not on the way
//! to a loopback address.

/// Room for the longest header that goes out: two bytes, a length of eight, a mask of four.
const MAX_HEADER_BYTES: usize = 14;

/// A frame that has grown to this is full: servers take 64 KiB.
const FULL_BYTES: usize = 48 * 1024;

pub(super) const FINAL: u8 = 0x80;
pub(super) const MASKED: u8 = 0x80;

pub(super) const TEXT: u8 = 1;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// Messages that are to leave together.
pub(crate) struct Outbox {
    /// Frames before them, ready to leave.
    ready: Vec<u8>,
    /// Room for the header and for a bracket, then the messages with commas between them.
    bytes: Vec<u8>,
    messages: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Outbox { ready: Vec::new(), bytes: vec![0; MAX_HEADER_BYTES + 1], messages: 0 }
    }
}

impl Outbox {
    /// Adds a message.
    pub(crate) fn push(&mut self, text: &str) {
        if self.bytes.len() + text.len() > FULL_BYTES {
            let begin = self.seal_messages();
            self.ready.extend_from_slice(&self.bytes[begin..]);
            self.start();
        }
        if self.messages > 0 {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(text.as_bytes());
        self.messages += 1;
    }

    pub(crate) fn pong(&mut self, payload: &[u8]) {
        control(&mut self.ready, PONG, payload);
    }

    pub(crate) fn close(&mut self) {
        control(&mut self.ready, CLOSE, &1000_u16.to_be_bytes());
    }

    /// Puts what there is into frames. Returns the bytes, which are none when there is nothing.
    pub(crate) fn seal(&mut self) -> &[u8] {
        let begin = self.seal_messages();
        if self.ready.is_empty() {
            return &self.bytes[begin..];
        }
        self.ready.extend_from_slice(&self.bytes[begin..]);
        &self.ready
    }

    /// What was sealed has been sent.
    pub(crate) fn clear(&mut self) {
        self.ready.clear();
        self.start();
    }

    fn start(&mut self) {
        self.bytes.truncate(MAX_HEADER_BYTES + 1);
        self.messages = 0;
    }

    /// Writes brackets and header around the messages: one message stands alone. Returns where it all begins.
    fn seal_messages(&mut self) -> usize {
        let mut begin = MAX_HEADER_BYTES + 1;
        if self.messages == 0 {
            return begin;
        }
        if self.messages > 1 {
            begin -= 1;
            self.bytes[begin] = b'[';
            self.bytes.push(b']');
        }
        let (header, length) = header(TEXT, self.bytes.len() - begin);
        let header = &header[..length];
        self.bytes[begin - length..begin].copy_from_slice(header);
        begin - length
    }
}

/// A header, and how much of it is used.
pub(super) fn header(opcode: u8, payload: usize) -> ([u8; MAX_HEADER_BYTES], usize) {
    let mut header = [0; MAX_HEADER_BYTES];
    header[0] = FINAL | opcode;
    let length = if let Ok(short @ ..126) = u8::try_from(payload) {
        header[1] = MASKED | short;
        2
    } else if let Ok(medium) = u16::try_from(payload) {
        header[1] = MASKED | 126;
        header[2..4].copy_from_slice(&medium.to_be_bytes());
        4
    } else {
        header[1] = MASKED | 127;
        header[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
        10
    };
    (header, length + 4)
}

fn control(bytes: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    let (header, length) = header(opcode, payload.len());
    bytes.extend_from_slice(&header[..length]);
    bytes.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_leave_together_are_one_frame() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.seal(), b"");
        outbox.push("{}");
        assert_eq!(outbox.seal(), b"\x81\x82\0\0\0\0{}");
        outbox.clear();
        for message in ["1", "2", "3"] {
            outbox.push(message);
        }
        outbox.pong(b"!");
        assert_eq!(outbox.seal(), b"\x8a\x81\0\0\0\0!\x81\x87\0\0\0\0[1,2,3]");
        outbox.clear();
        outbox.push(&"x".repeat(200));
        assert_eq!(outbox.seal()[..8], *b"\x81\xfe\0\xc8\0\0\0\0");
    }

    #[test]
    fn frames_have_a_size() {
        let mut outbox = Outbox::default();
        (0..1000).for_each(|_| outbox.push(&"x".repeat(100)));
        let (mut rest, mut frames, mut messages) = (outbox.seal(), 0, 0);
        while let [_, _, high, low, _, _, _, _, payload @ ..] = rest {
            let (payload, next) = payload.split_at(u16::from_be_bytes([*high, *low]).into());
            assert!(payload.starts_with(b"[") && payload.ends_with(b"]"));
            messages += payload.iter().filter(|byte| **byte == b',').count() + 1;
            (rest, frames) = (next, frames + 1);
        }
        assert_eq!((rest.len(), frames, messages), (0, 3, 1000));
    }
}
