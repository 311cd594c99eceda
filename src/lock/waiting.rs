//! Getting the locks. A signal ends it, and leaves nothing behind on the server.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::failure::Failure;
use super::notice::Notice;
use super::outage::Outage;
use super::system::Signals;
use super::{end, label};
use crate::cli::Lock;
use crate::client::{Client, Error, Lease, Progress};

/// A server that is there has so much time to answer, whatever the timeout. The same as for a connection.
const ANSWER: Duration = Duration::from_secs(5);

/// The server ends a wait that is too long. If nothing is heard of that for so long, the wait is over all the same.
const SLACK: Duration = Duration::from_secs(1);

/// What there is when the command can be run.
pub(super) struct Held {
    pub(super) client: Client,
    pub(super) lease: Lease,
    pub(super) signals: Signals,
}

/// Gets the locks.
pub(super) async fn acquire(arguments: &Lock) -> Result<Held, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::system("receive signals", &error))?;
    let started = Instant::now();
    let mut builder = Client::builder(arguments.server());
    if let Some(token) = arguments.token().map_err(Failure::Trouble)? {
        builder = builder.token(token.secret());
    }
    if let Some(file) = arguments.ca() {
        builder = builder.trust(file);
    }
    let connecting = builder
        .name(concat!("throttle-lock/", env!("CARGO_PKG_VERSION")))
        .expires_in(arguments.expires_in)
        // A third of the time is left when the command has to stop: one half of that to end, one half to be killed.
        .margin(arguments.expires_in / 3)
        .connect();
    let failed = |error: Error| Failure::client(&error, arguments.server());
    let client = unless_signalled(&mut signals, connecting).await?.map_err(failed)?;
    let waiting = wait_in_line(&client, arguments, started);
    match unless_signalled(&mut signals, waiting).await.and_then(|lease| lease) {
        Ok(lease) => Ok(Held { client, lease, signals }),
        Err(failure) => {
            end(client).await;
            Err(failure)
        }
    }
}

async fn unless_signalled<T>(
    signals: &mut Signals,
    wait: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        number = signals.ending() => Err(Failure::Signalled(number)),
        done = wait => Ok(done),
    }
}

async fn wait_in_line(
    client: &Client,
    arguments: &Lock,
    started: Instant,
) -> Result<Lease, Failure> {
    let names = names(arguments);
    let failed = |error: Error| Failure::client(&error, arguments.server());
    let (told, mut standing) = mpsc::unbounded_channel();
    let mut acquire = pin!(ask(client, arguments, started, told));
    let mut notice =
        Notice::new(&names, Outage::new(arguments.server(), arguments.timeout.is_some()));
    // Without a timeout, for longer than anybody waits.
    let longest = arguments.timeout.map_or(Duration::MAX, |it| it.max(ANSWER) + SLACK);
    let mut over = pin!(sleep(longest.saturating_sub(started.elapsed())));
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            lease = &mut acquire => {
                if lease.is_ok() {
                    notice.reaches(None);
                }
                return lease.map_err(|error| {
                    let timed_out = || timed_out(arguments, &notice);
                    if matches!(error, Error::Timeout { .. }) { timed_out() } else { failed(error) }
                });
            }
            () = &mut over => return Err(timed_out(arguments, &notice)),
            Some(progress) = standing.recv() => {
                notice.reaches(None);
                notice.stands(progress, started.elapsed());
            }
            _ = seconds.tick() => {
                notice.reaches(client.outage().as_ref());
                notice.update(started.elapsed());
            }
        }
    }
}

fn timed_out(arguments: &Lock, notice: &Notice) -> Failure {
    let timeout = arguments.timeout.unwrap_or_default();
    Failure::timeout(&names(arguments), timeout, &notice.standing())
}

/// Asks for the locks, and says how far it is.
async fn ask(
    client: &Client,
    arguments: &Lock,
    started: Instant,
    told: mpsc::UnboundedSender<Progress>,
) -> Result<Lease, Error> {
    let label = arguments.label.clone().unwrap_or_else(label::default);
    let peer = client.peer(label).await?;
    let mut acquire = peer
        .acquire(arguments.semaphores.clone())
        .priority(arguments.priority)
        .on_progress(move |progress| drop(told.send(progress)));
    if let Some(timeout) = arguments.timeout {
        acquire = acquire.timeout(timeout.saturating_sub(started.elapsed()));
    }
    acquire.await
}

/// What is wanted, for people.
pub(super) fn names(arguments: &Lock) -> String {
    let name = |(name, count): &(String, u32)| match count {
        1 => name.clone(),
        count => format!("{name}={count}"),
    };
    arguments.semaphores.iter().map(name).collect::<Vec<_>>().join(", ")
}
