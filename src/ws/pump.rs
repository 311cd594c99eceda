//! Between a socket, a session and the engine: takes what is ready from each, submits one batch, writes one frame and
//! flushes once. It decides only what the session cannot know: whether the other side reads, and whether it lives.
//!
//! Nobody waits for a session: what is queued for its socket is bounded in bytes, and a client that does not read is
//! sent away.

mod farewell;
mod fragments;
mod frames;
mod looking;
mod reading;
mod room;
mod timing;
mod writing;

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use self::farewell::Unsaid;
use self::fragments::Fragments;
use self::looking::Looking;
use self::room::Socket;
use self::timing::Progress;
use super::close::Close;
use super::session::{Rules, Session};
use crate::access::Caller;
use crate::engine::Key;
use crate::feed::Feed;
use crate::metrics::SessionGauge;
use crate::runtime::{Clock, EngineGone, Events, Handle, Line, Submitted};
use crate::shutdown::Shutdown;

/// Most that waits for a socket which takes nothing.
const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// What a session reads at once. It is allocated as long as the session lives.
const READ_BUFFER_BYTES: usize = 2 * 1024;

/// What is collected before it is written, unless there is no more.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// Most that is ever collected: any frame finds room, and so do answers to many pings.
const MAX_WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// Events that are taken in one turn, before others get theirs.
const EVENTS_PER_TURN: usize = 1024;

/// When the server goes away, its clients come back spread over this time.
const RECONNECT_WITHIN_MS: u64 = 5_000;

/// What all sessions of a server have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rules: Arc<Rules>,
    pub(super) engine: Handle,
    pub(super) clock: Clock,
    pub(super) feed: Feed,
    pub(super) shutdown: Shutdown,
    pub(super) sessions: SessionGauge,
    /// One for each session that there may be.
    pub(super) places: Arc<Semaphore>,
    pub(super) max_frame_bytes: usize,
    pub(super) heartbeat: Duration,
    pub(super) hello_timeout: Duration,
}

/// Serves one session to its end, unless there are too many.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    remote: Option<SocketAddr>,
    caller: Caller,
    shared: Arc<Shared>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        // Answers to pings go there, whether the socket takes anything or not. When it is full, only the last one
        // is kept (RFC 6455, section 5.5.3).
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(Some(shared.max_frame_bytes))
        .max_frame_size(Some(shared.max_frame_bytes));
    let socket = room::open(socket, config).await;
    let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
        let end = End::Closing(Close::TooMany);
        return Box::pin(farewell::send(socket, None, end, &shared.shutdown)).await;
    };
    let counted = shared.sessions.enter();
    let (line, events) = shared.engine.connect();
    let noted = shared.feed.note_remote(line.connection(), remote);
    let session = Session::new(Arc::clone(&shared.rules), line.connection(), caller);
    let opened = Instant::now();
    let mut pump = Pump {
        socket,
        session,
        line,
        events,
        flushing: false,
        reading: Reading::Due,
        places_due: None,
        hello_until: opened + shared.hello_timeout,
        heard: opened,
        ping_at: opened + shared.heartbeat,
        progress: Progress::default(),
        looking: None,
        fragments: None,
        end: None,
        shared,
    };
    let end = pump.serve().await;
    let Pump { socket, session, shared, line, events, fragments, .. } = pump;
    // This is the end of the connection for its peers, whatever the socket does from now on.
    drop((line, events, noted, counted, place));
    tracing::debug!(?end, "a session ended");
    // Boxed: an idle session has no use for the room that this takes.
    let unsaid = Unsaid { fragments, session, feed: shared.feed.clone() };
    Box::pin(farewell::send(socket, Some(unsaid), end, &shared.shutdown)).await;
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The server ends it.
    Closing(Close),
    /// The client has ended it, as it should.
    ClosedByClient,
    /// The socket is of no use any more.
    Gone,
}

/// What to do after a turn.
enum Turn {
    Submit,
    GiveBackRoom,
    End(End),
}

/// Whether the socket is to be read before the task sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The task has been woken, whatever by.
    Due,
    /// It has been read since.
    Done,
    /// It has to be read again as soon as nothing forbids it: it was not read to the end, or something may have come
    /// unnoticed.
    Again,
}

struct Pump<S> {
    shared: Arc<Shared>,
    socket: Socket<S>,
    session: Session,
    line: Line,
    events: Events,
    /// Whether something was written that may not be on its way yet.
    flushing: bool,
    reading: Reading,
    /// Until when places in line are kept back, if there is nothing else to say.
    places_due: Option<Instant>,
    hello_until: Instant,
    /// When the last frame came.
    heard: Instant,
    ping_at: Instant,
    progress: Progress,
    /// What operators look at. Nearly nobody does.
    looking: Option<Box<Looking>>,
    /// A long message that has begun to leave. Nearly always none.
    fragments: Option<Box<Fragments>>,
    end: Option<End>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    async fn serve(&mut self) -> End {
        let shutdown = self.shared.shutdown.clone();
        let mut draining = pin!(shutdown.draining().fuse());
        let mut alarm = pin!(sleep_until(self.due()));
        loop {
            let turn = poll_fn(|cx| {
                // Once for each time that the task was woken.
                let is_woken = self.reading != Reading::Done;
                if is_woken && draining.as_mut().poll(cx).is_ready() {
                    self.session.on_draining(reconnect_in_ms());
                }
                self.turn(cx, alarm.as_mut())
            });
            match turn.await {
                Turn::Submit => {
                    if self.submit().await.is_err() {
                        return End::Closing(Close::Restarting);
                    }
                }
                // Boxed: an idle session has no use for the room that this takes.
                Turn::GiveBackRoom => Box::pin(room::give_back(&mut self.socket)).await,
                Turn::End(end) => return end,
            }
        }
    }

    /// Takes in what is ready, and sends what there is to say about it. What has been asked for is submitted even
    /// when the session is about to end.
    ///
    /// Most of the time, what is submitted has been answered when the next turn begins. So that one takes in the
    /// answers, but does not look at the socket again, which would cost as much as an answer.
    fn turn(&mut self, cx: &mut Context<'_>, mut alarm: Pin<&mut Sleep>) -> Poll<Turn> {
        if self.reading == Reading::Due {
            self.reading = Reading::Done;
            // The answers to what is going to be submitted need not wake this task.
            let quiet = &mut Context::from_waker(Waker::noop());
            self.end =
                self.end.or_else(|| self.take_events(quiet)).or_else(|| self.take_frames(cx));
            if self.session.commands() > 0 {
                return Poll::Ready(Turn::Submit);
            }
        }
        self.end = self.end.or_else(|| self.take_events(cx));
        self.postpone(alarm.as_mut());
        self.look();
        self.end =
            self.end.or_else(|| self.look_at_the_clock(cx, alarm)).or_else(|| self.write(cx));
        if self.session.commands() > 0 {
            return Poll::Ready(Turn::Submit);
        }
        let end = self.end.or_else(|| self.session.close().map(End::Closing));
        if self.reading == Reading::Again && !self.session.has_backlog() {
            cx.waker().wake_by_ref();
        }
        self.reading = Reading::Due;
        match end {
            Some(end) => Poll::Ready(Turn::End(end)),
            None if self.is_idle() && room::is_roomy(&mut self.socket, cx) => {
                Poll::Ready(Turn::GiveBackRoom)
            }
            None => Poll::Pending,
        }
    }

    /// Submits what has been asked for.
    async fn submit(&mut self) -> Result<(), EngineGone> {
        let commands = self.session.take_commands();
        match self.line.try_submit(commands)? {
            Submitted::Now => Ok(()),
            Submitted::Later(submitted) => {
                // Whatever wakes the task now will not be noticed.
                self.reading = Reading::Again;
                submitted.await
            }
        }
    }

    fn take_events(&mut self, cx: &mut Context<'_>) -> Option<End> {
        for _ in 0..EVENTS_PER_TURN {
            match pin!(self.events.recv()).poll(cx) {
                Poll::Ready(Some(event)) => self.session.on_event(event, &mut random_key),
                // The engine is gone.
                Poll::Ready(None) => return Some(End::Closing(Close::Restarting)),
                Poll::Pending => return None,
            }
        }
        cx.waker().wake_by_ref();
        None
    }
}

fn random_key() -> Option<Key> {
    let mut bytes = [0; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system has no random numbers");
        return None;
    }
    Some(Key::new(u128::from_le_bytes(bytes)))
}

/// Below 2^53, like all numbers that a browser may see.
pub(super) fn number_of(key: Key) -> u64 {
    let digest = Sha256::digest(key.secret().to_be_bytes());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)) >> 11
}

/// Each client gets its own time. Without random numbers all come at once, which is no reason to fail.
fn reconnect_in_ms() -> u64 {
    getrandom::u64().unwrap_or_default() % RECONNECT_WITHIN_MS
}
