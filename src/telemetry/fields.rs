//! How the fields of an event are written into a line of text: the message as it is, the others as `name=value`,
//! and each character that could start a new line or steer a terminal as an escape.
//!
//! `tracing-subscriber` escapes only some of them, and only in the message: a line break in a message or in a
//! field that is shown by `Display` would reach the log, and with it any line that a user wants to see there.

use std::fmt::{self, Write};

use tracing::field::Field;
use tracing_subscriber::field::{MakeExt, MakeVisitor, VisitFmt, VisitOutput};
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// Writes fields so that they cannot leave their line.
pub(super) fn one_line()
-> impl for<'w> MakeVisitor<Writer<'w>, Visitor: VisitFmt + VisitOutput<fmt::Result>> {
    debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
        let mut escaping = Escaping(writer);
        match field.name() {
            "message" => write!(escaping, "{value:?}"),
            name => write!(escaping, "{}={value:?}", name.trim_start_matches("r#")),
        }
    })
    .delimited(" ")
}

/// Passes text on with dangerous characters escaped.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, dangerous)) = rest.char_indices().find(|(_, c)| is_dangerous(*c)) {
            self.0.write_str(&rest[..at])?;
            write!(self.0, "{}", dangerous.escape_default())?;
            rest = &rest[at + dangerous.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Control characters, line separators, and what changes the direction of the text that follows.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangerous_characters_are_escaped_and_nothing_else() {
        let mut written = String::new();
        write!(Escaping(&mut written), "ä\n\r\u{1b}[31m\u{9b}b\u{202e}").unwrap();
        assert_eq!(written, r"ä\n\r\u{1b}[31m\u{9b}b\u{202e}");
    }
}
