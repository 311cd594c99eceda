//! Many peers that end at one instant: what everybody else waits meanwhile.

use std::time::{Duration, Instant};

use crate::{
    Fallible,
    cli::Options,
    client::Client,
    herd::{Herd, Lifetime},
    neighbour::Neighbour,
    report::{grouped, print_table},
};

/// How long before the instant the neighbour begins.
const QUIET: Duration = Duration::from_millis(1_100);
/// How long before the instant pairs count as disturbed: nothing expires earlier.
const EARLY: Duration = Duration::from_millis(100);

pub(crate) async fn run(options: &Options, peers: usize, lead: Option<u64>) -> Fallible<()> {
    let lead = lead.unwrap_or(5 + peers as u64 / 10_000);
    let instant = Instant::now() + Duration::from_secs(lead);
    println!("{} peers will expire {lead} s from now", grouped(peers as u64));
    let herd = Herd::register(options, peers, Lifetime::Until(instant)).await?;
    // They remove themselves.
    drop(herd);
    let mut client = Client::connect(&options.url).await?;
    let before = client.count_peers().await?;
    if Instant::now() > instant - QUIET {
        return Err("the instant came before all peers were listed: raise --lead".into());
    }
    tokio::time::sleep_until((instant - QUIET).into()).await;
    let neighbour = Neighbour::start(options);
    tokio::time::sleep_until((instant - EARLY).into()).await;
    neighbour.disturb();
    tokio::time::sleep_until((instant + options.duration()).into()).await;
    let observed = neighbour.stop().await?;
    let after = client.count_peers().await?;
    print_table(&[
        ("others' pairs, before", &observed.quiet),
        ("others' pairs, from that instant on", &observed.disturbed),
    ]);
    println!(
        "peers listed before: {}, afterwards: {}",
        grouped(before as u64),
        grouped(after as u64)
    );
    if before < peers {
        println!("note: the server did not list all peers before, so these figures mean nothing");
    } else if after + peers > before {
        return Err("not all peers were gone afterwards".into());
    }
    Ok(())
}
