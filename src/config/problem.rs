//! What is wrong with a configuration, and where. Text that somebody wrote is quoted with escapes and cut before
//! it gets here ([`excerpt`]), so that a problem is always one line.

use std::fmt;

/// Most problems that are shown at once. A file that is something else altogether has one on every line.
const MAX_SHOWN: usize = 100;

/// Most characters of a quoted text.
const MAX_EXCERPT_CHARS: usize = 64;

/// One thing that is wrong, or worth a remark. Shown as `throttle.toml:12:7: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub origin: Origin,
    /// What it is, in one line.
    pub message: String,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file.
    File {
        /// What the file is called.
        name: String,
        /// The place in it; `None` when the file as a whole is meant.
        at: Option<Position>,
    },
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line; the first is 1.
    pub line: usize,
    /// The column, in characters; the first is 1.
    pub column: usize,
}

/// All that is wrong with a configuration, in the order of the places; one line each, without a line break at
/// the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// What the process should answer with when it ends because of problems.
    pub const EXIT_CODE: u8 = 2;

    /// The problems, which are at least one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.0.iter()
    }

    /// `None` when there are none.
    pub(super) fn new(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by(|a, b| a.origin.cmp(&b.origin));
        (!problems.is_empty()).then_some(Self(problems))
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().take(MAX_SHOWN).enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.0.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n... and {more} more"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, at: None } => f.write_str(name),
            Self::File { name, at: Some(Position { line, column }) } => {
                write!(f, "{name}:{line}:{column}")
            }
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The text in quotes, escaped, and cut when it is long.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(MAX_EXCERPT_CHARS) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Finds the line and column of a byte, for any number of bytes of one text.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { text, starts: std::iter::once(0).chain(breaks.map(|(i, _)| i + 1)).collect() }
    }

    /// The line alone costs nothing, however long it is.
    pub(super) fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    pub(super) fn position(&self, byte: usize) -> Position {
        let line = self.line(byte);
        let start = self.starts[line - 1];
        let before = self.text.get(start..byte).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let lines = Lines::of("a\nöß = 1\r\n\n");
        let at = |byte| {
            let Position { line, column } = lines.position(byte);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(1), (1, 2));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(6), (2, 3));
        assert_eq!(at(12), (3, 1));
        assert_eq!(at(13), (4, 1));
    }

    #[test]
    fn a_quoted_text_is_one_short_line() {
        assert_eq!(excerpt("a\n\u{1b}\"b"), r#""a\n\u{1b}\"b""#);
        assert_eq!(excerpt(&"ä".repeat(64)), format!("\"{}\"", "ä".repeat(64)));
        assert_eq!(excerpt(&"ä".repeat(65)), format!("\"{}\"...", "ä".repeat(64)));
    }

    #[test]
    fn only_so_many_problems_are_shown() {
        let problem =
            |i: usize| Problem { origin: Origin::Flag("--x".into()), message: i.to_string() };
        assert!(Problems::new(Vec::new()).is_none());
        let shown = Problems::new((0..102).map(problem).collect()).unwrap().to_string();
        assert_eq!(shown.lines().count(), 101);
        assert!(shown.starts_with("--x: 0\n--x: 1\n"), "{shown}");
        assert!(shown.ends_with("\n--x: 99\n... and 2 more"), "{shown}");
    }
}
