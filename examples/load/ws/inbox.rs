//! WebSocket frames (RFC 6455) as bytes, the client's way: what comes in is not masked, and may be in fragments.

use std::ops::Range;

use super::frame::{CLOSE, FINAL, MASKED, PING, PONG, TEXT};
use crate::Fallible;

/// Longer frames and longer messages are refused. Whoever watches a lot of semaphores is shown all of them in one
/// message, in fragments.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;

const CONTINUATION: u8 = 0;

/// What came in: texts are whole, however many frames they came in.
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
    /// What has come so far of a text that is in fragments.
    begun: Option<Vec<u8>>,
    /// The last one that was, when all of it had come.
    whole: Vec<u8>,
}

/// A frame as it stands in the bytes.
struct Raw {
    is_final: bool,
    opcode: u8,
    payload: Range<usize>,
}

impl Inbox {
    /// Where to read more into. What was taken is given up.
    pub(crate) fn space(&mut self, room: usize) -> &mut Vec<u8> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.reserve(room);
        &mut self.bytes
    }

    /// The next one, if all of it is here.
    pub(crate) fn next(&mut self) -> Fallible<Option<Frame<'_>>> {
        let (opcode, payload) = loop {
            let Some(raw) = split(&self.bytes[self.taken..])? else { return Ok(None) };
            let payload = self.taken + raw.payload.start..self.taken + raw.payload.end;
            self.taken = payload.end;
            if raw.opcode == CONTINUATION || !raw.is_final {
                if self.take_fragment(&raw, payload)? {
                    return Ok(Some(Frame::Text(std::str::from_utf8(&self.whole)?)));
                }
            } else if raw.opcode == TEXT && self.begun.is_some() {
                return Err("the server began a text within another one".into());
            } else {
                break (raw.opcode, payload);
            }
        };
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

    /// Returns whether the text is whole with it.
    fn take_fragment(&mut self, raw: &Raw, payload: Range<usize>) -> Fallible<bool> {
        let mut text = match (raw.opcode, self.begun.take()) {
            (TEXT, None) => Vec::new(),
            (CONTINUATION, Some(text)) => text,
            _ => return Err("the server sent a fragment that belongs to nothing".into()),
        };
        if text.len() + payload.len() > MAX_PAYLOAD_BYTES {
            return Err("the server sent a text that is too long".into());
        }
        text.extend_from_slice(&self.bytes[payload]);
        if raw.is_final {
            self.whole = text;
        } else {
            self.begun = Some(text);
        }
        Ok(raw.is_final)
    }

    /// Whoever is idle needs no memory.
    pub(crate) fn shrink(&mut self) {
        self.space(0).shrink_to_fit();
        self.whole = Vec::new();
    }
}

/// The frame that the bytes begin with.
fn split(bytes: &[u8]) -> Fallible<Option<Raw>> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
    if first & 0x70 != 0 || second & MASKED != 0 {
        return Err("the server sent a frame that is extended or masked".into());
    }
    let length = match second {
        127 => rest.first_chunk().map(|length| (u64::from_be_bytes(*length), 10)),
        126 => rest.first_chunk().map(|length| (u64::from(u16::from_be_bytes(*length)), 4)),
        short => Some((u64::from(short), 2)),
    };
    let Some((length, begin)) = length else { return Ok(None) };
    let length = usize::try_from(length)?;
    if length > MAX_PAYLOAD_BYTES {
        return Err("the server sent a frame that is too long".into());
    }
    let payload = begin..begin + length;
    let raw = Raw { is_final: first & FINAL != 0, opcode: first & 0x0f, payload };
    Ok((raw.payload.end <= bytes.len()).then_some(raw))
}

#[cfg(test)]
mod tests {
    use super::super::frame::header;
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

    /// A frame that is not the end of its message.
    fn not_final(mut frame: Vec<u8>) -> Vec<u8> {
        frame[0] &= !FINAL;
        frame
    }

    #[test]
    fn fragments_are_put_together_whatever_comes_between_them() {
        let euro = "\u{20ac}".as_bytes();
        let frames = [
            not_final(from_server(TEXT, &euro[..1])),
            from_server(PING, b"?"),
            not_final(from_server(CONTINUATION, &euro[1..2])),
            from_server(CONTINUATION, &euro[2..]),
            from_server(TEXT, b"next"),
        ];
        let mut inbox = Inbox::default();
        inbox.space(0).extend(frames.concat());
        assert!(matches!(inbox.next(), Ok(Some(Frame::Ping(b"?")))));
        assert!(matches!(inbox.next(), Ok(Some(Frame::Text("\u{20ac}")))));
        assert!(matches!(inbox.next(), Ok(Some(Frame::Text("next")))));
        assert!(matches!(inbox.next(), Ok(None)));
        inbox.shrink();

        let begun = not_final(from_server(TEXT, b"a"));
        for wrong in [
            from_server(CONTINUATION, b"a"),
            not_final(from_server(PING, b"a")),
            [begun.clone(), from_server(TEXT, b"a")].concat(),
            [begun.clone(), begun].concat(),
        ] {
            let mut inbox = Inbox::default();
            inbox.space(0).extend(&wrong);
            assert!(inbox.next().is_err(), "{wrong:?}");
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
}
