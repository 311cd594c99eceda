//! Where what is watched is shown: on a terminal in place, elsewhere one after the other. Lines come here inert.

use std::io::{self, IsTerminal, Write, stderr, stdout};

use super::failure::Failure;
use super::look::Form;
use super::table;
use crate::printable::printable;

/// Rows of a terminal that does not say how many it has.
const ROWS: usize = 24;

/// Nothing is wrapped meanwhile: each line is one row, so that it is known how far up the first one is.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// The standard output.
#[derive(Debug)]
pub(super) enum Screen {
    /// A terminal, on which so many rows are to be overwritten.
    InPlace(usize),
    /// Something else. `true`: there is trouble that was told already.
    Appending(bool),
}

impl Screen {
    /// As it suits what is written to it.
    pub(super) fn for_form(form: Form) -> Self {
        match form {
            Form::Text(_) if stdout().is_terminal() && !table::is_dumb() => Self::InPlace(0),
            Form::Text(_) | Form::Json => Self::Appending(false),
        }
    }

    /// Shows what was seen.
    pub(super) fn show(&mut self, lines: &[String], form: Form) -> Result<(), Failure> {
        match self {
            Self::InPlace(rows) => replace(rows, lines),
            Self::Appending(troubled) => {
                if std::mem::take(troubled) {
                    tell("it is back");
                }
                let gap = match form {
                    Form::Text(_) => "\n",
                    Form::Json => "",
                };
                print(&format!("{}\n{gap}", lines.join("\n")))
            }
        }
    }

    /// Tells that nothing was seen, and that it is tried again.
    pub(super) fn trouble(&mut self, message: &str) -> Result<(), Failure> {
        match self {
            Self::InPlace(rows) => {
                let line = format!("{}; trying again", printable(message));
                replace(rows, &[line])
            }
            Self::Appending(troubled) => {
                if !std::mem::replace(troubled, true) {
                    tell(&format!("{message}; trying again"));
                }
                Ok(())
            }
        }
    }

    /// Leaves the terminal as it was, even if a frame was only half written.
    pub(super) fn restore(form: Form) {
        match Self::for_form(form) {
            // The other stream: this one may be in use for as long as nobody reads from it.
            Self::InPlace(_) if stderr().is_terminal() => {
                let _ = write!(stderr(), "{WRAP}\x1b[0m");
            }
            Self::InPlace(_) | Self::Appending(_) => {}
        }
    }
}

/// Writes lines to the standard output.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::Unread;
        }
        Failure::Trouble(format!("cannot write to the standard output: {error}"))
    })
}

fn tell(message: &str) {
    let _ = writeln!(stderr(), "throttle status: {}", printable(message));
}

fn replace(rows: &mut usize, lines: &[String]) -> Result<(), Failure> {
    let height = terminal_size::terminal_size().map_or(ROWS, |(_, height)| usize::from(height.0));
    // The cursor stands in a row of its own.
    let text = frame(*rows, lines, height.saturating_sub(1).max(1));
    *rows = text.matches('\n').count();
    print(&text)
}

/// What overwrites so many rows with as many of the lines as there is room for.
fn frame(rows: usize, lines: &[String], room: usize) -> String {
    let up = if rows > 0 { format!("\x1b[{rows}A") } else { String::new() };
    let mut text = format!("\r{up}{NO_WRAP}");
    let fit = if lines.len() > room { room - 1 } else { lines.len() };
    for line in &lines[..fit] {
        text.push_str(line);
        text.push_str("\x1b[K\r\n");
    }
    if let more @ 1.. = lines.len() - fit {
        text.push_str(&format!("and {more} more, for which there is no room\x1b[K\r\n"));
    }
    text + "\x1b[J" + WRAP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_overwrites_the_one_before_and_fits() {
        let lines: Vec<_> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(
            frame(0, &lines, 3),
            "\r\x1b[?7la\x1b[K\r\nb\x1b[K\r\nc\x1b[K\r\n\x1b[J\x1b[?7h"
        );
        let short = frame(3, &lines, 2);
        assert!(short.starts_with("\r\x1b[3A\x1b[?7la\x1b[K\r\nand 2 more"), "{short:?}");
        assert_eq!(short.matches('\n').count(), 2);
        assert_eq!(frame(1, &lines, 1).matches('\n').count(), 1);
    }
}
