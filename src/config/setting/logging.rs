//! Settings of the sections under `[logging]`.

use super::{Setting, quoted};
use crate::config::input::Input;
use crate::config::level::are_directives;
use crate::config::{Config, Gelf};

pub(super) const SETTINGS: [Setting; 6] = [
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
pub(in crate::config) fn gelf(config: &mut Config) -> &mut Gelf {
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
        (Err(refused), Input::Toml(_) | Input::Json(_)) => return Err(refused),
        (Err(refused), Input::Text(text)) if !are_directives(text) => refused,
        (Err(_), Input::Text(text)) => {
            stderr.directives = Some(text.to_owned());
            return Ok(());
        }
    };
    Err(format!("{refused} (directives such as \"info,throttle=debug\" are possible too)"))
}
