//! What is measured over sessions, each time with fresh ones, so that several plans can take turns on one server.

use std::time::Duration;

use super::{
    crew::{drive, leave, served},
    handoff, pairs,
};
use crate::{
    Fallible,
    client::{PATIENCE, at_most},
    drive::Samples,
    target::Target,
};

/// How long a crew works before anything counts.
const WARM_UP: Duration = Duration::from_millis(200);

pub(crate) enum Plan {
    /// Acquire and release, or an echo, with so many in flight on each connection.
    Pairs { connections: usize, in_flight: usize, semaphore: String },
    /// A mutex among so many peers.
    Handoff { connections: usize, waiting: usize, semaphore: String },
}

impl Plan {
    /// How many connections there are at once.
    pub(crate) fn connections(&self) -> usize {
        match self {
            Plan::Pairs { connections, .. } => *connections,
            Plan::Handoff { connections, waiting, .. } => *connections.min(waiting),
        }
    }

    /// Opens sessions, measures for that long, and closes them.
    pub(crate) async fn measure(&self, target: &Target, duration: Duration) -> Fallible<Samples> {
        match self {
            Plan::Pairs { connections, in_flight, semaphore } => {
                let crew = pairs::crew(target, *connections, *in_flight, semaphore);
                let mut crew = at_most(PATIENCE, crew).await?;
                served(drive(&mut crew, WARM_UP).await?)?;
                let samples = drive(&mut crew, duration).await?;
                leave(crew).await?;
                served(samples)
            }
            Plan::Handoff { connections, waiting, semaphore } => {
                let crew = handoff::crew(target, *connections, *waiting, semaphore);
                let mut crew = at_most(PATIENCE, crew).await?;
                served(drive(&mut crew, WARM_UP).await?)?;
                handoff::stop_checking(&crew);
                let samples = drive(&mut crew, duration).await?;
                leave(crew).await?;
                served(samples)
            }
        }
    }
}
