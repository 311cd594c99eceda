//! Long answers: how long they take, and what everybody else waits meanwhile.

use std::time::{Duration, Instant};

use crate::{
    Fallible,
    cli::Options,
    client::Client,
    drive::Samples,
    herd::{Herd, Lifetime, MARGIN},
    neighbour::Neighbour,
    report::{grouped, print_table},
};

/// Between two requests, so that the neighbour meets each of them anew.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) async fn run(options: &Options, peers: usize) -> Fallible<()> {
    let duration = options.duration();
    let herd = Herd::register(options, peers, Lifetime::For(duration + MARGIN)).await?;
    let mut client = Client::connect(&options.url).await?;
    let listed = client.count_peers().await?;
    let neighbour = Neighbour::start(options);
    tokio::time::sleep(duration / 4).await;
    neighbour.disturb();
    let lists = read_lists(&mut client, duration - duration / 4).await;
    let observed = neighbour.stop().await?;
    let lists = lists?;
    print_table(&[
        ("GET /peers/", &lists.peers),
        ("GET /metrics", &lists.metrics),
        ("others' pairs, undisturbed", &observed.quiet),
        ("others' pairs, meanwhile", &observed.disturbed),
    ]);
    print_size("GET /peers/", lists.peers_bytes);
    print_size("GET /metrics", lists.metrics_bytes);
    if listed < peers {
        println!("note: the server lists {listed} peers only, so these figures mean nothing");
    }
    herd.remove().await
}

struct Lists {
    peers: Samples,
    metrics: Samples,
    peers_bytes: usize,
    metrics_bytes: usize,
}

async fn read_lists(client: &mut Client, duration: Duration) -> Fallible<Lists> {
    let (mut peers, mut metrics) = (Samples::new(), Samples::new());
    let start = Instant::now();
    loop {
        let peers_bytes = timed_get(client, "/peers/", &mut peers).await?;
        let metrics_bytes = timed_get(client, "/metrics", &mut metrics).await?;
        if start.elapsed() >= duration {
            return Ok(Lists { peers, metrics, peers_bytes, metrics_bytes });
        }
    }
}

/// Times one request and returns the length of its answer.
async fn timed_get(client: &mut Client, path: &str, samples: &mut Samples) -> Fallible<usize> {
    let start = Instant::now();
    let bytes = client.get(path).await?.len();
    samples.record(start.elapsed());
    samples.elapsed += start.elapsed();
    tokio::time::sleep(PAUSE).await;
    Ok(bytes)
}

fn print_size(label: &str, bytes: usize) {
    println!("{label}: {} bytes", grouped(bytes as u64));
}
