//! Many peers that only exist: registered over several connections at once, and removed again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Fallible,
    cli::Options,
    client::{Client, at_most},
    report::grouped,
    request::Request,
    target::Target,
};

/// Registering and removing may take that long.
const LIMIT: Duration = Duration::from_secs(300);
/// What peers live longer than they are needed: a run that is interrupted leaves them behind.
pub(crate) const MARGIN: Duration = Duration::from_secs(900);

/// When the peers of a herd end by themselves.
#[derive(Clone, Copy)]
pub(crate) enum Lifetime {
    For(Duration),
    Until(Instant),
}

/// Peers that are registered.
pub(crate) struct Herd {
    target: Target,
    peers: Vec<u64>,
    connections: usize,
}

impl Herd {
    /// Registers the peers and prints at what rate.
    pub(crate) async fn register(
        options: &Options,
        count: usize,
        lifetime: Lifetime,
    ) -> Fallible<Self> {
        let (target, connections) = (options.url.clone(), options.connections);
        let mut herd = Herd { target, peers: Vec::with_capacity(count), connections };
        if count > 0 {
            let start = Instant::now();
            at_most(LIMIT, herd.fill(count, lifetime)).await?;
            print_rate("registered", count, start.elapsed());
        }
        Ok(herd)
    }

    /// Removes them, one by one.
    pub(crate) async fn remove(self) -> Fallible<()> {
        if self.peers.is_empty() {
            return Ok(());
        }
        let (start, count) = (Instant::now(), self.peers.len());
        at_most(LIMIT, self.clear()).await?;
        print_rate("removed", count, start.elapsed());
        Ok(())
    }

    async fn fill(&mut self, count: usize, lifetime: Lifetime) -> Fallible<()> {
        let begun = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections.min(count) {
            let client = Client::connect(&self.target).await?;
            tasks.spawn(register_some(client, Arc::clone(&begun), count, lifetime));
        }
        while let Some(joined) = tasks.join_next().await {
            self.peers.extend(joined??);
        }
        Ok(())
    }

    async fn clear(self) -> Fallible<()> {
        let mut tasks = JoinSet::new();
        for share in self.peers.chunks(self.peers.len().div_ceil(self.connections)) {
            let client = Client::connect(&self.target).await?;
            tasks.spawn(remove_all(client, share.to_vec()));
        }
        while let Some(joined) = tasks.join_next().await {
            joined??;
        }
        Ok(())
    }
}

async fn register_some(
    mut client: Client,
    begun: Arc<AtomicUsize>,
    count: usize,
    lifetime: Lifetime,
) -> Fallible<Vec<u64>> {
    let mut peers = Vec::new();
    while begun.fetch_add(1, Ordering::Relaxed) < count {
        let expires_in = match lifetime {
            Lifetime::For(duration) => duration,
            Lifetime::Until(end) => end.saturating_duration_since(Instant::now()),
        };
        if expires_in < Duration::from_secs(2) {
            return Err("the instant came before all peers were registered: raise --lead".into());
        }
        let request = Request::new_peer(client.host(), expires_in);
        peers.push(client.register(&request).await?);
    }
    Ok(peers)
}

async fn remove_all(mut client: Client, peers: Vec<u64>) -> Fallible<()> {
    for peer in peers {
        client.delete_peer(peer).await?;
    }
    Ok(())
}

fn print_rate(done: &str, count: usize, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    let rate = grouped((count as f64 / seconds.max(1e-9)) as u64);
    println!("{done} {} peers in {seconds:.2} s: {rate} peers/s", grouped(count as u64));
}
