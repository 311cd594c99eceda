//! Acquire and release without waiting: what a lease costs when nobody is in the way.

use std::time::{Duration, Instant};

use crate::{
    Fallible,
    cli::Options,
    client::Client,
    drive::{Cycle, drive, leave},
    herd::{Herd, Lifetime, MARGIN},
    report::print_table,
    request::Request,
    target::Target,
};

/// One connection with a peer of its own.
pub(crate) struct Pairs {
    client: Client,
    peer: u64,
    acquire: Request,
    release: Request,
}

pub(crate) async fn run(options: &Options, idle_peers: usize) -> Fallible<()> {
    let (url, duration) = (&options.url, options.duration());
    // First, so that an unknown semaphore is found before many peers are registered.
    let mut crew = crew(url, options.connections, options.roomy(), duration).await?;
    let herd = Herd::register(options, idle_peers, Lifetime::For(duration + MARGIN)).await?;
    let samples = drive(&mut crew, duration).await;
    print_table(&[("acquire + release pairs", &samples)]);
    samples.verdict()?;
    leave(crew).await?;
    herd.remove().await
}

/// All connections, each tried once.
pub(crate) async fn crew(
    target: &Target,
    connections: usize,
    semaphore: &str,
    budget: Duration,
) -> Fallible<Vec<Pairs>> {
    let mut crew = Vec::with_capacity(connections);
    for _ in 0..connections {
        crew.push(Pairs::with_budget(target, semaphore, budget).await?);
    }
    Ok(crew)
}

impl Pairs {
    pub(crate) async fn prepare(target: &Target, semaphore: &str) -> Fallible<Self> {
        Pairs::with_budget(target, semaphore, MARGIN).await
    }

    async fn with_budget(target: &Target, semaphore: &str, budget: Duration) -> Fallible<Self> {
        let mut client = Client::connect(target).await?;
        let peer = client.new_peer(budget + MARGIN).await?;
        let acquire = Request::acquire(client.host(), peer, semaphore, "");
        let release = Request::release(client.host(), peer, semaphore);
        Pairs { client, peer, acquire, release }.tried().await
    }
}

impl Cycle for Pairs {
    async fn once(&mut self) -> Fallible<Option<Duration>> {
        let start = Instant::now();
        self.client.ok(&self.acquire).await?;
        self.client.ok(&self.release).await?;
        Ok(Some(start.elapsed()))
    }

    async fn leave(mut self) -> Fallible<()> {
        self.client.delete_peer(self.peer).await
    }
}
