//! Text in columns, with colours where they are wanted. What others have written is made inert where it becomes a cell.

use std::io::{IsTerminal, stdout};

use unicode_width::UnicodeWidthStr;

use crate::printable::printable;

/// Widest a column gets on a terminal; what is longer is cut.
const MAX_WIDTH: usize = 48;

/// What a text is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// A heading.
    Strong,
    /// Less important.
    Quiet,
    /// Worth a look.
    Notable,
    /// Not as it should be.
    Alarming,
}

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) colours: bool,
    /// Whether long texts are cut.
    pub(super) cut: bool,
}

impl Style {
    /// As it suits the standard output.
    pub(super) fn of_stdout() -> Self {
        let terminal = stdout().is_terminal();
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: terminal && !unwanted && !is_dumb(), cut: terminal }
    }

    /// The text, which is inert already, in this tone.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Strong => 1,
            Tone::Quiet => 2,
            Tone::Notable => 33,
            Tone::Alarming => 31,
        };
        if !self.colours || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// A terminal that can do nothing but print.
pub(super) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Where a column's texts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A text in a table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text, whoever has written it.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    /// As [`Cell::new`].
    pub(super) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: printable(text.as_ref()), tone }
    }
}

/// Rows under a heading.
#[derive(Debug)]
pub(super) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Without rows yet.
    pub(super) fn new(columns: &[(&str, Side)]) -> Self {
        let heading = columns.iter().map(|(name, _)| Cell::toned(name, Tone::Strong)).collect();
        Self { sides: columns.iter().map(|(_, side)| *side).collect(), rows: vec![heading] }
    }

    /// Adds a row, with a cell for each column.
    pub(super) fn push(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The lines, the heading first.
    pub(super) fn lines(mut self, style: Style) -> Vec<String> {
        if style.cut {
            self.rows.iter_mut().flatten().for_each(|cell| cell.text = cut(&cell.text));
        }
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        let columns: Vec<_> = self.sides.iter().copied().zip(widths).collect();
        self.rows.iter().map(|row| line(row, &columns, style)).collect()
    }
}

fn line(row: &[Cell], columns: &[(Side, usize)], style: Style) -> String {
    let mut line = String::new();
    // Spaces are only written before something that follows them.
    let mut owed = 0;
    // A column without any text is none.
    for (cell, (side, width)) in row.iter().zip(columns).filter(|(_, (_, width))| *width > 0) {
        let room = width.saturating_sub(cell.text.width());
        let (before, after) = match side {
            Side::Left => (0, room),
            Side::Right => (room, 0),
        };
        owed += before;
        if !cell.text.is_empty() {
            line.extend(std::iter::repeat_n(' ', owed));
            line.push_str(&style.paint(cell.tone, &cell.text));
            owed = 0;
        }
        owed += after + 2;
    }
    line
}

fn cut(text: &str) -> String {
    if text.width() <= MAX_WIDTH {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        let mut longer = kept.clone();
        longer.push(c);
        if longer.width() >= MAX_WIDTH {
            break;
        }
        kept = longer;
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table =
            Table::new(&[("NAME", Side::Left), ("N", Side::Right), ("NOTE", Side::Left)]);
        table.push(vec![Cell::new("日本"), Cell::new("7"), Cell::new("")]);
        table.push(vec![Cell::new("a\x1b[2J"), Cell::toned("12", Tone::Notable), Cell::new("x")]);
        table
    }

    #[test]
    fn columns_are_aligned_whatever_the_names() {
        let lines = table().lines(Style { colours: false, cut: false });
        assert_eq!(
            lines,
            ["NAME        N  NOTE", "日本        7", "a\\u{1b}[2J  12  x"].map(|line| line
                .replace("NAME        N", "NAME         N")
                .replace("日本        7", "日本         7"))
        );
    }

    #[test]
    fn a_column_without_any_text_takes_no_room() {
        let mut table = Table::new(&[("A", Side::Left), ("", Side::Left), ("B", Side::Left)]);
        table.push(vec![Cell::new("1"), Cell::new(""), Cell::new("2")]);
        assert_eq!(table.lines(Style { colours: false, cut: false }), ["A  B", "1  2"]);
    }

    #[test]
    fn colours_come_from_nobody_else() {
        let lines = table().lines(Style { colours: true, cut: false });
        assert_eq!(lines[2], "a\\u{1b}[2J  \x1b[33m12\x1b[0m  x");
    }

    #[test]
    fn a_long_name_is_cut_on_a_terminal_only() {
        let mut table = Table::new(&[("NAME", Side::Left)]);
        table.push(vec![Cell::new("é".repeat(100))]);
        assert_eq!(cut(&"é".repeat(100)).width(), MAX_WIDTH);
        assert_eq!(table.lines(Style { colours: false, cut: false })[1].width(), 100);
    }
}
