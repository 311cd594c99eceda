//! The task of a client: makes connections, and carries frames between the socket and the machine. It decides
//! nothing. Time goes on for the machine whatever the socket does.

use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::machine::Gone;
use super::shared::Shared;
use super::socket::{Socket, Target, connect, of_error};

/// Frames that are taken in one turn, before others get theirs.
const FRAMES_PER_TURN: usize = 64;

/// However far away the next deadline is, the clock is looked at so often: while a machine sleeps, no timer runs.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// How long the last words may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves a client to its end, beginning with a connection that is there.
pub(super) async fn run(shared: Arc<Shared>, target: Target, first: Socket) {
    let shared = Running(shared);
    let mut next = Some(first);
    while let Some(socket) = next.take() {
        shared.quietly(|machine, _, now| machine.connected(now));
        match (Pump { shared: &shared, socket, flushing: false }).serve().await {
            End::Gone(gone) => shared.disconnected(gone),
            End::Done(socket) => {
                // The server may be gone, too.
                let _ = timeout(FAREWELL, say_goodbye(*socket)).await;
                break;
            }
        }
        next = reconnect(&shared, &target).await;
    }
}

/// While there is this, the task runs. It may also end because its runtime does.
struct Running(Arc<Shared>);

impl Deref for Running {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.quietly(|machine, _, now| machine.close(now));
        self.set_done();
    }
}

/// Tries until there is a connection. `None`: none is needed any more.
async fn reconnect(shared: &Shared, target: &Target) -> Option<Socket> {
    loop {
        let (at, now, patience) = shared
            .quietly(|machine, _, now| (machine.connect_at(), now, machine.connect_timeout()));
        if let Some(wait) = at.map(|at| at.since(now)).filter(|wait| !wait.is_zero()) {
            while_time_goes_on(shared, sleep(wait.min(LONGEST_NAP))).await;
            continue;
        }
        at?;
        match while_time_goes_on(shared, connect(target, patience)).await? {
            Ok(socket) => return Some(socket),
            Err(gone) => shared.disconnected(gone),
        }
    }
}

/// Waits for something, while the machine is told the time. `None`: nobody needs it any more.
async fn while_time_goes_on<T>(shared: &Shared, wait: impl Future<Output = T>) -> Option<T> {
    let mut wait = pin!(wait);
    loop {
        let (nap, done) = shared.quietly(|machine, _, now| {
            machine.tick(now);
            (nap(machine.due(now).map(|due| due.since(now))), machine.connect_at().is_none())
        });
        if done {
            return None;
        }
        tokio::select! {
            biased;
            result = &mut wait => return Some(result),
            () = shared.woken() => {}
            () = sleep(nap) => {}
        }
    }
}

fn nap(due: Option<Duration>) -> Duration {
    // A timer may ring a little early, by the other clock.
    const LEAST: Duration = Duration::from_millis(1);
    due.unwrap_or(LONGEST_NAP).clamp(LEAST, LONGEST_NAP)
}

/// How it ends with a connection.
enum End {
    Gone(Gone),
    /// Nobody needs it any more, and all is said.
    Done(Box<Socket>),
}

struct Pump<'a> {
    shared: &'a Shared,
    socket: Socket,
    /// Whether something was written that may not be on its way yet.
    flushing: bool,
}

impl Pump<'_> {
    async fn serve(mut self) -> End {
        let shared = self.shared;
        let mut alarm = pin!(sleep_until(Instant::now()));
        let mut woken = pin!(shared.woken());
        let gone = poll_fn(|cx| {
            while woken.as_mut().poll(cx).is_ready() {
                woken.set(shared.woken());
            }
            self.turn(cx, alarm.as_mut())
        })
        .await;
        match gone {
            Some(gone) => End::Gone(gone),
            None => End::Done(Box::new(self.socket)),
        }
    }

    /// Listens first: what has come while this program was held up may prove that the connection lives.
    fn turn(&mut self, cx: &mut Context<'_>, alarm: Pin<&mut Sleep>) -> Poll<Option<Gone>> {
        if let Err(gone) = self.listen(cx) {
            return Poll::Ready(Some(gone));
        }
        let trouble = self.shared.quietly(|machine, _, now| {
            machine.tick(now);
            machine.trouble().cloned()
        });
        if let Some(trouble) = trouble {
            return Poll::Ready(Some(trouble));
        }
        if let Err(error) = self.talk(cx) {
            return Poll::Ready(Some(of_error(&error)));
        }
        if !self.flushing && self.shared.quietly(|machine, _, _| machine.is_done()) {
            return Poll::Ready(None);
        }
        self.set_alarm(cx, alarm);
        Poll::Pending
    }

    fn listen(&mut self, cx: &mut Context<'_>) -> Result<(), Gone> {
        for _ in 0..FRAMES_PER_TURN {
            let Poll::Ready(frame) = self.socket.poll_next_unpin(cx) else { return Ok(()) };
            match frame {
                Some(Ok(message)) => self.hear(message)?,
                Some(Err(error)) => return Err(of_error(&error)),
                None => return Err(Gone::Broken("the connection has ended".to_owned())),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn hear(&self, message: Message) -> Result<(), Gone> {
        match message {
            Message::Text(text) => {
                self.shared.quietly(|machine, _, now| machine.on_text(now, &text));
                Ok(())
            }
            Message::Close(Some(CloseFrame { code, reason })) => {
                Err(Gone::of_close(code.into(), &reason))
            }
            Message::Close(None) => Err(Gone::of_close(1005, "")),
            // Pings are answered by the socket itself. Frames are never read.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                self.shared.quietly(|machine, _, _| machine.heard());
                Ok(())
            }
        }
    }

    /// Sends frames as long as the socket takes them. Each is made at the last moment: until then more may come to
    /// be said, and the time at which it is made counts as that at which it was sent.
    fn talk(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            while let Poll::Ready(ready) = self.socket.poll_ready_unpin(cx) {
                ready?;
                let frame = self.shared.quietly(|machine, _, now| machine.pop_frame(now));
                let Some(frame) = frame else { break };
                self.socket.start_send_unpin(Message::Text(frame.into()))?;
                self.flushing = true;
            }
            if !self.flushing {
                return Ok(());
            }
            let Poll::Ready(flushed) = self.socket.poll_flush_unpin(cx) else { return Ok(()) };
            flushed?;
            self.flushing = false;
        }
    }

    fn set_alarm(&self, cx: &mut Context<'_>, mut alarm: Pin<&mut Sleep>) {
        let due = self.shared.quietly(|machine, _, now| machine.due(now).map(|due| due.since(now)));
        alarm.as_mut().reset(Instant::now() + nap(due));
        if alarm.poll_unpin(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

/// The server handles what was said before it reads this, and answers it.
async fn say_goodbye(mut socket: Socket) -> Result<(), Error> {
    let reason = Utf8Bytes::from_static("done");
    socket.close(Some(CloseFrame { code: 1000.into(), reason })).await?;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}
