//! Everything goes wrong at once, at random: clients are killed, frozen, cut off and brought back, while the server is
//! killed and started again. What must hold all the same:
//!
//! - Those whose safety deadline has not passed never hold more than a semaphore's maximum together.
//! - Fences are given once, and those of a mutex only grow.
//! - In the end, every lock is free.
//!
//! `THROTTLE_SEED` repeats the dice of a run; what threads and the network do is beyond it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ledger;
#[path = "../client/proxy.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod proxy;
#[path = "../contract/server.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod server;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::time::sleep;

use ledger::Ledger;
use server::Server;
use worker::Worker;

/// How long whatever happens at all may take on a slow machine.
const DEADLINE: Duration = Duration::from_secs(60);

const CLIENTS: usize = 200;

/// How often the server is killed.
const RESTARTS: usize = 3;

/// How long only the clients and the network go wrong.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(4);

/// How long peers outlive their connections. The server gives holders a little longer to come back.
const EXPIRES_IN: Duration = Duration::from_secs(1);

const CONFIGURATION: &str = "\
recovery_grace = \"1500ms\"
[sessions]
heartbeat = \"300ms\"
[semaphores]
mutex = 1
few = { max = 3, level = 1 }
many = { max = 20, level = 2 }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_holds_what_is_not_theirs() {
    let seed = std::env::var("THROTTLE_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("THROTTLE_SEED={seed} cargo test --test chaos repeats the dice of this run");
    let mut dice = Rng::with_seed(seed);
    let mut server = Server::configured(CONFIGURATION);
    let ledger = Arc::new(Ledger::default());
    let mut workers = Vec::new();
    for _ in 0..CLIENTS {
        workers.push(Worker::start(server.address(), Arc::clone(&ledger), dice.fork()).await);
    }
    for _ in 0..RESTARTS {
        go_wrong(&mut workers, &server, &ledger, &mut dice).await;
        server.kill();
        sleep(Duration::from_millis(dice.u64(..500))).await;
        server = start_again(server).await;
    }
    go_wrong(&mut workers, &server, &ledger, &mut dice).await;
    workers.iter().for_each(Worker::finish);
    for worker in workers {
        worker.finished().await;
    }
    everything_is_free(&server).await;
    let grants = ledger.grants();
    println!("{grants} grants, {} leases lost", ledger.lost());
    assert!(grants > 100, "the run shows nothing");
}

/// For a while, and not on the side of the server.
async fn go_wrong(workers: &mut [Worker], server: &Server, ledger: &Arc<Ledger>, dice: &mut Rng) {
    let end = Instant::now() + BETWEEN_RESTARTS;
    while Instant::now() < end {
        sleep(Duration::from_millis(dice.u64(1..20))).await;
        let victim = dice.choice(workers.iter_mut()).unwrap();
        match dice.u32(..100) {
            0..30 => victim.proxy.cut(),
            30..45 => victim.proxy.cut_off_the_server(),
            45..70 => victim.freeze_for(Duration::from_millis(dice.u64(1..2_500))),
            70..80 => victim.proxy.delay(Duration::from_millis(dice.u64(..150))),
            _ => {
                let ledger = Arc::clone(ledger);
                let newcomer = Worker::start(server.address(), ledger, dice.fork()).await;
                std::mem::replace(victim, newcomer).kill();
            }
        }
    }
}

async fn start_again(mut server: Server) -> Server {
    let again = move || {
        server.start_again();
        server
    };
    tokio::task::spawn_blocking(again).await.unwrap()
}

/// Those who were killed expire.
async fn everything_is_free(server: &Server) {
    let start = Instant::now();
    loop {
        let url = format!("http://{}/metrics", server.address());
        let metrics = reqwest::get(&url).await.unwrap().text().await.unwrap();
        let taken = |name: &str| {
            metrics.lines().any(|line| line.starts_with(name) && !line.ends_with(" 0"))
        };
        if !["throttle_acquired{", "throttle_pending{", "throttle_peers "].into_iter().any(taken) {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "something is left:\n{metrics}");
        sleep(Duration::from_millis(50)).await;
    }
}
