//! A long message on its way, in fragments (RFC 6455, section 5.4). Between them there may be pings, pongs and the close
//! frame, but nothing of another message.
//!
//! The socket is given one fragment at a time, and a state is not even written before there is room for it: what a
//! session needs for it does not depend on how long it is.

use std::mem;

use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::super::session::Session;
use crate::feed::{Feed, More};

/// Longer messages leave in fragments. What is packed into one frame is shorter.
const WHOLE_BYTES: usize = 128 * 1024;

/// Longest fragment.
const FRAGMENT_BYTES: usize = 64 * 1024;

/// The next frame to send: of the message that has begun, or of the next one.
pub(super) fn next(
    begun: &mut Option<Box<Fragments>>,
    session: &mut Session,
    feed: &Feed,
) -> Option<Message> {
    if begun.is_none() {
        let text = session.pop_frame()?;
        if text.len() <= WHOLE_BYTES {
            return Some(Message::text(text));
        }
        *begun = Some(Box::new(Fragments::new(text, None)));
    }
    let fragments = begun.as_mut()?;
    let frame = fragments.next(|more| feed.part(more));
    if fragments.is_over() {
        *begun = None;
    }
    Some(Message::Frame(frame))
}

/// What is left of a message. There always is something.
pub(super) struct Fragments<M = More> {
    text: Bytes,
    /// What is still to be written. The brace that ends the message comes behind it.
    more: Option<M>,
    has_begun: bool,
}

impl<M> Fragments<M> {
    /// A message that begins with `text`, and ends with it if there is no more.
    pub(super) fn new(text: String, more: Option<M>) -> Self {
        Self { text: text.into(), more, has_begun: false }
    }

    fn is_over(&self) -> bool {
        self.text.is_empty() && self.more.is_none()
    }

    fn next(&mut self, write: impl FnOnce(&M) -> (String, Option<M>)) -> Frame {
        if let Some(more) = self.more.take_if(|_| self.text.is_empty()) {
            let (mut text, more) = write(&more);
            if more.is_none() {
                text.push('}');
            }
            (self.text, self.more) = (text.into(), more);
        }
        let fragment = self.text.split_to(FRAGMENT_BYTES.min(self.text.len()));
        let kind =
            if mem::replace(&mut self.has_begun, true) { Data::Continue } else { Data::Text };
        Frame::message(fragment, OpCode::Data(kind), self.is_over())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, end and length of each frame, and the text that they are of.
    fn frames<M>(
        mut fragments: Fragments<M>,
        write: impl Fn(&M) -> (String, Option<M>),
    ) -> (Vec<(Data, bool, usize)>, String) {
        let (mut frames, mut text) = (Vec::new(), Vec::new());
        while !fragments.is_over() {
            let frame = fragments.next(&write);
            let OpCode::Data(kind) = frame.header().opcode else { panic!("{frame}") };
            frames.push((kind, frame.header().is_final, frame.payload().len()));
            text.extend_from_slice(frame.payload());
        }
        (frames, String::from_utf8(text).unwrap())
    }

    #[test]
    fn the_first_fragment_is_of_a_kind_and_the_last_one_is_the_end() {
        // A fragment may end within a character.
        for length in [FRAGMENT_BYTES, FRAGMENT_BYTES + 1, 2 * FRAGMENT_BYTES + 1] {
            let text = format!("{}\u{20ac}", "x".repeat(length - 3));
            let fragments = Fragments::<()>::new(text.clone(), None);
            let (frames, told) = frames(fragments, |()| unreachable!());
            assert_eq!(told, text);
            let whole = vec![FRAGMENT_BYTES; length / FRAGMENT_BYTES];
            let rest = Some(length % FRAGMENT_BYTES).filter(|rest| *rest > 0);
            let lengths: Vec<_> = whole.into_iter().chain(rest).collect();
            let expected = lengths.iter().enumerate().map(|(nth, length)| {
                let kind = if nth == 0 { Data::Text } else { Data::Continue };
                (kind, nth + 1 == lengths.len(), *length)
            });
            assert_eq!(frames, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_still_to_be_written_is_written_when_there_is_room_for_it() {
        let begun = "x".repeat(FRAGMENT_BYTES + 1);
        let fragments = Fragments::new(begun.clone(), Some(1));
        let (frames, told) = frames(fragments, |part| match part {
            1 | 2 => (part.to_string(), Some(part + 1)),
            _ => (part.to_string(), None),
        });
        assert_eq!(told, format!("{begun}123}}"));
        let lengths: Vec<_> = frames.iter().map(|(_, _, length)| *length).collect();
        assert_eq!(lengths, [FRAGMENT_BYTES, 1, 1, 1, 2]);
        let ends: Vec<_> = frames.iter().map(|(_, is_final, _)| *is_final).collect();
        assert_eq!(ends, [false, false, false, false, true]);
    }
}
