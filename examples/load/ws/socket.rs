//! A WebSocket. What is ready is taken together, and what comes of it leaves as one frame with one write.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    frame::Outbox,
    inbox::{Frame, Inbox},
};
use crate::{
    Fallible,
    client::{PATIENCE, at_most},
    target::Target,
};

/// What is read at once, at least.
const READ_BYTES: usize = 16 * 1024;
/// A handshake whose answer is longer is refused.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// So much is kept of an answer that is no upgrade.
const EXCERPT_BYTES: usize = 300;

pub(crate) struct Socket {
    stream: TcpStream,
    inbox: Inbox,
    outbox: Outbox,
}

impl Socket {
    /// Connects and shakes hands.
    pub(crate) async fn open(target: &Target) -> Fallible<Self> {
        at_most(PATIENCE, Socket::connect(target)).await
    }

    async fn connect(target: &Target) -> Fallible<Self> {
        let mut stream = target.connect().await.map_err(|error| unreachable(target, &error))?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: bG9hZGxvYWRsb2FkbG9hZA==\r\n\r\n",
            target.host
        );
        stream.write_all(request.as_bytes()).await?;
        // The server has nothing to say before it was asked, so nothing can be read beyond the head.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 || head.len() > MAX_HEAD_BYTES {
                break;
            }
            if !head.starts_with(b"HTTP/1.1 101") && head.len() > EXCERPT_BYTES {
                break;
            }
        }
        if !head.starts_with(b"HTTP/1.1 101") || !head.ends_with(b"\r\n\r\n") {
            return Err(no_upgrade(target, &head).into());
        }
        Ok(Socket { stream, inbox: Inbox::default(), outbox: Outbox::default() })
    }

    /// What is to be sent.
    pub(crate) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Sends what is in the outbox, if there is something.
    pub(crate) async fn send(&mut self) -> Fallible<()> {
        let bytes = self.outbox.seal();
        if !bytes.is_empty() {
            self.stream.write_all(bytes).await?;
        }
        self.outbox.clear();
        Ok(())
    }

    /// Waits until something comes, and gives every text that is there to `take`, which may add to what is sent next.
    /// It may find that only a part of a frame has come.
    pub(crate) async fn receive(
        &mut self,
        mut take: impl FnMut(&str, &mut Outbox) -> Fallible<()>,
    ) -> Fallible<()> {
        if self.stream.read_buf(self.inbox.space(READ_BYTES)).await? == 0 {
            let end = io::ErrorKind::UnexpectedEof;
            return Err(io::Error::new(end, "the server closed a connection without a word").into());
        }
        while let Some(frame) = self.inbox.next()? {
            match frame {
                Frame::Text(text) => take(text, &mut self.outbox)?,
                Frame::Ping(payload) => self.outbox.pong(payload),
                Frame::Pong => {}
                Frame::Close(code, reason) => {
                    return Err(format!("the server closed a session: {code} {reason}").into());
                }
            }
        }
        Ok(())
    }

    /// Answers pings until the server ends it, and holds no memory meanwhile.
    pub(crate) async fn rest(&mut self) -> Fallible<()> {
        loop {
            self.inbox.shrink();
            self.stream.readable().await?;
            self.receive(|_, _| Ok(())).await?;
            self.send().await?;
        }
    }

    /// Ends it properly: when this returns, the server has let go of all that the session held.
    pub(crate) async fn leave(mut self) -> Fallible<()> {
        self.outbox.clear();
        self.outbox.close();
        self.send().await?;
        let closing = async {
            let mut rest = [0; 4096];
            while self.stream.read(&mut rest).await? > 0 {}
            Ok(())
        };
        at_most(PATIENCE, closing).await
    }
}

fn unreachable(target: &Target, error: &io::Error) -> String {
    let no_port = [io::ErrorKind::AddrNotAvailable, io::ErrorKind::AddrInUse];
    let hint = if no_port.contains(&error.kind()) {
        "\nNo port is left for one more connection: wait a minute for those of the last run, or widen net.ipv4.ip_local_port_range."
    } else {
        ""
    };
    format!("no server at {target}: {error}{hint}")
}

fn no_upgrade(target: &Target, answer: &[u8]) -> String {
    let excerpt = &answer[..answer.len().min(EXCERPT_BYTES)];
    let text = String::from_utf8_lossy(excerpt);
    let status = text.lines().next().unwrap_or("nothing");
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    format!("{target}/ws is no WebSocket; it answered {status}: {body}")
}
