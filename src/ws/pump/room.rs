//! What becomes of the room that a burst took.
//!
//! A WebSocket reads on in the longest buffer that it ever had, and writes from the longest one that it ever filled. So one
//! long frame, in or out, would leave its room to the session for as long as that lives. When all that came in was read and
//! all that was said has left, nothing of the session is in the WebSocket: then another one takes its place on the same
//! stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::READ_BUFFER_BYTES;
use super::frames::Frames;

/// Shorter frames may leave their room to the session.
const LONG_FRAME_BYTES: u64 = 2 * READ_BUFFER_BYTES as u64;

/// What is written at once and is shorter, too.
const LONG_WRITE_BYTES: usize = 8 * 1024;

/// A session's end of its connection.
pub(super) type Socket<S> = WebSocketStream<Measured<S>>;

/// A WebSocket on a stream of which nothing was read yet, or whole frames.
pub(super) fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: WebSocketConfig,
) -> impl Future<Output = Socket<S>> {
    WebSocketStream::from_raw_socket(Measured::new(stream), Role::Server, Some(config))
}

/// Whether another WebSocket would take less room, and nothing gets lost with this one.
pub(super) fn is_roomy<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    cx: &mut Context<'_>,
) -> bool {
    // Answers to pings may be waiting, which nobody knows but the WebSocket.
    socket.get_ref().is_roomy() && matches!(socket.poll_flush_unpin(cx), Poll::Ready(Ok(())))
}

/// Puts another WebSocket in the place of this one.
pub(super) async fn give_back<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>) {
    let config = *socket.get_config();
    if let Some(stream) = socket.get_mut().stream.take() {
        *socket = open(stream, config).await;
    }
}

/// A stream, and what it tells about the buffers of who reads from it and writes to it.
#[derive(Debug)]
pub(super) struct Measured<S> {
    /// `None`: another one has it.
    stream: Option<S>,
    frames: Frames,
    /// Whether nothing had come, when last asked: all that came before was read then.
    is_read_up: bool,
    longest_write: usize,
}

impl<S> Measured<S> {
    fn new(stream: S) -> Self {
        let frames = Frames::default();
        Self { stream: Some(stream), frames, is_read_up: false, longest_write: 0 }
    }

    /// Whether the buffers are long, and nothing that came in is in them.
    fn is_roomy(&self) -> bool {
        let is_long =
            self.frames.longest() > LONG_FRAME_BYTES || self.longest_write > LONG_WRITE_BYTES;
        is_long && self.is_read_up && self.frames.are_whole()
    }
}

impl<S: Unpin> Measured<S> {
    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Measured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.stream()?.poll_read(cx, buffer);
        self.is_read_up = read.is_pending();
        self.frames.follow(&buffer.filled()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Measured<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.longest_write = self.longest_write.max(bytes.len());
        self.stream()?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::{FutureExt, StreamExt, future};
    use tokio::io::{DuplexStream, duplex};
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

    use super::super::WRITE_BUFFER_BYTES;
    use super::*;

    type Client = WebSocketStream<DuplexStream>;

    /// A client and a server, with so much room between them.
    async fn connected(bytes: usize) -> (Client, Socket<DuplexStream>) {
        let (here, there) = duplex(bytes);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES);
        let client = WebSocketStream::from_raw_socket(there, Role::Client, None).await;
        (client, open(here, config).await)
    }

    fn text(length: usize) -> Vec<Message> {
        vec![Message::text("x".repeat(length))]
    }

    /// A text of two fragments, with a ping between them.
    fn fragments(first: usize, second: usize) -> Vec<Message> {
        let fragment = |length, kind, is_final| {
            let kind = OpCode::Data(kind);
            Message::Frame(Frame::message("x".repeat(length), kind, is_final))
        };
        let ping = Message::Ping("ping".into());
        vec![fragment(first, Data::Text, false), ping, fragment(second, Data::Continue, true)]
    }

    /// The next texts, until there is nothing to read, as the pump does it. Counts how often room was given back.
    async fn read(server: &mut Socket<DuplexStream>, given_back: &mut usize) -> Vec<Utf8Bytes> {
        let mut texts = Vec::new();
        loop {
            let next = poll_fn(|cx| match server.poll_next_unpin(cx) {
                Poll::Pending if is_roomy(server, cx) => Poll::Ready(None),
                Poll::Pending if texts.is_empty() => Poll::Pending,
                next @ (Poll::Ready(_) | Poll::Pending) => Poll::Ready(Some(next)),
            });
            match next.await {
                None => {
                    *given_back += 1;
                    give_back(server).await;
                }
                Some(Poll::Ready(Some(Ok(Message::Text(text))))) => texts.push(text),
                Some(Poll::Ready(Some(Ok(_)))) => {}
                Some(Poll::Pending) => return texts,
                Some(end) => panic!("{end:?}"),
            }
        }
    }

    /// The next text, by a WebSocket that is left to itself.
    async fn read_only(server: &mut Socket<DuplexStream>) -> Vec<Utf8Bytes> {
        loop {
            if let Message::Text(text) = server.next().await.unwrap().unwrap() {
                return vec![text];
            }
        }
    }

    /// How far apart the texts stand in memory that come some time after a burst.
    async fn spread(burst: Vec<Message>, gives_back: bool) -> usize {
        let (mut client, mut server) = connected(200_000).await;
        let mut places = Vec::new();
        for number in 0..1_000 {
            let messages = if number == 10 { burst.clone() } else { text(100) };
            for message in messages {
                client.send(message).await.unwrap();
            }
            let texts = if gives_back {
                read(&mut server, &mut 0).await
            } else {
                read_only(&mut server).await
            };
            assert_eq!(texts.len(), 1);
            if number > 100 {
                places.push(texts[0].as_ptr().addr());
            }
        }
        places.iter().max().unwrap() - places.iter().min().unwrap()
    }

    #[tokio::test]
    async fn long_frames_that_came_leave_no_room_behind() {
        let bursts =
            [text(2_000), text(4_000), text(5_000), text(60_000), fragments(30_000, 30_000)];
        for burst in bursts.into_iter().chain([fragments(60_000, 1), fragments(1, 60_000)]) {
            let spread = spread(burst, true).await;
            assert!(spread < 3 * READ_BUFFER_BYTES, "{spread}");
        }
    }

    /// This is what the rest is for. If it ever fails, WebSockets have learned it, and all of this can go.
    #[tokio::test]
    async fn left_to_itself_a_websocket_keeps_the_room() {
        assert!(spread(text(60_000), false).await > 50_000);
        assert!(spread(fragments(60_000, 1), false).await > 50_000);
    }

    #[tokio::test]
    async fn nothing_that_comes_gets_lost() {
        for between in [7, 100, 4_096, 100_000] {
            let (client, mut server) = connected(between).await;
            let (mut client, answers) = client.split();
            let sent = (0..100).map(|number| match number % 5 {
                0 => (text(5_000 + number), 5_000 + number),
                1 => (fragments(5_000 + number, number), 5_000 + 2 * number),
                2 => (fragments(number, 5_000), 5_000 + number),
                _ => (text(number), number),
            });
            let (messages, lengths): (Vec<_>, Vec<_>) = sent.unzip();
            let sending = async {
                for message in messages.into_iter().flatten() {
                    client.send(message).await.unwrap();
                }
            };
            let (mut given_back, mut read_lengths) = (0, Vec::new());
            let reading = async {
                while read_lengths.len() < lengths.len() {
                    let texts = read(&mut server, &mut given_back).await;
                    read_lengths.extend(texts.iter().map(|text| text.len()));
                }
            };
            // Pings are answered, and the answers taken.
            let answers = answers.for_each(async |answer| assert!(answer.unwrap().is_pong()));
            tokio::select! {
                _ = future::join(sending, reading) => {}
                () = answers => panic!("the server has hung up"),
            }
            assert!(given_back > 0, "with {between}");
            assert_eq!(read_lengths, lengths, "with {between}");
        }
    }

    /// Whether room would be given back now.
    async fn is_roomy_now(server: &mut Socket<DuplexStream>) -> bool {
        poll_fn(|cx| Poll::Ready(is_roomy(server, cx))).await
    }

    #[tokio::test]
    async fn what_was_not_read_yet_is_not_given_up() {
        let (mut client, mut server) = connected(100_000).await;
        for message in [text(5_000), text(7)].concat() {
            client.send(message).await.unwrap();
        }
        assert_eq!(server.next().await.unwrap().unwrap().len(), 5_000);
        assert!(!is_roomy_now(&mut server).await, "the next one may be in it");
        assert_eq!(server.next().await.unwrap().unwrap().len(), 7);
        assert!(server.next().now_or_never().is_none());
        assert!(is_roomy_now(&mut server).await);
    }

    #[tokio::test]
    async fn what_has_not_left_yet_is_not_given_up() {
        let (mut client, mut server) = connected(4_096).await;
        server.feed(Message::text("x".repeat(30_000))).await.unwrap();
        assert!(server.next().now_or_never().is_none());
        assert!(!is_roomy_now(&mut server).await);
        let (received, flushed) = tokio::join!(client.next(), server.flush());
        assert_eq!((received.unwrap().unwrap().len(), flushed.is_ok()), (30_000, true));
        assert!(is_roomy_now(&mut server).await);
        give_back(&mut server).await;
        assert!(server.next().now_or_never().is_none());
        assert!(!is_roomy_now(&mut server).await, "it has just been");
    }
}
