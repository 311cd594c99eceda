//! A mutex that goes from one connection to the next: what waiting for a lease costs.
//!
//! It also checks that there is never more than one holder. A member counts as inside from its
//! grant until just before it sends the release, so a correct server cannot be accused wrongly.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Fallible,
    cli::Options,
    client::Client,
    drive::{Cycle, drive, leave},
    report::{grouped, print_table},
    request::Request,
    target::Target,
};

/// What peers live longer than they are needed. Short, because peers of a run that was interrupted
/// wait for the mutex until they expire.
const MARGIN: Duration = Duration::from_secs(30);

/// One connection with a peer of its own.
pub(crate) struct Handoff {
    number: usize,
    holders: Arc<Holders>,
    client: Client,
    peer: u64,
    acquire: Request,
    release: Request,
}

/// Who holds the mutex, as far as this program knows.
#[derive(Default)]
pub(crate) struct Holders {
    inside: AtomicUsize,
    last: AtomicUsize,
    overlaps: AtomicU64,
}

pub(crate) async fn run(options: &Options) -> Fallible<()> {
    let (url, duration) = (&options.url, options.duration());
    let (mut crew, holders) = crew(url, options.connections, options.mutex(), duration).await?;
    let samples = drive(&mut crew, duration).await;
    print_table(&[("hand-offs", &samples)]);
    samples.verdict()?;
    leave(crew).await?;
    holders.judge(&mut Client::connect(url).await?, url).await
}

/// All connections, each tried once, and what they share.
pub(crate) async fn crew(
    target: &Target,
    connections: usize,
    semaphore: &str,
    budget: Duration,
) -> Fallible<(Vec<Handoff>, Arc<Holders>)> {
    let holders = Arc::new(Holders::default());
    let mut crew = Vec::with_capacity(connections);
    for number in 1..=connections {
        let mut client = Client::connect(target).await?;
        let peer = client.new_peer(budget + MARGIN).await?;
        let acquire = Request::acquire(client.host(), peer, semaphore, "?block_for=10s");
        let release = Request::release(client.host(), peer, semaphore);
        let holders = Arc::clone(&holders);
        let member = Handoff { number, holders, client, peer, acquire, release };
        crew.push(member.tried().await?);
    }
    Ok((crew, holders))
}

impl Cycle for Handoff {
    async fn once(&mut self) -> Fallible<Option<Duration>> {
        let start = Instant::now();
        self.client.ok(&self.acquire).await?;
        let waited = start.elapsed();
        let before = self.holders.enter(self.number);
        // Lets others see a grant of theirs meanwhile, if there is one.
        tokio::task::yield_now().await;
        self.holders.exit();
        self.client.ok(&self.release).await?;
        Ok((before != self.number).then_some(waited))
    }

    async fn leave(mut self) -> Fallible<()> {
        self.client.delete_peer(self.peer).await
    }
}

impl Holders {
    /// Another number got the mutex. Returns the one that had it before.
    fn enter(&self, number: usize) -> usize {
        if self.inside.fetch_add(1, Ordering::SeqCst) > 0 {
            self.overlaps.fetch_add(1, Ordering::SeqCst);
        }
        self.last.swap(number, Ordering::SeqCst)
    }

    fn exit(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// Two holders at a time are an error, except on the baseline, which never excludes anybody.
    pub(crate) async fn judge(&self, client: &mut Client, target: &Target) -> Fallible<()> {
        if client.is_baseline().await? {
            println!(
                "note: {target} is the baseline: it grants at once, so its hand-offs mean nothing"
            );
            return Ok(());
        }
        match self.overlaps.load(Ordering::SeqCst) {
            0 => Ok(()),
            overlaps => Err(format!(
                "{target} granted the mutex {} times while another connection held it; does its maximum exceed 1?",
                grouped(overlaps)
            )
            .into()),
        }
    }
}
