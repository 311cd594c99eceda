//! How much is logged, and how it looks. Must not start any logging.

use std::fmt;

/// What is logged: events of this severity and worse ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Off,
    /// What went wrong here.
    Error,
    /// What may need a look.
    Warn,
    /// What the server does on the whole.
    Info,
    /// What the server does in detail.
    Debug,
    /// Everything.
    Trace,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: each line is a JSON object.
    Json,
}

impl Level {
    const ALL: [Self; 6] =
        [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level of that name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }

    /// How the level is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

impl LogFormat {
    /// The format of that name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Text, Self::Json].into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// How the format is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether these are filter directives. A lone word that is no level would pass as the name of a target whose
/// events are all logged, and silence the rest: a misspelt level must not do that.
pub(super) fn are_directives(text: &str) -> bool {
    let mut parts = text.split(',').map(str::trim).filter(|part| !part.is_empty()).peekable();
    parts.peek().is_some()
        && parts.all(|part| part.contains(['=', '[']) || Level::named(part).is_some())
        && tracing_subscriber::EnvFilter::try_new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_no_directive() {
        for good in ["info,throttle=debug", "throttle=trace", "off,[lease{peer=7}]=debug"] {
            assert!(are_directives(good), "{good}");
        }
        for bad in ["", ",", "inof", "info,debgu", "throttle=verbose", "info,=,", "a=b=c"] {
            assert!(!are_directives(bad), "{bad}");
        }
    }
}
