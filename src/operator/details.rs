//! One semaphore with its holders and its queue, and one peer with what it holds. Text is made here, nothing is written
//! or asked.

use super::shapes::{Holder, InLine, Lock, Peer, Semaphore, Waiting, Who};
use super::table::{Cell, Side, Style, Table, Tone};
use super::words::{bar, counted, duration, state};
use crate::printable::printable;

/// The lines about a semaphore.
pub(super) fn semaphore(seen: &Semaphore, style: Style) -> Vec<String> {
    let Semaphore { held, holder_count, waiters, now_ms, .. } = seen;
    let holders = counted(*holder_count, "peer", "peers");
    let waits = if *waiters == 1 { "1 waits".to_owned() } else { format!("{waiters} wait") };
    let mut lines = vec![format!(
        "{}: {held}/{} {} held by {holders}, {waits}; {}",
        style.paint(Tone::Strong, &printable(&seen.name)),
        seen.state.max,
        bar(*held, seen.state.max),
        state(&seen.state),
    )];
    if !seen.holders.is_empty() {
        lines.push(String::new());
        lines.extend(holding(&seen.holders, *now_ms).lines(style));
        lines.extend(rest(*holder_count, seen.holders.len()));
    }
    if !seen.queue.is_empty() {
        lines.push(String::new());
        lines.extend(queue(&seen.queue, *now_ms).lines(style));
        lines.extend(rest(*waiters, seen.queue.len()));
    }
    lines
}

/// The lines about a peer.
pub(super) fn peer(seen: &Peer, style: Style) -> Vec<String> {
    let mut lines = vec![identity(seen, style)];
    if !seen.locks.is_empty() {
        lines.push(String::new());
        lines.extend(locks(&seen.locks, seen.now_ms).lines(style));
    }
    if let Some(waiting) = &seen.waiting {
        lines.push(String::new());
        lines.push(wait(waiting, seen.now_ms));
    }
    lines
}

fn identity(seen: &Peer, style: Style) -> String {
    let Peer { now_ms, who, .. } = seen;
    let label = who.label.as_deref().map(|label| format!(" ({})", printable(label)));
    let remote = who.remote.as_deref().map(|remote| format!(" from {}", printable(remote)));
    let life = match who.expires_ms {
        Some(end) => format!("expires in {}", duration(end.saturating_sub(*now_ms))),
        None => format!("lives {} without its connection", duration(seen.expires_in_ms)),
    };
    let left = |end: u64| duration(end.saturating_sub(*now_ms));
    let revoked = seen.revoked_ms.map(|end| format!(", revoked in {}", left(end)));
    let revoked = revoked.map(|revoked| style.paint(Tone::Notable, &revoked));
    format!(
        "{}{}, over {}{}, {life}{}",
        style.paint(Tone::Strong, &printable(&who.peer)),
        label.unwrap_or_default(),
        printable(&who.transport),
        remote.unwrap_or_default(),
        revoked.unwrap_or_default(),
    )
}

fn locks(locks: &[Lock], now_ms: u64) -> Table {
    let mut table = Table::new(&[
        ("HOLDS", Side::Left),
        ("COUNT", Side::Right),
        ("FOR", Side::Right),
        ("FENCE", Side::Left),
    ]);
    for lock in locks {
        table.push(vec![
            Cell::new(&lock.semaphore),
            Cell::new(lock.count.to_string()),
            Cell::new(duration(now_ms.saturating_sub(lock.since_ms))),
            Cell::new(lock.fence.to_string()),
        ]);
    }
    table
}

fn wait(waiting: &Waiting, now_ms: u64) -> String {
    let until = until(waiting, now_ms).map(|time| format!(", gives up in {time}"));
    format!(
        "waits for {}: place {} in line, for {}, with priority {}{}",
        printable(&want(waiting)),
        waiting.position,
        duration(now_ms.saturating_sub(waiting.since_ms)),
        waiting.priority,
        until.unwrap_or_default(),
    )
}

fn holding(holders: &[Holder], now_ms: u64) -> Table {
    let mut table = Table::new(&[
        ("HELD BY", Side::Left),
        ("LABEL", Side::Left),
        ("COUNT", Side::Right),
        ("FOR", Side::Right),
        ("FENCE", Side::Left),
        ("FROM", Side::Left),
        ("", Side::Left),
    ]);
    for holder in holders {
        let left = |end: u64| duration(end.saturating_sub(now_ms));
        let revoked = holder.revoked_ms.map(|end| format!("revoked in {}", left(end)));
        let expires = holder.who.expires_ms.map(|end| format!("expires in {}", left(end)));
        let notes: Vec<_> = [revoked, expires].into_iter().flatten().collect();
        let tone = if holder.revoked_ms.is_some() { Tone::Notable } else { Tone::Quiet };
        table.push(vec![
            Cell::new(&holder.who.peer),
            Cell::new(holder.who.label.as_deref().unwrap_or("-")),
            Cell::new(holder.count.to_string()),
            Cell::new(duration(now_ms.saturating_sub(holder.since_ms))),
            Cell::new(holder.fence.to_string()),
            Cell::new(origin(&holder.who)),
            Cell::toned(notes.join(", "), tone),
        ]);
    }
    table
}

fn queue(queue: &[InLine], now_ms: u64) -> Table {
    let mut table = Table::new(&[
        ("PLACE", Side::Right),
        ("WAITING", Side::Left),
        ("LABEL", Side::Left),
        ("FOR", Side::Right),
        ("WANTS", Side::Left),
        ("PRIORITY", Side::Right),
        ("GIVES UP IN", Side::Right),
        ("FROM", Side::Left),
    ]);
    for InLine { who, waiting } in queue {
        table.push(vec![
            Cell::new(waiting.position.to_string()),
            Cell::new(&who.peer),
            Cell::new(who.label.as_deref().unwrap_or("-")),
            Cell::new(duration(now_ms.saturating_sub(waiting.since_ms))),
            Cell::new(want(waiting)),
            Cell::new(waiting.priority.to_string()),
            Cell::new(until(waiting, now_ms).unwrap_or_else(|| "-".to_owned())),
            Cell::new(origin(who)),
        ]);
    }
    table
}

fn want(waiting: &Waiting) -> String {
    let names = waiting.want.iter().map(|(name, count)| format!("{name}={count}"));
    names.collect::<Vec<_>>().join(", ")
}

fn until(waiting: &Waiting, now_ms: u64) -> Option<String> {
    waiting.until_ms.map(|until| duration(until.saturating_sub(now_ms)))
}

fn origin(who: &Who) -> String {
    who.remote.clone().unwrap_or_else(|| who.transport.clone())
}

fn rest(all: u64, shown: usize) -> Option<String> {
    let more = all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    (more > 0).then(|| format!("and {more} more"))
}
