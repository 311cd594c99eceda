//! A connection's socket: tells when something arrives, gives up on a peer that takes nothing, and keeps its place
//! among the connections, also when it is upgraded.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;

use super::head_timer::HeadTimer;

/// How long an answer may be stuck because the other side does not read.
const STALL: Duration = Duration::from_secs(30);

/// After so long without a word, the system asks whether the other machine is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// So much may wait in the system until it is sent. What an answer to a ping stands behind, or a grant, has to be less
/// than a slow client reads between two heartbeats; by itself the system takes megabytes.
#[cfg(target_os = "linux")]
const NOT_SENT_BYTES: u32 = 128 * 1024;

/// With TLS or without.
pub(super) struct Socket<S> {
    stream: S,
    head: HeadTimer,
    /// Runs while nothing can be written.
    stall: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

/// How a connection's socket is to behave.
pub(super) fn prepare(stream: &TcpStream) {
    // Answers are small and wanted now. All settings fail only on a socket that is gone; that shows soon enough.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_notsent_lowat(NOT_SENT_BYTES);
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, head: HeadTimer, place: OwnedSemaphorePermit) -> Self {
        Self { stream, head, stall: None, _place: place }
    }

    /// What came of writing, or the end when nothing could be written for too long.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
        ready!(stall.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.head.heard();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.unless_stalled(cx, written)
    }

    /// TLS takes in what it is given, and gets stuck here.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;

    use super::*;

    /// The clock stands still until nothing else is left to do: then it jumps to the next deadline.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let head = HeadTimer::new(Duration::from_secs(5));
        let mut socket = Socket::new(stream, head, place);
        let endless = async {
            loop {
                socket.write_all(&[0; 65_536]).await?;
            }
        };
        let ended: io::Result<()> = endless.await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(reader);
    }

    /// How much the system takes for a client that does not read.
    #[cfg(target_os = "linux")]
    async fn taken(prepare: impl FnOnce(&TcpStream)) -> usize {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = tokio::net::TcpSocket::new_v4().unwrap();
        client.set_recv_buffer_size(4096).unwrap();
        let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        prepare(&stream);
        stream.writable().await.unwrap();
        let mut taken = 0;
        while let Ok(bytes) = stream.try_write(&[0; 16_384]) {
            taken += bytes;
        }
        drop(client);
        taken
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn little_waits_in_the_system_for_who_does_not_read() {
        let (limited, by_itself) = (taken(prepare).await, taken(|_| {}).await);
        assert!(limited < 2 * NOT_SENT_BYTES as usize, "{limited}");
        assert!(by_itself > 4 * limited, "{by_itself} by itself, {limited}");
    }
}
