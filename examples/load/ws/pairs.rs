//! Acquire and release without waiting: what a lease costs over a session when nobody is in the way.

use std::time::Instant;

use super::{
    crew::Member,
    session::{Counterpart, Session},
};
use crate::{Fallible, drive::Samples, target::Target};

/// One session. Each of its peers has one pair in flight.
pub(crate) struct Pairs {
    session: Session,
    /// When each peer asked last.
    asked: Vec<Instant>,
    /// Who has been granted what it asked for.
    granted: Vec<usize>,
}

/// All sessions, each of whose peers has asked for the first time.
pub(crate) async fn crew(
    target: &Target,
    connections: usize,
    in_flight: usize,
    semaphore: &str,
) -> Fallible<Vec<Pairs>> {
    let counterpart = Counterpart::of(target).await?;
    let mut crew = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut session = Session::open(target, counterpart, in_flight, semaphore).await?;
        session.begin().await?;
        crew.push(Pairs { session, asked: vec![Instant::now(); in_flight], granted: Vec::new() });
    }
    Ok(crew)
}

impl Member for Pairs {
    async fn wait(&mut self) -> Fallible<()> {
        let granted = &mut self.granted;
        let take = |peer| {
            granted.push(peer);
            Ok(())
        };
        self.session.granted(take).await
    }

    async fn react(&mut self, samples: &mut Samples) -> Fallible<()> {
        let now = Instant::now();
        for peer in self.granted.drain(..) {
            samples.record(now - self.asked[peer]);
            self.asked[peer] = now;
            self.session.again(peer);
        }
        self.session.send().await
    }

    async fn leave(self) -> Fallible<()> {
        self.session.leave().await
    }
}
