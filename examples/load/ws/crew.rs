//! Runs one task per session until the time is over, and gathers what they measured. Unlike `drive`, it does not wait
//! for members to be done: who stands in line may not be served any more.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::JoinSet};

use crate::{Fallible, drive::Samples};

/// What one session does.
pub(crate) trait Member: Send + 'static {
    /// Waits for something. Nothing is lost when that is dropped.
    fn wait(&mut self) -> impl Future<Output = Fallible<()>> + Send;

    /// Reacts to what came, if something did.
    fn react(&mut self, samples: &mut Samples) -> impl Future<Output = Fallible<()>> + Send;

    /// Leaves nothing behind on the server.
    fn leave(self) -> impl Future<Output = Fallible<()>> + Send;
}

/// Lets the whole crew work for that long. Whatever fails is the result.
pub(crate) async fn drive<M: Member>(crew: &mut Vec<M>, duration: Duration) -> Fallible<Samples> {
    let end = Arc::new(End::default());
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for member in crew.drain(..) {
        tasks.spawn(work(member, Arc::clone(&end)));
    }
    end.after(duration).await;
    let mut total = Samples::new();
    total.elapsed = start.elapsed();
    while let Some(joined) = tasks.join_next().await {
        let (member, samples) = joined??;
        crew.push(member);
        total.add_parallel(samples);
    }
    Ok(total)
}

/// Asks all of the crew to clean up.
pub(crate) async fn leave<M: Member>(crew: Vec<M>) -> Fallible<()> {
    for member in crew {
        member.leave().await?;
    }
    Ok(())
}

/// A crew of which nobody got anything has met a server that hangs.
pub(crate) fn served(samples: Samples) -> Fallible<Samples> {
    match samples.latencies.len() {
        0 => Err(
            "the server granted nothing in all that time; does somebody else hold the semaphore?"
                .into(),
        ),
        _ => Ok(samples),
    }
}

#[derive(Default)]
struct End {
    come: AtomicBool,
    bell: Notify,
}

impl End {
    /// It comes after that long, or when somebody has failed.
    async fn after(&self, duration: Duration) {
        // Either way it is the end.
        let _ = tokio::time::timeout(duration, self.bell.notified()).await;
        self.declare();
    }

    fn declare(&self) {
        self.come.store(true, Ordering::Relaxed);
        self.bell.notify_waiters();
    }
}

async fn work<M: Member>(mut member: M, end: Arc<End>) -> Fallible<(M, Samples)> {
    let mut samples = Samples::new();
    let mut bell = pin!(end.bell.notified());
    bell.as_mut().enable();
    while !end.come.load(Ordering::Relaxed) {
        let come = tokio::select! {
            biased;
            come = member.wait() => come,
            () = bell.as_mut() => break,
        };
        let done = match come {
            Ok(()) => member.react(&mut samples).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            end.declare();
            return Err(error);
        }
    }
    Ok((member, samples))
}
