//! What becomes of the room that a long text took.
//!
//! The socket reads on in the buffer of the texts before, from its beginning when its end is reached, if these texts
//! are gone by then. So a single long text would leave its room to the session for ever, and every text after it would
//! be read into other parts of that, which no cache holds. If somebody has the long text still, a buffer of the usual
//! size is taken instead.

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::READ_BUFFER_BYTES;

/// Shorter texts may leave their room to the session.
const LONG_TEXT_BYTES: usize = 2 * READ_BUFFER_BYTES;

/// What may have been read together with the end of a long text at most, and fits into its buffer therefore.
const READ_AHEAD_BYTES: usize = 2 * READ_BUFFER_BYTES;

/// The last long text, until the buffer that it was read into is used up.
#[derive(Debug, Default)]
pub(super) struct LongText(Option<Box<(Utf8Bytes, usize)>>);

impl LongText {
    /// A text was read.
    pub(super) fn follow(&mut self, text: Utf8Bytes) {
        if text.len() > LONG_TEXT_BYTES {
            self.0 = Some(Box::new((text, 0)));
        } else if let Some((_, followed_by)) = self.0.as_deref_mut() {
            *followed_by += text.len();
            if *followed_by > READ_AHEAD_BYTES {
                self.0 = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

    use super::*;

    /// How far apart the texts stand in memory that come some time after a long one.
    async fn spread(long: usize, mut done: impl FnMut(Utf8Bytes)) -> usize {
        let (here, there) = tokio::io::duplex(100_000);
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let mut server = WebSocketStream::from_raw_socket(here, Role::Server, Some(config)).await;
        let mut client = WebSocketStream::from_raw_socket(there, Role::Client, None).await;
        let mut places = Vec::new();
        for number in 0..1_000 {
            let length = if number == 10 { long } else { 100 };
            client.send(Message::text("x".repeat(length))).await.unwrap();
            let Some(Ok(Message::Text(text))) = server.next().await else { panic!("no text") };
            if number > 100 {
                places.push(text.as_ptr().addr());
            }
            done(text);
        }
        places.iter().max().unwrap() - places.iter().min().unwrap()
    }

    #[tokio::test]
    async fn a_long_text_leaves_no_room_behind() {
        for length in [2_000, 4_000, 5_000, 20_000, 60_000] {
            let mut long = LongText::default();
            let spread = spread(length, |text| long.follow(text)).await;
            assert!(spread < LONG_TEXT_BYTES + READ_BUFFER_BYTES, "{spread} after {length}");
            assert!(long.0.is_none(), "nothing is kept for long");
        }
    }

    /// This is what the rest is for. If it ever fails, the socket has learned it, and all of this can go.
    #[tokio::test]
    async fn left_to_itself_the_socket_keeps_the_room() {
        assert!(spread(60_000, drop).await > 50_000);
    }
}
