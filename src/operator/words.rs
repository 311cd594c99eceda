//! Numbers, times and states as people read them.

use std::time::Duration;

use super::shapes::{State, in_days, length};

/// A duration in at most two units.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        (_, _, _) => format!("{days}d {hours:02}h"),
    }
}

/// A number and what it counts.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// What operators can change.
pub(super) fn state(state: &State) -> String {
    let paused = if state.paused { ", paused" } else { "" };
    let slots = if state.slots { ", slots" } else { "" };
    if let (Some(refill), Some(every)) = (state.refill, state.every_ms) {
        let reserved = state.max_reserved.map(|most| format!(", max_reserved {most}"));
        let (rate, slop) =
            (format!("{refill} in {}", length(every)), some(", slop ", state.slop_ms));
        let reserved = reserved.unwrap_or_default();
        return format!("capacity {}, {rate}{reserved}{slop}{paused}", state.max);
    }
    let pending = state.max_pending.map(|most| format!(", max_pending {most}"));
    let hold = some(", max_hold ", state.max_hold_ms);
    let delay = some(", lock_delay ", state.lock_delay_ms);
    let manners = format!("{}{hold}{delay}{slots}", pending.unwrap_or_default());
    format!("max {}, level {}{manners}{paused}", state.max, state.level)
}

fn some(what: &str, ms: Option<f64>) -> String {
    ms.map(|ms| format!("{what}{}", length(ms))).unwrap_or_default()
}

/// As [`state`], or that there is nothing.
pub(super) fn some_state(some: Option<&State>) -> String {
    some.map_or_else(|| "nothing of that name".to_owned(), state)
}

/// How long holders have to finish, if they have any time.
pub(super) fn grace(grace: Option<Duration>) -> Option<String> {
    let grace = grace.filter(|grace| !grace.is_zero());
    grace.map(in_days)
}

/// How much of it is held (`#`), and how much besides nobody can have yet (`x`), in so many characters.
pub(super) fn bar(held: u64, blocked: u64, max: u64) -> String {
    const CELLS: u128 = 10;
    let cells = |count: u128| match (count, max) {
        (0, _) => 0,
        (_, 0) => CELLS,
        // There is something as soon as there is one, and it is full only when all are.
        (_, _) => (count * CELLS / u128::from(max)).clamp(1, CELLS),
    };
    let full = cells(u128::from(held));
    let taken = cells(u128::from(held) + u128::from(blocked));
    let shown = (0..CELLS).map(|cell| match cell {
        _ if cell < full => '#',
        _ if cell < taken => 'x',
        _ => '.',
    });
    format!("[{}]", shown.collect::<String>())
}

/// Numbers of a lock, each run of them as its ends: `0-3, 7`.
pub(super) fn slots(slots: &[u64]) -> String {
    let runs = slots.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let runs = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        one => one.iter().map(u64::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (ms, text) in [
            (0, "0s"),
            (59_999, "59s"),
            (60_000, "1m 00s"),
            (3_600_000, "1h 00m"),
            (86_399_999, "23h 59m"),
            (90_000_000, "1d 01h"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn a_year_is_told_in_days() {
        for (ms, text) in [
            (31_536_000_000.0, "365days"),
            (90_061_500.0, "1day 1h 1m 1s 500ms"),
            (3_600_000.0, "1h"),
        ] {
            assert_eq!(length(ms), text);
        }
    }

    #[test]
    fn a_bar_is_empty_or_full_only_when_it_is() {
        for (held, blocked, max, text) in [
            (0, 0, 1, "[..........]"),
            (1, 0, 1, "[##########]"),
            (1, 0, 1_000, "[#.........]"),
            (999, 0, 1_000, "[#########.]"),
            (5, 0, 3, "[##########]"),
            (u64::MAX, u64::MAX, 1 << 31, "[##########]"),
            (0, 1, 1, "[xxxxxxxxxx]"),
            (1, 2, 4, "[##xxxxx...]"),
            (0, 1, 1_000, "[x.........]"),
            (5, 1, 5, "[##########]"),
        ] {
            assert_eq!(bar(held, blocked, max), text, "{held}+{blocked}/{max}");
        }
    }

    #[test]
    fn numbers_in_a_row_are_told_by_their_ends() {
        for (numbers, text) in [
            ([].as_slice(), ""),
            (&[0], "0"),
            (&[0, 1, 2, 3, 7, 9, 10], "0-3, 7, 9-10"),
            (&[u64::MAX, 0], "18446744073709551615, 0"),
        ] {
            assert_eq!(slots(numbers), text);
        }
    }
}
