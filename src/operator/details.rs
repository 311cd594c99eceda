//! One semaphore with its holders and its queue, and one peer with what it holds. Text is made here, nothing is written
//! or asked.

use super::shapes::{Holder, InLine, Lock, Peer, Semaphore, Waiting, Who};
use super::table::{Cell, Side, Style, Table, Tone};
use super::words::{bar, counted, duration, slots, state};
use crate::printable::printable;

/// The lines about a semaphore.
pub(super) fn semaphore(seen: &Semaphore, style: Style) -> Vec<String> {
    let Semaphore { holder_count, waiters, now_ms, .. } = seen;
    let mut lines = vec![numbers(seen, style)];
    lines.extend(blocked(seen).map(|line| style.paint(Tone::Notable, &line)));
    let closed = seen.bucket.as_ref().and_then(|it| it.closed_until_ms);
    let closed = closed.map(|until| duration(until.saturating_sub(*now_ms)));
    lines.extend(closed.map(|left| style.paint(Tone::Notable, &format!("closed for {left}"))));
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

/// How much there is of it, and what it is told to be.
fn numbers(seen: &Semaphore, style: Style) -> String {
    let Semaphore { held, holder_count, pending, waiters, bucket, .. } = seen;
    let (name, max) = (style.paint(Tone::Strong, &printable(&seen.name)), seen.state.max);
    let said = state(&seen.state.with(bucket.as_ref()));
    let waits = if *waiters == 1 { "1 waits".to_owned() } else { format!("{waiters} wait") };
    if let Some(bucket) = bucket {
        let spent = bucket.spent(seen.now_ms);
        let wanted = if *pending > 0 { format!(" for {pending}") } else { String::new() };
        return format!(
            "{name}: {} of {max} tokens available {}, {} reserved, {waits}{wanted}, {} of {}; {said}",
            i128::from(max) - i128::from(spent),
            bar(spent, 0, max),
            bucket.reserved,
            counted(*held, "token in use", "tokens in use"),
            counted(*holder_count, "peer", "peers"),
        );
    }
    let holders = counted(*holder_count, "peer", "peers");
    format!(
        "{name}: {held}/{max} {} held by {holders}, {waits}; {said}",
        bar(*held, seen.delayed, max)
    )
}

/// Why it may look free, and nobody gets it.
fn blocked(seen: &Semaphore) -> Option<String> {
    let Semaphore { delayed, blocked, now_ms, .. } = seen;
    let left = |end: u64| duration(end.saturating_sub(*now_ms));
    let ends = || blocked.iter().map(|it| it.until_ms);
    let (first, last) = (ends().min().map(left), ends().max().map(left));
    let free = match (first, last) {
        (Some(first), Some(last)) if first == last => format!(": free again in {first}"),
        (Some(first), Some(last)) => format!(": free again in {first} to {last}"),
        (_, _) => String::new(),
    };
    let mut numbers: Vec<_> = blocked.iter().flat_map(|it| &it.slots).copied().collect();
    numbers.sort_unstable();
    let numbered = (!numbers.is_empty()).then(|| format!(" (slots {})", slots(&numbers)));
    let numbered = numbered.unwrap_or_default();
    (*delayed > 0).then(|| format!("{delayed} blocked after an expiry{numbered}{free}"))
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
    let numbered = locks.iter().any(|lock| !lock.slots.is_empty());
    let mut table = Table::new(&[
        ("HOLDS", Side::Left),
        ("COUNT", Side::Right),
        (heading(numbered), Side::Left),
        ("FOR", Side::Right),
        ("FENCE", Side::Left),
    ]);
    for lock in locks {
        table.push(vec![
            Cell::new(&lock.semaphore),
            Cell::new(lock.count.to_string()),
            Cell::new(slots(&lock.slots)),
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
    let numbered = holders.iter().any(|holder| !holder.slots.is_empty());
    let mut table = Table::new(&[
        ("HELD BY", Side::Left),
        ("LABEL", Side::Left),
        ("COUNT", Side::Right),
        (heading(numbered), Side::Left),
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
            Cell::new(slots(&holder.slots)),
            Cell::new(duration(now_ms.saturating_sub(holder.since_ms))),
            Cell::new(holder.fence.to_string()),
            Cell::new(origin(&holder.who)),
            Cell::toned(notes.join(", "), tone),
        ]);
    }
    table
}

/// Of the column of slots, which few have.
const fn heading(numbered: bool) -> &'static str {
    if numbered { "SLOTS" } else { "" }
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

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { colours: false, cut: false };

    #[test]
    fn a_semaphore_explains_itself() {
        let seen = r#"{"name":"gpu","now_ms":100000,"max":8,"level":1,"max_pending":3,"max_hold_ms":3600000,
            "lock_delay_ms":1500.5,"slots":true,"held":3,"delayed":3,"holder_count":2,"pending":0,"waiters":0,
            "holders":[{"peer":"s1","label":"a","transport":"websocket","count":2,"fence":7,"slots":[0,1],"since_ms":40000},
                {"peer":"5","transport":"rest","expires_ms":130000,"count":1,"fence":9,"since_ms":90000}],
            "queue":[],"blocked":[{"count":2,"fence":5,"slots":[2,6],"until_ms":112000},
                {"count":1,"fence":8,"slots":[3],"until_ms":110000}]}"#;
        assert_eq!(
            semaphore(&serde_json::from_str(seen).unwrap(), STYLE),
            [
                "gpu: 3/8 [###xxxx...] held by 2 peers, 0 wait; max 8, level 1, max_pending 3, max_hold 1h, lock_delay 1s 500ms 500us, slots",
                "3 blocked after an expiry (slots 2-3, 6): free again in 10s to 12s",
                "",
                "HELD BY  LABEL  COUNT  SLOTS     FOR  FENCE  FROM",
                "s1       a          2  0-1    1m 00s  7      websocket",
                "5        -          1            10s  9      rest       expires in 30s",
            ]
        );
    }

    #[test]
    fn what_is_not_told_is_not_shown() {
        let seen = r#"{"name":"A","now_ms":0,"max":1,"level":0,"held":0,"holder_count":0,"waiters":0,
            "holders":[],"queue":[]DELAYED}"#;
        let shown = |delayed: &str| {
            let seen = seen.replace("DELAYED", delayed);
            semaphore(&serde_json::from_str(&seen).unwrap(), STYLE)
        };
        let first = "A: 0/1 [..........] held by 0 peers, 0 wait; max 1, level 0";
        assert_eq!(shown(""), [first]);
        assert_eq!(shown(r#","delayed":1"#)[1..], ["1 blocked after an expiry"]);
        let one = r#","delayed":1,"blocked":[{"count":1,"fence":1,"until_ms":9000}]"#;
        assert_eq!(shown(one)[1..], ["1 blocked after an expiry: free again in 9s"]);
    }

    #[test]
    fn a_bucket_is_shown_by_its_tokens() {
        let seen = r#"{"name":"api","now_ms":100000,"max":10,"level":0,"held":2,"holder_count":1,"pending":4,"waiters":1,
            "bucket":{"refill":10,"every_ms":60000,"max_reserved":5,"slop_ms":600,"full_at_ms":118000,"reserved":3,
                "closed_until_ms":131000},"holders":[],"queue":[]}"#;
        assert_eq!(
            semaphore(&serde_json::from_str(seen).unwrap(), STYLE),
            [
                "api: 7 of 10 tokens available [###.......], 3 reserved, 1 waits for 4, 2 tokens in use of 1 peer; capacity 10, 10 in 1m, max_reserved 5, slop 600ms",
                "closed for 31s",
            ]
        );
    }

    #[test]
    fn a_peer_has_numbers_where_its_locks_have_some() {
        let seen = |slots: &str| {
            let seen = r#"{"now_ms":2000,"peer":"s1","transport":"websocket","expires_in_ms":30000,
                "locks":[{"semaphore":"gpu","count":3,"fence":7,SLOTS"since_ms":1000}]}"#;
            peer(&serde_json::from_str(&seen.replace("SLOTS", slots)).unwrap(), STYLE)
        };
        assert_eq!(
            seen(r#""slots":[0,1,2],"#)[2..],
            ["HOLDS  COUNT  SLOTS  FOR  FENCE", "gpu        3  0-2     1s  7"]
        );
        assert_eq!(seen("")[2..], ["HOLDS  COUNT  FOR  FENCE", "gpu        3   1s  7"]);
    }
}
