//! The table of all settings but semaphores and tokens. The file, the flags, the variables and the help are all made
//! from it, so that none of them can lack a setting or treat it differently.

mod limits;
mod logging;
mod server;

use std::fmt;
use std::time::Duration;

use super::Config;
use super::input::Input;
use crate::engine::Span;

pub(super) use logging::gelf;

const DAY: Span = Span::from_secs(86_400);

/// The value of a flag that need not have one.
const SWITCH: &str = "true|false";

/// One setting.
#[derive(Clone, Copy)]
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

    /// Whether its flag alone says that it is on.
    pub fn is_switch(&self) -> bool {
        self.value_name == SWITCH
    }

    /// Its variable: `THROTTLE_MAX_PEERS`.
    pub fn variable(&self) -> String {
        format!("THROTTLE_{}", self.flag.replace('-', "_").to_ascii_uppercase())
    }
}

/// All settings but semaphores and tokens.
pub static SETTINGS: [Setting; COUNT] = all();

const COUNT: usize = server::SETTINGS.len() + limits::SETTINGS.len() + logging::SETTINGS.len();

const fn all() -> [Setting; COUNT] {
    let mut all = [server::SETTINGS[0]; COUNT];
    let parts: [&[Setting]; 3] = [&server::SETTINGS, &limits::SETTINGS, &logging::SETTINGS];
    let (mut part, mut at, mut filled) = (0, 0, 0);
    while part < parts.len() {
        while at < parts[part].len() {
            all[filled] = parts[part][at];
            at += 1;
            filled += 1;
        }
        part += 1;
        at = 0;
    }
    all
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
