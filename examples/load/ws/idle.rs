//! Sessions that do nothing: how fast they are opened, and what they cost the server while they are there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    cli::limited_files,
    memory::resident,
    session::{Counterpart, Session},
};
use crate::{Fallible, cli::Options, client::at_most, report::grouped, target::Target};

/// Opening all of them, or closing, may take that long.
const LIMIT: Duration = Duration::from_secs(300);

pub(crate) async fn run(options: &Options, count: usize, pid: Option<u32>) -> Fallible<()> {
    limited_files(count)?;
    let target = &options.url;
    let counterpart = Counterpart::of(target).await?;
    let before = resident(target, pid).await?;
    let start = Instant::now();
    let open = open_all(target, counterpart, count, options.connections);
    let sessions = at_most(LIMIT, open).await?;
    print_rate("opened", count, start.elapsed());
    print_memory("then", before, resident(target, pid).await?, count);
    let sessions = rest(sessions, options.duration()).await?;
    let label = format!("after {} s", options.duration().as_secs_f64());
    print_memory(&label, before, resident(target, pid).await?, count);
    let start = Instant::now();
    at_most(LIMIT, leave_all(sessions, options.connections)).await?;
    print_rate("closed", count, start.elapsed());
    Ok(())
}

async fn open_all(
    target: &Target,
    counterpart: Counterpart,
    count: usize,
    at_once: usize,
) -> Fallible<Vec<Session>> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..at_once.min(count) {
        let (target, begun) = (target.clone(), Arc::clone(&begun));
        tasks.spawn(async move {
            let mut sessions = Vec::new();
            while begun.fetch_add(1, Ordering::Relaxed) < count {
                // No peer of these wants anything.
                sessions.push(Session::open(&target, counterpart, 1, "").await?);
            }
            Ok::<_, crate::Failure>(sessions)
        });
    }
    let mut sessions = Vec::with_capacity(count);
    while let Some(joined) = tasks.join_next().await {
        sessions.extend(joined??);
    }
    Ok(sessions)
}

/// Lets all of them answer pings for that long. It fails with the first that is ended by the server.
async fn rest(sessions: Vec<Session>, duration: Duration) -> Fallible<Vec<Session>> {
    let end = Instant::now() + duration;
    let mut tasks = JoinSet::new();
    for mut session in sessions {
        tasks.spawn(async move {
            match tokio::time::timeout_at(end.into(), session.rest()).await {
                Ok(Err(error)) => Err(error),
                Ok(Ok(())) | Err(_) => Ok(session),
            }
        });
    }
    let mut sessions = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        sessions.push(joined??);
    }
    Ok(sessions)
}

async fn leave_all(mut sessions: Vec<Session>, at_once: usize) -> Fallible<()> {
    let mut tasks = JoinSet::new();
    let share = sessions.len().div_ceil(at_once);
    while !sessions.is_empty() {
        let some = sessions.split_off(sessions.len().saturating_sub(share));
        tasks.spawn(async move {
            for session in some {
                session.leave().await?;
            }
            Ok::<_, crate::Failure>(())
        });
    }
    while let Some(joined) = tasks.join_next().await {
        joined??;
    }
    Ok(())
}

fn print_rate(done: &str, count: usize, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    let rate = grouped((count as f64 / seconds.max(1e-9)) as u64);
    println!("{done} {} sessions in {seconds:.2} s: {rate} per second", grouped(count as u64));
}

fn print_memory(when: &str, before: Option<u64>, now: Option<u64>, count: usize) {
    let (Some(before), Some(now)) = (before, now) else {
        return println!("{when}: the server does not tell its memory; --pid does");
    };
    let each = now.saturating_sub(before) as f64 / count as f64 / 1024.0;
    let [before, now] = [before, now].map(|bytes| grouped(bytes / 1024));
    println!("{when}: {before} KiB before, {now} KiB now, {each:.2} KiB for each session");
}
