//! The page that a browser sees: the semaphores, rendered on the server. It has no scripts and needs none; names
//! that users chose are escaped.

use std::fmt::{self, Display, Formatter, Write};

use crate::engine::{SemaphoreView, Time};

/// The page loads its own style sheet and nothing else.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What makes it readable, in the light and in the dark.
pub(crate) const STYLESHEET: &str = "\
:root { color-scheme: light dark; --line: #8885; --over: #c33; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; padding: .4rem .8rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
td { font-variant-numeric: tabular-nums; }
.over { color: var(--over); font-weight: bold; }
pre { padding: 1rem; border: 1px solid var(--line); }
@media (prefers-color-scheme: dark) { :root { --over: #f88; } }
";

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta http-equiv=\"refresh\" content=\"5\">\n<title>throttle</title>\n\
    <link rel=\"stylesheet\" href=\"/dashboard.css\">\n</head>\n<body>\n<h1>throttle</h1>\n";

const EMPTY: &str = "<p>No semaphores are configured. Name them in its configuration and restart the server:</p>\n\
    <pre>[semaphores]\nA = 42\nB = { max = 1, level = 1 }</pre>\n";

const TABLE: &str = "<table>\n<thead><tr><th scope=\"col\">Semaphore</th><th scope=\"col\">Max</th>\
    <th scope=\"col\">Level</th><th scope=\"col\">Held</th><th scope=\"col\">Peers waiting</th>\
    <th scope=\"col\">Longest wait</th></tr></thead>\n<tbody>\n";

const FOOT: &str = "<p><a href=\"/peers/\">Peers</a> and <a href=\"/metrics\">metrics</a> as data</p>\n</body>\n</html>\n";

/// The page as of `now`.
pub(crate) fn page(semaphores: &[SemaphoreView], now: Time) -> String {
    let mut page = String::from(HEAD);
    if semaphores.is_empty() {
        page.push_str(EMPTY);
    } else {
        page.push_str(TABLE);
        for semaphore in semaphores {
            // Writing to a string does not fail.
            let _ = writeln!(page, "{}", Row { semaphore, now });
        }
        page.push_str("</tbody>\n</table>\n");
    }
    page.push_str(FOOT);
    page
}

struct Row<'a> {
    semaphore: &'a SemaphoreView,
    now: Time,
}

impl Display for Row<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SemaphoreView { name, max, level, held, waiters, waiting_since, .. } = self.semaphore;
        let over = match self.semaphore.remainder() {
            ..0 => " class=\"over\" title=\"More than the maximum, after a restore\"",
            _ => "",
        };
        let name = Escaped(name.as_str());
        write!(f, "<tr><td>{name}</td><td>{max}</td><td>{level}</td><td{over}>{held}</td>")?;
        write!(f, "<td>{waiters}</td><td>")?;
        if let Some(since) = waiting_since {
            write!(f, "{:.1} s", self.now.since(*since).as_secs_f64())?;
        }
        f.write_str("</td></tr>")
    }
}

/// Text that is nothing but text in HTML.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Count, Level, SemaphoreName};

    #[test]
    fn names_are_escaped_and_too_much_is_marked() {
        let view = SemaphoreView {
            name: SemaphoreName::new("<b>'\"&").unwrap(),
            max: Count::new(1).unwrap(),
            level: Level(0),
            held: 2,
            pending: 1,
            holders: 2,
            waiters: 1,
            waiting_since: Some(Time::from_micros(500_000)),
        };
        let page = page(&[view], Time::from_micros(2_000_000));
        let row = "<tr><td>&lt;b&gt;&#39;&quot;&amp;</td><td>1</td><td>0</td>\
            <td class=\"over\" title=\"More than the maximum, after a restore\">2</td>\
            <td>1</td><td>1.5 s</td></tr>";
        assert!(page.contains(row), "{page}");
    }

    #[test]
    fn without_semaphores_it_says_how_to_get_some() {
        assert!(page(&[], Time::default()).contains("[semaphores]"));
    }
}
