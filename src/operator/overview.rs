//! The server in one line, and a table of its semaphores. Text is made here, nothing is written or asked.

use super::shapes::{About, Bucket, Row};
use super::table::{Cell, Side, Style, Table, Tone};
use super::words::{bar, counted, duration, state};
use crate::printable::printable;

/// What is seen at one moment.
pub(super) struct Overview<'a> {
    pub(super) url: &'a str,
    pub(super) about: &'a About,
    pub(super) rows: &'a [Row],
    /// By the server's clock.
    pub(super) now_ms: u64,
}

impl Overview<'_> {
    /// The lines.
    pub(super) fn lines(&self, style: Style) -> Vec<String> {
        let mut lines = vec![self.server(style)];
        if !self.about.removed.is_empty() {
            let names: Vec<_> = self.about.removed.iter().map(|name| printable(name)).collect();
            let line = format!("In the file, but removed here: {}", names.join(", "));
            lines.push(style.paint(Tone::Notable, &line));
        }
        if self.rows.is_empty() {
            lines.push(
                "There are no semaphores: `throttle semaphore create NAME=MAX` makes one."
                    .to_owned(),
            );
            return lines;
        }
        lines.push(String::new());
        let mut table = Table::new(&[
            ("SEMAPHORE", Side::Left),
            ("USED", Side::Right),
            ("", Side::Left),
            ("WAITERS", Side::Right),
            ("LONGEST", Side::Right),
            ("LEVEL, RATE", Side::Right),
            ("", Side::Left),
        ]);
        for row in self.rows {
            table.push(self.row(row));
        }
        lines.extend(table.lines(style));
        lines
    }

    fn server(&self, style: Style) -> String {
        let About { version, started_ms, ready, peers, sessions, grants, .. } = self.about;
        let ready = if *ready {
            "ready".to_owned()
        } else {
            style.paint(Tone::Notable, "not ready, granting nothing new yet")
        };
        let name = style.paint(Tone::Strong, &format!("throttle {}", printable(version)));
        format!(
            "{name} at {}, up {}, {ready}, {}, {}, {}",
            printable(self.url),
            duration(self.now_ms.saturating_sub(*started_ms)),
            counted(*peers, "peer", "peers"),
            counted(*sessions, "session", "sessions"),
            counted(*grants, "grant", "grants"),
        )
    }

    fn row(&self, row: &Row) -> Vec<Cell> {
        let bucket = row.bucket.as_ref();
        let held = bucket.map_or(row.held, |bucket| bucket.spent(self.now_ms));
        let max = row.state.max;
        let (used, full) = match row.keys {
            Some(_) => (row.held.to_string(), String::new()),
            None => (format!("{held}/{max}"), bar(held, row.delayed, max)),
        };
        let tone = match held {
            _ if row.keys.is_some() => Tone::Plain,
            _ if held > max => Tone::Alarming,
            _ if held + row.delayed >= max => Tone::Notable,
            _ => Tone::Plain,
        };
        let waits = if row.waiters > 0 { Tone::Notable } else { Tone::Quiet };
        let longest = row.waiting_since_ms.map(|since| duration(self.now_ms.saturating_sub(since)));
        vec![
            Cell::new(&row.name),
            Cell::toned(used, tone),
            Cell::toned(full, tone),
            Cell::toned(row.waiters.to_string(), waits),
            Cell::toned(longest.unwrap_or_else(|| "-".to_owned()), waits),
            Cell::new(bucket.map_or_else(|| row.state.level.to_string(), Bucket::rate)),
            Cell::toned(self.notes(row), Tone::Notable),
        ]
    }

    fn notes(&self, row: &Row) -> String {
        let bucket = row.bucket.as_ref();
        // What clients have declared has no common maximum.
        let each = Some(row.state.max).filter(|max| *max > 0).map(|max| format!(" × {max}"));
        let keys =
            row.keys.map(|keys| counted(keys, "key", "keys") + each.as_deref().unwrap_or_default());
        let over = bucket.is_none() && row.keys.is_none() && row.held > row.state.max;
        let over = over.then(|| "over-committed".to_owned());
        let blocked = (row.delayed > 0).then(|| format!("{} blocked after an expiry", row.delayed));
        let reserved = bucket.map(|it| it.reserved).filter(|reserved| *reserved > 0);
        let reserved = reserved.map(|reserved| format!("{reserved} reserved"));
        let closed = bucket.and_then(|it| it.closed_until_ms);
        let closed = closed.map(|until| until.saturating_sub(self.now_ms));
        let closed = closed.map(|left| format!("closed for {}", duration(left)));
        let paused = row.state.paused.then(|| "paused".to_owned());
        let differs = row.configured.as_ref().map(|configured| match configured {
            Some(configured) => format!("in the file: {}", state(configured)),
            None => "not in the file".to_owned(),
        });
        [keys, over, blocked, reserved, closed, paused, differs]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_there_is_to_know_is_in_a_row() {
        let about = r#"{"version":"1","epoch":"e","started_ms":1000,"ready":true,"peers":1,"sessions":0,"grants":7,"releases":0,"expirations":0,"removed":["x","y\u001b[31m"]}"#;
        let rows = r#"[{"name":"A","max":1,"level":-2,"paused":true,"configured":{"max":3,"level":0},"held":2,"holders":1,"pending":1,"waiters":1,"waiting_since_ms":3000},
            {"name":"b\u001b[31m","max":4,"level":0,"configured":null,"held":0,"holders":0,"pending":0,"waiters":0},
            {"name":"c","max":4,"level":0,"held":4,"holders":1,"pending":0,"waiters":0},
            {"name":"e","max":3,"level":0,"held":1,"delayed":2,"holders":1,"pending":0,"waiters":0},
            {"name":"[dynamic]","max":0,"level":0,"held":1,"holders":1,"pending":0,"waiters":0,"keys":1},
            {"name":"t/*","max":4,"level":0,"held":12,"holders":6,"pending":0,"waiters":0,"keys":6},
            {"name":"d","max":10,"level":0,"held":99,"holders":1,"pending":0,"waiters":0,"bucket":{"refill":10,"every_ms":60000.0,"full_at_ms":83000,"reserved":2,"closed_until_ms":70000}}]"#;
        let about: About = serde_json::from_str(about).unwrap();
        let rows: Vec<Row> = serde_json::from_str(rows).unwrap();
        let overview = Overview { url: "http://a", about: &about, rows: &rows, now_ms: 65_000 };
        let lines = overview.lines(Style { colours: false, cut: false });
        assert_eq!(
            lines,
            [
                "throttle 1 at http://a, up 1m 04s, ready, 1 peer, 0 sessions, 7 grants",
                "In the file, but removed here: x, y\\u{1b}[31m",
                "",
                "SEMAPHORE    USED                WAITERS  LONGEST  LEVEL, RATE",
                "A             2/1  [##########]        1   1m 02s           -2  over-committed, paused, in the file: max 3, level 0",
                "b\\u{1b}[31m   0/4  [..........]        0        -            0  not in the file",
                "c             4/4  [##########]        0        -            0",
                "e             1/3  [###xxxxxxx]        0        -            0  2 blocked after an expiry",
                "[dynamic]       1                      0        -            0  1 key",
                "t/*            12                      0        -            0  6 keys × 4",
                "d            3/10  [###.......]        0        -     10 in 1m  2 reserved, closed for 5s",
            ]
        );
    }
}
