//! The table of all settings but the semaphores. The file, the flags, the variables and the help are all made
//! from it, so that none of them can lack a setting or treat it differently.

use std::fmt;
use std::time::Duration;

use super::input::Input;
use super::level::are_directives;
use super::{Config, Gelf};
use crate::engine::Span;

const DAY: Span = Span::from_secs(86_400);

/// Longest time to live that can be allowed. It keeps sums of times far from the end of time.
const MAX_MAX_EXPIRES_IN: Span = Span::from_secs(36_500 * 86_400);

/// The dashboard that is part of the program.
const BUILT_IN: &str = "built-in";

/// One setting.
pub struct Setting {
    /// Its key in the file, with the sections it is in: `limits.max_peers`.
    pub key: &'static str,
    /// Its flag, without the dashes: `max-peers`.
    pub flag: &'static str,
    /// What stands for its value in the help.
    pub value_name: &'static str,
    /// What it is, in a few words.
    pub help: &'static str,
    /// How its value in a configuration is written in a file. `None` when it has none there.
    pub written: fn(&Config) -> Option<String>,
    pub(super) apply: fn(&mut Config, Input<'_>) -> Result<(), String>,
}

impl Setting {
    /// The setting with that key.
    pub fn by_key(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The sections that the setting is in (empty at the top level), and its name there.
    pub fn path(&self) -> (&'static str, &'static str) {
        self.key.rsplit_once('.').unwrap_or(("", self.key))
    }

    /// Its variable: `THROTTLE_MAX_PEERS`.
    pub fn variable(&self) -> String {
        format!("THROTTLE_{}", self.flag.replace('-', "_").to_ascii_uppercase())
    }
}

/// All settings but the semaphores.
pub static SETTINGS: [Setting; 22] = [
    Setting {
        key: "address",
        flag: "address",
        value_name: "IP",
        help: "Address to listen on; 0.0.0.0 is every one",
        written: |config| Some(quoted(config.address)),
        apply: |config, input| input.address().map(|it| config.address = it),
    },
    Setting {
        key: "port",
        flag: "port",
        value_name: "PORT",
        help: "TCP port to listen on; 0 is any free one",
        written: |config| Some(config.port.to_string()),
        apply: |config, input| input.integer(0..=65_535).map(|it| config.port = it),
    },
    Setting {
        key: "expiry_grace",
        flag: "expiry-grace",
        value_name: "DURATION",
        help: "How much longer than it asked for a peer of the REST interface lives",
        written: |config| Some(quoted(Seconds(config.expiry_grace))),
        apply: |config, input| input.duration_or_zero(DAY).map(|it| config.expiry_grace = it),
    },
    Setting {
        key: "recovery_grace",
        flag: "recovery-grace",
        value_name: "DURATION",
        help: "Time after the start in which clients come back before anything new is granted",
        written: |config| Some(quoted(Seconds(config.recovery_grace))),
        apply: |config, input| input.duration_or_zero(DAY).map(|it| config.recovery_grace = it),
    },
    Setting {
        key: "web_dir",
        flag: "web-dir",
        value_name: "DIRECTORY",
        help: "Where to read the dashboard's files from while working on them",
        written: |config| {
            let directory = config.web_dir.as_ref().map(|it| it.display().to_string());
            Some(quoted(directory.as_deref().unwrap_or(BUILT_IN)))
        },
        apply: |config, input| {
            let directory = input.line(4_096)?;
            config.web_dir = (directory != BUILT_IN).then(|| directory.into());
            Ok(())
        },
    },
    Setting {
        key: "sessions.heartbeat",
        flag: "heartbeat",
        value_name: "DURATION",
        help: "How often WebSocket sessions are pinged; silence of twice as long ends them",
        written: |config| Some(quoted(Span::from(config.sessions.heartbeat))),
        apply: |config, input| input.duration(DAY).map(|it| config.sessions.heartbeat = it),
    },
    Setting {
        key: "sessions.hello_timeout",
        flag: "hello-timeout",
        value_name: "DURATION",
        help: "Time for the first message of a WebSocket session to arrive",
        written: |config| Some(quoted(Span::from(config.sessions.hello_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.sessions.hello_timeout = it),
    },
    Setting {
        key: "sessions.max_sessions",
        flag: "max-sessions",
        value_name: "COUNT",
        help: "Most WebSocket sessions at once; auto is 15 of 16 connections",
        written: |config| Some(or_auto(config.sessions.max_sessions)),
        apply: |config, input| {
            input.integer_or_auto(1..=10_000_000).map(|it| config.sessions.max_sessions = it)
        },
    },
    Setting {
        key: "sessions.max_peers_per_connection",
        flag: "max-peers-per-connection",
        value_name: "COUNT",
        help: "Most peers of one WebSocket session",
        written: |config| Some(config.sessions.max_peers_per_connection.to_string()),
        apply: |config, input| {
            let count = input.integer(1..=1_000_000);
            count.map(|it| config.sessions.max_peers_per_connection = it)
        },
    },
    Setting {
        key: "limits.max_expires_in",
        flag: "max-expires-in",
        value_name: "DURATION",
        help: "Longest time to live of a peer",
        written: |config| Some(quoted(config.limits.max_expires_in)),
        apply: |config, input| {
            let duration = input.duration(MAX_MAX_EXPIRES_IN);
            duration.map(|it| config.limits.max_expires_in = it.into())
        },
    },
    Setting {
        key: "limits.max_peers",
        flag: "max-peers",
        value_name: "COUNT",
        help: "Most peers at once",
        written: |config| Some(config.limits.max_peers.to_string()),
        apply: |config, input| {
            input.integer(1..=100_000_000).map(|it| config.limits.max_peers = it)
        },
    },
    Setting {
        key: "limits.max_connections",
        flag: "max-connections",
        value_name: "COUNT",
        help: "Most connections at once; auto is a safe share of the open files allowed",
        written: |config| Some(or_auto(config.limits.max_connections)),
        apply: |config, input| {
            input.integer_or_auto(1..=10_000_000).map(|it| config.limits.max_connections = it)
        },
    },
    Setting {
        key: "limits.max_body_bytes",
        flag: "max-body-bytes",
        value_name: "BYTES",
        help: "Longest body of a request",
        written: |config| Some(config.limits.max_body_bytes.to_string()),
        apply: |config, input| {
            input.integer(1_024..=16_777_216).map(|it| config.limits.max_body_bytes = it)
        },
    },
    Setting {
        key: "limits.header_read_timeout",
        flag: "header-read-timeout",
        value_name: "DURATION",
        help: "Time for a request's header to arrive",
        written: |config| Some(quoted(Span::from(config.limits.header_read_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.limits.header_read_timeout = it),
    },
    Setting {
        key: "limits.body_read_timeout",
        flag: "body-read-timeout",
        value_name: "DURATION",
        help: "Time for a request's body to arrive",
        written: |config| Some(quoted(Span::from(config.limits.body_read_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.limits.body_read_timeout = it),
    },
    Setting {
        key: "limits.drain_timeout",
        flag: "drain-timeout",
        value_name: "DURATION",
        help: "Time for open requests to finish at shutdown",
        written: |config| Some(quoted(Span::from(config.limits.drain_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.limits.drain_timeout = it),
    },
    Setting {
        key: "logging.stderr.level",
        flag: "log",
        value_name: "LEVEL",
        help: "OFF, ERROR, WARN, INFO, DEBUG or TRACE, or directives such as info,throttle=debug",
        written: |config| Some(quoted(config.logging.stderr.level)),
        apply: stderr_level,
    },
    Setting {
        key: "logging.stderr.format",
        flag: "log-format",
        value_name: "FORMAT",
        help: "Log lines as text or json",
        written: |config| Some(quoted(config.logging.stderr.format)),
        apply: |config, input| input.format().map(|it| config.logging.stderr.format = it),
    },
    Setting {
        key: "logging.gelf.name",
        flag: "gelf-name",
        value_name: "NAME",
        help: "What this server calls itself in Graylog",
        written: |config| config.logging.gelf.as_ref().map(|gelf| quoted(&gelf.name)),
        apply: |config, input| input.line(128).map(|it| gelf(config).name = it),
    },
    Setting {
        key: "logging.gelf.host",
        flag: "gelf-host",
        value_name: "HOST",
        help: "Graylog server to send the log to",
        written: |config| config.logging.gelf.as_ref().map(|gelf| quoted(&gelf.host)),
        apply: |config, input| input.line(253).map(|it| gelf(config).host = it),
    },
    Setting {
        key: "logging.gelf.port",
        flag: "gelf-port",
        value_name: "PORT",
        help: "UDP port of the Graylog server",
        written: |config| config.logging.gelf.as_ref().map(|gelf| gelf.port.to_string()),
        apply: |config, input| input.integer(1..=65_535).map(|it| gelf(config).port = it),
    },
    Setting {
        key: "logging.gelf.level",
        flag: "gelf-level",
        value_name: "LEVEL",
        help: "Level of the log that Graylog gets",
        written: |config| config.logging.gelf.as_ref().map(|gelf| quoted(gelf.level)),
        apply: |config, input| input.level().map(|it| gelf(config).level = it),
    },
];

/// Starts the section `[logging.gelf]`. That it has a host is checked when all sources have been read.
pub(super) fn gelf(config: &mut Config) -> &mut Gelf {
    config.logging.gelf.get_or_insert_with(|| Gelf::to(""))
}

/// A level from anywhere; directives from a flag or a variable only.
fn stderr_level(config: &mut Config, input: Input<'_>) -> Result<(), String> {
    let stderr = &mut config.logging.stderr;
    let refused = match (input.level(), input) {
        (Ok(level), _) => {
            stderr.level = level;
            stderr.directives = None;
            return Ok(());
        }
        (Err(refused), Input::Toml(_)) => return Err(refused),
        (Err(refused), Input::Text(text)) if !are_directives(text) => refused,
        (Err(_), Input::Text(text)) => {
            stderr.directives = Some(text.to_owned());
            return Ok(());
        }
    };
    Err(format!("{refused} (directives such as \"info,throttle=debug\" are possible too)"))
}

/// A duration that may be zero, which has no largest unit.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() { f.write_str("0s") } else { Span::from(self.0).fmt(f) }
    }
}

fn or_auto(count: Option<usize>) -> String {
    count.map_or_else(|| quoted("auto"), |count| count.to_string())
}

fn quoted(value: impl fmt::Display) -> String {
    format!("\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_can_be_found_by_its_names() {
        let setting = Setting::by_key("limits.max_peers").unwrap();
        assert_eq!(setting.path(), ("limits", "max_peers"));
        assert_eq!(setting.variable(), "THROTTLE_MAX_PEERS");
        assert_eq!(Setting::by_key("logging.stderr.level").unwrap().variable(), "THROTTLE_LOG");
        assert!(Setting::by_key("limits").is_none());
    }
}
