//! WebSocket frames (RFC 6455) as bytes, the client's way: what goes out is masked, what comes in is not.
//!
//! Written by hand for the same reason as `connection`: it has to cost less than the server that it measures. The
//! mask is zero, which costs the server as much as any other; proxies, which a random mask is for, are not on the way
//! to a loopback address.

use std::ops::Range;

use crate::Fallible;

/// Longer frames are refused. Servers send at most a few messages more than 64 KiB.
const MAX_PAYLOAD_BYTES: u64 = 16 * 1024 * 1024;

/// Room for the longest header that goes out: two bytes, a length of eight, a mask of four.
const MAX_HEADER_BYTES: usize = 14;

/// A frame that has grown to this is full: servers take 64 KiB.
const FULL_BYTES: usize = 48 * 1024;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame that came in.
pub(crate) enum Frame<'a> {
    Text(&'a str),
    Ping(&'a [u8]),
    Pong,
    /// With the close code and the reason.
    Close(u16, &'a str),
}

/// What was received and not yet looked at.
#[derive(Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    taken: usize,
}

impl Inbox {
    /// Where to read more into. What was taken is given up.
    pub(crate) fn space(&mut self, room: usize) -> &mut Vec<u8> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.reserve(room);
        &mut self.bytes
    }

    /// The next frame, if all of it is here.
    pub(crate) fn next(&mut self) -> Fallible<Option<Frame<'_>>> {
        let rest = &self.bytes[self.taken..];
        let Some((opcode, payload)) = split(rest)? else { return Ok(None) };
        let payload = self.taken + payload.start..self.taken + payload.end;
        self.taken = payload.end;
        let payload = &self.bytes[payload];
        match opcode {
            TEXT => Ok(Some(Frame::Text(std::str::from_utf8(payload)?))),
            PING => Ok(Some(Frame::Ping(payload))),
            PONG => Ok(Some(Frame::Pong)),
            CLOSE => {
                let (code, reason) = payload.split_at_checked(2).unwrap_or((&[0, 0], &[]));
                let code = u16::from_be_bytes([code[0], code[1]]);
                Ok(Some(Frame::Close(code, std::str::from_utf8(reason)?)))
            }
            other => {
                Err(format!("the server sent a frame of kind {other}, which is not used").into())
            }
        }
    }

    /// Whoever is idle needs no memory.
    pub(crate) fn shrink(&mut self) {
        self.space(0).shrink_to_fit();
    }
}

/// Kind and payload of the frame that the bytes begin with.
fn split(bytes: &[u8]) -> Fallible<Option<(u8, Range<usize>)>> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
    if first & FINAL == 0 || first & 0x70 != 0 || second & MASKED != 0 {
        return Err("the server sent a frame that is fragmented, extended or masked".into());
    }
    let length = match second {
        127 => rest.first_chunk().map(|length| (u64::from_be_bytes(*length), 10)),
        126 => rest.first_chunk().map(|length| (u64::from(u16::from_be_bytes(*length)), 4)),
        short => Some((u64::from(short), 2)),
    };
    let Some((length, begin)) = length else { return Ok(None) };
    if length > MAX_PAYLOAD_BYTES {
        return Err("the server sent a frame that is too long".into());
    }
    let payload = begin..begin + usize::try_from(length)?;
    Ok((payload.end <= bytes.len()).then_some((first & 0x0f, payload)))
}

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
fn header(opcode: u8, payload: usize) -> ([u8; MAX_HEADER_BYTES], usize) {
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

    /// What the server sends: not masked.
    fn from_server(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let (mut header, length) = header(opcode, payload.len());
        header[1] &= !MASKED;
        [&header[..length - 4], payload].concat()
    }

    #[test]
    fn frames_are_found_wherever_the_bytes_are_split() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let text = "x".repeat(length);
            let bytes = from_server(TEXT, text.as_bytes());
            for split in [0, 1, 2, 3, 9, bytes.len() - 1].map(|split| split.min(bytes.len() - 1)) {
                let mut inbox = Inbox::default();
                inbox.space(0).extend_from_slice(&bytes[..split]);
                assert!(inbox.next().unwrap().is_none(), "{length} bytes split at {split}");
                inbox.space(0).extend_from_slice(&bytes[split..]);
                assert!(matches!(inbox.next(), Ok(Some(Frame::Text(found))) if found == text));
                assert!(inbox.next().unwrap().is_none());
            }
        }
    }

    #[test]
    fn pings_and_closes_are_understood_and_the_rest_is_refused() {
        let mut inbox = Inbox::default();
        inbox.space(0).extend(from_server(PING, b"?"));
        inbox.space(0).extend(from_server(CLOSE, b"\x03\xf4busy"));
        assert!(matches!(inbox.next(), Ok(Some(Frame::Ping(b"?")))));
        assert!(matches!(inbox.next(), Ok(Some(Frame::Close(1012, "busy")))));
        inbox.space(0).extend(from_server(2, b"binary"));
        assert!(inbox.next().is_err());
    }

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
