//! A mutex that goes from one peer to the next, over few connections. Every grant is answered with one frame: the
//! release, and the peer's next acquire, which goes to the end of the line.
//!
//! Before anything is measured it is checked that there is never more than one holder: each holds until all others
//! have had the time to see a grant of theirs.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    crew::Member,
    session::{Counterpart, Session},
};
use crate::{Fallible, drive::Samples, target::Target};

/// How long each holds while it is checked that nobody else does.
const HOLD: Duration = Duration::from_millis(2);

const TWO_HOLDERS: &str =
    "the server granted the mutex to two peers at once; does its maximum exceed 1?";

/// One session.
pub(crate) struct Handoff {
    number: usize,
    mutex: Arc<Mutex<Holders>>,
    session: Session,
    granted: Option<usize>,
}

/// Who holds the mutex, as far as this program knows.
struct Holders {
    checking: bool,
    inside: Option<Peer>,
    last: Option<Peer>,
    left: Instant,
}

/// A peer: its connection, and its number there.
type Peer = (usize, usize);

/// All sessions, whose peers stand in line.
pub(crate) async fn crew(
    target: &Target,
    connections: usize,
    waiting: usize,
    semaphore: &str,
) -> Fallible<Vec<Handoff>> {
    if Counterpart::of(target).await? == Counterpart::Echo {
        return Err(format!("{target} is the baseline, which has no line to stand in").into());
    }
    let holders = Holders { checking: true, inside: None, last: None, left: Instant::now() };
    let mutex = Arc::new(Mutex::new(holders));
    let connections = connections.min(waiting);
    let mut crew = Vec::with_capacity(connections);
    for number in 0..connections {
        let peers = waiting / connections + usize::from(number < waiting % connections);
        let session = Session::open(target, Counterpart::Throttle, peers, semaphore).await?;
        crew.push(Handoff { number, mutex: Arc::clone(&mutex), session, granted: None });
    }
    stand_in_line(&mut crew, waiting).await?;
    Ok(crew)
}

/// Lets all peers ask, in an order in which neighbours in the line are on different connections, however many they
/// are: a grant to the connection that has released would come in one frame with the place of the one that did.
async fn stand_in_line(crew: &mut [Handoff], waiting: usize) -> Fallible<()> {
    let connections = crew.len();
    for begin in (0..waiting).step_by(connections) {
        let peer = begin / connections;
        let some = &mut crew[..connections.min(waiting - begin)];
        for member in &mut *some {
            member.session.ask(peer).await?;
        }
        for member in some {
            if member.session.in_line().await? {
                member.granted = Some(peer);
            }
        }
    }
    Ok(())
}

/// From now on nobody holds longer than it takes to give it back.
pub(crate) fn stop_checking(crew: &[Handoff]) {
    if let Some(member) = crew.first() {
        member.holders().checking = false;
    }
}

impl Member for Handoff {
    async fn wait(&mut self) -> Fallible<()> {
        if self.granted.is_some() {
            return Ok(());
        }
        let granted = &mut self.granted;
        let take = |peer| granted.replace(peer).map_or(Ok(()), |_| Err(TWO_HOLDERS.into()));
        self.session.granted(take).await
    }

    async fn react(&mut self, samples: &mut Samples) -> Fallible<()> {
        if let Some(peer) = self.granted.take() {
            let (waited, checking) = self.holders().enter((self.number, peer))?;
            if let Some(waited) = waited {
                samples.record(waited);
            }
            if checking {
                tokio::time::sleep(HOLD).await;
            }
            self.session.again(peer);
            self.holders().exit();
        }
        self.session.send().await
    }

    async fn leave(self) -> Fallible<()> {
        self.session.leave().await
    }
}

impl Handoff {
    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holders {
    /// A peer got the mutex. Returns how long after the last one gave it back, if that was another one, and whether
    /// it is to be held for a while.
    fn enter(&mut self, peer: Peer) -> Fallible<(Option<Duration>, bool)> {
        if self.inside.replace(peer).is_some() {
            return Err(TWO_HOLDERS.into());
        }
        let handed_over = self.last.replace(peer) != Some(peer);
        Ok((handed_over.then(|| self.left.elapsed()), self.checking))
    }

    fn exit(&mut self) {
        self.inside = None;
        self.left = Instant::now();
    }
}
