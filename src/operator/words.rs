//! Numbers, times and states as people read them.

use std::time::Duration;

use super::shapes::State;

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
    format!("max {}, level {}{paused}", state.max, state.level)
}

/// As [`state`], or that there is nothing.
pub(super) fn some_state(some: Option<&State>) -> String {
    some.map_or_else(|| "nothing of that name".to_owned(), state)
}

/// How long holders have to finish, if they have any time.
pub(super) fn grace(grace: Option<Duration>) -> Option<String> {
    let grace = grace.filter(|grace| !grace.is_zero());
    grace.map(|grace| humantime::format_duration(grace).to_string())
}

/// How much of it is held, in so many characters.
pub(super) fn bar(held: u64, max: u64) -> String {
    const CELLS: u128 = 10;
    let full = match (held, max) {
        (0, _) => 0,
        (_, 0) => CELLS,
        // Something is held as soon as one is, and it is full only when all are.
        (_, _) => (u128::from(held) * CELLS / u128::from(max)).clamp(1, CELLS),
    };
    let cells = (0..CELLS).map(|cell| if cell < full { '#' } else { '.' });
    format!("[{}]", cells.collect::<String>())
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
    fn a_bar_is_empty_or_full_only_when_it_is() {
        for (held, max, text) in [
            (0, 1, "[..........]"),
            (1, 1, "[##########]"),
            (1, 1_000, "[#.........]"),
            (999, 1_000, "[#########.]"),
            (5, 3, "[##########]"),
            (u64::MAX, 1 << 31, "[##########]"),
        ] {
            assert_eq!(bar(held, max), text, "{held}/{max}");
        }
    }
}
