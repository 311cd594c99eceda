//! The flags that override a setting, made from the table of settings. They take any text: whether it is good
//! is decided where the file's values are, so that both have the same bounds.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::{Config, Gelf, SETTINGS, Setting};

/// The flags that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides(Vec<(&'static str, String)>);

impl Overrides {
    /// The settings that were given, with their texts.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Setting, &str)> {
        self.0.iter().filter_map(|(key, text)| Some((Setting::by_key(key)?, text.as_str())))
    }
}

impl FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &Setting| {
            matches.get_one::<String>(setting.flag).map(|text| (setting.key, text.clone()))
        };
        Ok(Self(SETTINGS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Overrides {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| command.arg(flag(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let heading = match section_of(setting) {
        "" => "Server",
        "sessions" => "WebSocket sessions",
        "limits" => "Limits",
        "tls" => "TLS",
        "dynamic" => "Names that clients declare",
        _ => "Logging",
    };
    let flag = Arg::new(setting.flag)
        .long(setting.flag)
        .value_name(setting.value_name)
        .help(format!("{}{}", setting.help, default_of(setting)))
        .help_heading(heading)
        .allow_negative_numbers(true);
    if setting.is_switch() {
        // What comes behind it is something else: `--insecure check`.
        return flag.num_args(0..=1).require_equals(true).default_missing_value("true");
    }
    flag
}

/// A log to Graylog has defaults as soon as it has a host.
fn default_of(setting: &Setting) -> String {
    let mut config = Config::default();
    config.logging.gelf = Some(Gelf::to(""));
    let written = (setting.written)(&config).unwrap_or_default();
    match written.trim_matches('"') {
        "" if section_of(setting) == "tls" => " [default: none, no TLS]".to_owned(),
        "" => " [default: none, nothing is sent]".to_owned(),
        default => format!(" [default: {default}]"),
    }
}

fn section_of(setting: &Setting) -> &'static str {
    setting.path().0
}
