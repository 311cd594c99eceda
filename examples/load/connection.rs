//! A keep-alive HTTP/1.1 connection: one request out, one answer in, never pipelined.
//!
//! It is written by hand because it has to cost less than the server that it measures: no task, no
//! channel and no allocation per request. It understands what servers of the REST interface send:
//! a length or chunks.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Fallible, request::Request, target::Target};

/// Answers with a longer head are refused.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Answers with a longer body are refused.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024 * 1024 - 1;
/// What is read at once, at least.
const READ_BYTES: usize = 8 * 1024;

pub(crate) struct Connection {
    stream: TcpStream,
    /// All that was received of the current answer.
    received: Vec<u8>,
    /// The body of the last answer, if it came in chunks.
    joined: Vec<u8>,
}

/// An answer. Its body is borrowed until the next request.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

enum Framing {
    Length(usize),
    Chunks,
}

struct Head {
    status: u16,
    /// Where the body begins.
    end: usize,
    framing: Framing,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Fallible<Self> {
        let stream =
            target.connect().await.map_err(|error| format!("no server at {target}: {error}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, received: Vec::new(), joined: Vec::new() })
    }

    /// Sends the request and receives the whole answer.
    pub(crate) async fn exchange(&mut self, request: &Request) -> Fallible<Answer<'_>> {
        self.received.clear();
        self.stream.write_all(request.bytes()).await?;
        let head = self.head().await?;
        match head.framing {
            Framing::Length(length) => {
                let end = head.end.saturating_add(length);
                self.receive_until(end).await?;
                Ok(Answer { status: head.status, body: &self.received[head.end..end] })
            }
            Framing::Chunks => {
                self.join_chunks(head.end).await?;
                Ok(Answer { status: head.status, body: &self.joined })
            }
        }
    }

    async fn head(&mut self) -> Fallible<Head> {
        let mut searched = 0;
        loop {
            self.receive(READ_BYTES).await?;
            if let Some(found) = find(&self.received[searched..], b"\r\n\r\n") {
                return parse_head(&self.received[..searched + found]);
            }
            searched = self.received.len().saturating_sub(3);
            if searched > MAX_HEAD_BYTES {
                return Err("an answer's head is too long".into());
            }
        }
    }

    async fn join_chunks(&mut self, mut at: usize) -> Fallible<()> {
        self.joined.clear();
        loop {
            let line = self.line(at).await?;
            let size = chunk_size(&self.received[at..line])?;
            let begin = line + 2;
            let end = begin.saturating_add(size);
            if size == 0 {
                return self.trailers(begin).await;
            }
            self.receive_until(end.saturating_add(2)).await?;
            self.joined.extend_from_slice(&self.received[begin..end]);
            at = end + 2;
        }
    }

    async fn trailers(&mut self, mut at: usize) -> Fallible<()> {
        loop {
            let line = self.line(at).await?;
            if line == at {
                return Ok(());
            }
            at = line + 2;
        }
    }

    /// Where the line that begins there ends.
    async fn line(&mut self, at: usize) -> Fallible<usize> {
        loop {
            if let Some(found) = find(&self.received[at..], b"\r\n") {
                return Ok(at + found);
            }
            self.receive(READ_BYTES).await?;
        }
    }

    async fn receive_until(&mut self, end: usize) -> Fallible<()> {
        if end > MAX_BODY_BYTES {
            return Err("an answer's body is too long".into());
        }
        while self.received.len() < end {
            self.receive(end - self.received.len()).await?;
        }
        Ok(())
    }

    async fn receive(&mut self, room: usize) -> Fallible<()> {
        self.received.reserve(room);
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed a connection before it answered",
            )
            .into()),
            _ => Ok(()),
        }
    }
}

/// Parses status line and headers, without the empty line that ends them.
fn parse_head(head: &[u8]) -> Fallible<Head> {
    let text = std::str::from_utf8(head)?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .ok_or_else(|| format!("expected an HTTP/1.1 status line, found: {status_line}"))?;
    let mut framing = None;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("an answer has a malformed header")?;
        if name.eq_ignore_ascii_case("content-length") {
            framing = Some(Framing::Length(value.trim().parse()?));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Some(Framing::Chunks);
        }
    }
    let framing = framing.ok_or("an answer has neither length nor chunks")?;
    Ok(Head { status, end: head.len() + 4, framing })
}

fn chunk_size(line: &[u8]) -> Fallible<usize> {
    let text = std::str::from_utf8(line)?;
    let digits = text.split(';').next().unwrap_or_default().trim();
    Ok(usize::from_str_radix(digits, 16)?)
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}
