//! Messages on their way out, packed into frames of a size that the server takes.

use std::collections::VecDeque;

use crate::client::wire::Request;

/// A frame that is being filled. What does not fit is left over for the next one, in order.
#[derive(Debug)]
pub(super) struct Frame {
    limit: usize,
    messages: Vec<String>,
    bytes: usize,
    left_over: VecDeque<String>,
}

impl Frame {
    /// A frame that begins with what was left over before.
    pub(super) fn new(limit: usize, left_over: VecDeque<String>) -> Self {
        // The brackets of an array.
        let mut frame = Self { limit, messages: Vec::new(), bytes: 2, left_over: VecDeque::new() };
        for message in left_over {
            frame.add(message);
        }
        frame
    }

    pub(super) fn push(&mut self, request: &Request<'_>) {
        let message = serde_json::to_string(request);
        debug_assert!(message.is_ok(), "texts and numbers are always JSON");
        self.add(message.unwrap_or_default());
    }

    /// Whether something is left over already.
    pub(super) fn is_full(&self) -> bool {
        !self.left_over.is_empty()
    }

    /// The text, if there is any, and what is left over.
    pub(super) fn finish(self) -> (Option<String>, VecDeque<String>) {
        let text = match self.messages.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("[{}]", several.join(","))),
        };
        (text, self.left_over)
    }

    /// A message that is too large for any frame has one for itself: the server's answer to it is as good as ours.
    fn add(&mut self, message: String) {
        let fits = self.messages.is_empty() || self.bytes + message.len() < self.limit;
        if fits && self.left_over.is_empty() {
            self.bytes += message.len() + 1;
            self.messages.push(message);
        } else {
            self.left_over.push_back(message);
        }
    }
}
