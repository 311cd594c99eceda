//! Dashboards that are open while a lot changes: what they cost the server, and what others wait meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{
    cli::limited_files,
    frame::Outbox,
    message,
    session::{Counterpart, Session},
    socket::Socket,
};
use crate::{
    Fallible,
    cli::Options,
    client::{Client, PATIENCE, at_most},
    neighbour::Neighbour,
    report::{grouped, print_table},
    target::Target,
};

/// Changes are made in steps, each connection some at a time.
const STEP: Duration = Duration::from_millis(10);

/// Processor time of the server, in its metrics.
const METRIC: &str = "process_cpu_seconds_total ";

/// How much of everything there is.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) watchers: usize,
    pub(crate) semaphores: usize,
    pub(crate) peers: usize,
    pub(crate) changes: usize,
    pub(crate) every_ms: usize,
}

pub(crate) async fn run(options: &Options, crowd: Crowd) -> Fallible<()> {
    limited_files(options.connections + crowd.watchers)?;
    let target = &options.url;
    make_semaphores(target, crowd.semaphores).await?;
    let mut busy = JoinSet::new();
    for number in 0..options.connections {
        let session = busy_session(target, options.connections, number, &crowd).await?;
        let changes = crowd.changes as f64 / options.connections as f64;
        busy.spawn(change(session, changes));
    }
    let neighbour = Neighbour::start(options);
    let without = share_of_a_core(target, options.duration()).await?;
    let dashboards = open_dashboards(target, &crowd).await?;
    neighbour.disturb();
    let with = share_of_a_core(target, options.duration()).await?;
    let observed = neighbour.stop().await?;
    let frames = dashboards.close().await?;
    if let Some(Ok(ended)) = busy.try_join_next() {
        return ended;
    }
    busy.shutdown().await;
    print_table(&[
        ("others' pairs, no dashboard", &observed.quiet),
        ("others' pairs, dashboards open", &observed.disturbed),
    ]);
    let per_second = frames as f64 / options.duration().as_secs_f64();
    println!(
        "{} dashboards: {} frames per second in all; the server takes {:.1} % of a core without them, {:.1} % with \
         them: {:.1} % for all",
        crowd.watchers,
        grouped(per_second.round() as u64),
        100.0 * without,
        100.0 * with,
        100.0 * (with - without),
    );
    Ok(())
}

fn name(number: usize) -> String {
    format!("watched-{number}")
}

/// Those that are there from an earlier run are used again.
async fn make_semaphores(target: &Target, count: usize) -> Fallible<()> {
    let mut client = Client::connect(target).await?;
    for number in 0..count {
        client.make_semaphore(&name(number), 1_000_000).await?;
    }
    Ok(())
}

/// Its peers are spread over all semaphores.
async fn busy_session(
    target: &Target,
    connections: usize,
    number: usize,
    crowd: &Crowd,
) -> Fallible<Session> {
    let peers = crowd.peers / connections + usize::from(number < crowd.peers % connections);
    let of = |peer: usize| name((peer * connections + number) % crowd.semaphores);
    Session::open_each(target, Counterpart::Throttle, peers, of).await
}

/// Each change lets the next peer take its lock, or give it back.
async fn change(mut session: Session, per_second: f64) -> Fallible<()> {
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (start, mut done) = (Instant::now(), 0);
    loop {
        tokio::select! {
            _ = steps.tick() => {
                let due = (start.elapsed().as_secs_f64() * per_second) as usize;
                for change in done..due {
                    session.toggle(change);
                }
                done = due;
                session.send().await?;
            }
            granted = session.granted(|_| Ok(())) => granted?,
        }
    }
}

/// What the server takes of a processor, over that time.
async fn share_of_a_core(target: &Target, duration: Duration) -> Fallible<f64> {
    let (start, before) = (Instant::now(), processor_time(target).await?);
    tokio::time::sleep(duration).await;
    Ok((processor_time(target).await? - before) / start.elapsed().as_secs_f64())
}

async fn processor_time(target: &Target) -> Fallible<f64> {
    let mut client = Client::connect(target).await?;
    let metrics = String::from_utf8_lossy(client.get("/metrics").await?).into_owned();
    let value = metrics.lines().find_map(|line| line.strip_prefix(METRIC));
    Ok(value.ok_or("the server does not tell its processor time")?.parse()?)
}

struct Dashboards(JoinSet<Fallible<()>>, Arc<AtomicU64>);

async fn open_dashboards(target: &Target, crowd: &Crowd) -> Fallible<Dashboards> {
    let frames = Arc::new(AtomicU64::new(0));
    let mut watching = JoinSet::new();
    for _ in 0..crowd.watchers {
        let mut socket = at_most(PATIENCE, Socket::open(target)).await?;
        socket.outbox().push(message::HELLO);
        socket.outbox().push(&message::watch(crowd.every_ms));
        socket.send().await?;
        let frames = Arc::clone(&frames);
        watching.spawn(async move {
            loop {
                let count = |_: &str, _: &mut Outbox| {
                    frames.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                };
                socket.receive(count).await?;
                socket.send().await?;
            }
        });
    }
    Ok(Dashboards(watching, frames))
}

impl Dashboards {
    /// Closes them, and says how many frames they got.
    async fn close(mut self) -> Fallible<u64> {
        if let Some(Ok(Err(error))) = self.0.try_join_next() {
            return Err(error);
        }
        self.0.shutdown().await;
        Ok(self.1.load(Ordering::Relaxed))
    }
}
