//! Where frames end, told by the bytes that come in (RFC 6455, section 5.2). What is in them is no concern of this: it is
//! read by the socket, which does not tell whether something is left with it.

/// The longest header: two bytes, a long length, and a mask.
const MAX_HEADER_BYTES: usize = 2 + 8 + 4;

/// All frames that came in until now.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// What has come of the header of a frame.
    header: [u8; MAX_HEADER_BYTES],
    header_bytes: usize,
    /// How much is to come of its payload.
    left: u64,
    /// Whether the message that it is of goes on behind it.
    goes_on: bool,
    longest: u64,
}

impl Frames {
    /// Follows what came in.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let followed = if self.left > 0 {
                let payload = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= payload as u64;
                payload
            } else {
                self.follow_header(bytes)
            };
            bytes = &bytes[followed..];
        }
    }

    /// Whether nothing is missing: neither a part of a frame, nor a frame of a message.
    pub(super) const fn are_whole(&self) -> bool {
        self.header_bytes == 0 && self.left == 0 && !self.goes_on
    }

    /// The longest one.
    pub(super) const fn longest(&self) -> u64 {
        self.longest
    }

    /// Takes what there is of a header, as far as its length is known. Returns how much that was.
    fn follow_header(&mut self, bytes: &[u8]) -> usize {
        let before = self.header_bytes;
        let taken = bytes.len().min(self.header_length() - before);
        self.header[before..before + taken].copy_from_slice(&bytes[..taken]);
        self.header_bytes += taken;
        if self.header_bytes == self.header_length() {
            self.begin_payload();
        }
        taken
    }

    /// As far as it is known yet.
    const fn header_length(&self) -> usize {
        let [_, second, ..] = self.header;
        if self.header_bytes < 2 {
            return 2;
        }
        let length = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    fn begin_payload(&mut self) {
        let [first, second, length @ ..] = self.header;
        let number =
            |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.left = match second & 0x7f {
            126 => number(&length[..2]),
            127 => number(&length[..8]),
            short => short.into(),
        };
        // Pings and the like may stand between the frames of a message.
        let is_control = first & 0x08 != 0;
        if !is_control {
            self.goes_on = first & 0x80 == 0;
        }
        self.longest = self.longest.max(self.left);
        self.header_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    use super::*;

    /// As they are on the wire, of a client or of a server.
    fn written(mut frame: Frame, mask: Option<[u8; 4]>) -> Vec<u8> {
        frame.header_mut().mask = mask;
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    fn data(length: usize, kind: Data, is_final: bool) -> Frame {
        Frame::message(vec![b'x'; length], OpCode::Data(kind), is_final)
    }

    #[test]
    fn ends_are_found_however_the_bytes_arrive() {
        let lengths = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000];
        let masks = [None, Some([0; 4]), Some([0xff, 0x81, 0x7e, 0x7f])];
        for (length, mask) in lengths.into_iter().flat_map(|it| masks.map(|mask| (it, mask))) {
            let frame = written(data(length, Data::Text, true), mask);
            let twice = [frame.as_slice(), &frame].concat();
            for at_once in [1, 3, 1_000, usize::MAX] {
                let (mut frames, mut ends, mut seen) = (Frames::default(), Vec::new(), 0);
                for part in twice.chunks(at_once.min(frame.len())) {
                    frames.follow(part);
                    seen += part.len();
                    if frames.are_whole() {
                        ends.push(seen);
                    }
                }
                assert_eq!(ends.last(), Some(&twice.len()), "{length} {at_once}");
                assert!(ends.iter().all(|end| end % frame.len() == 0), "{length} {at_once}");
                assert_eq!(frames.longest(), length as u64);
            }
        }
    }

    #[test]
    fn a_message_in_fragments_ends_with_the_last_one() {
        let mut frames = Frames::default();
        let fragments = [
            (data(200, Data::Text, false), false),
            (Frame::ping("x"), false),
            (data(0, Data::Continue, false), false),
            (data(300, Data::Continue, true), true),
            (Frame::pong("x"), true),
            (data(1, Data::Text, true), true),
        ];
        for (nth, (frame, are_whole)) in fragments.into_iter().enumerate() {
            frames.follow(&written(frame, Some([1, 2, 3, 4])));
            assert_eq!(frames.are_whole(), are_whole, "{nth}");
        }
        assert_eq!(frames.longest(), 300);
    }
}
