//! The server's flags where no server is started: whoever writes them means something that would not happen. And what
//! else deserves more than clap has to say.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Cli, Command};
use crate::config::SETTINGS;

impl Cli {
    /// Why the command line makes no sense, if it has flags of the server for a command that has no use for them.
    pub fn misplaced(&self) -> Option<clap::Error> {
        let command = self.command.as_ref().and_then(Command::elsewhere)?;
        let file = self.configuration.as_ref().map(|_| "configuration");
        let flags = self.overrides.iter().map(|(setting, _)| setting.flag).chain(file);
        let flags: Vec<_> = flags.map(|flag| format!("--{flag}")).collect();
        (!flags.is_empty()).then(|| refusal(&flags, command))
    }

    /// The same error, or one that says better what to do.
    #[must_use]
    pub fn explained(mut error: clap::Error) -> clap::Error {
        if let Some(refusal) = behind_the_word(&error) {
            return refusal;
        }
        if lacks_command(&error) {
            let tip = "COMMAND follows `--`, such as in `throttle lock A -- make deploy`";
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error
    }
}

/// A flag of the server behind the word for something else. Which word that is, only the usage tells: `Usage: throttle
/// status …`.
fn behind_the_word(error: &clap::Error) -> Option<clap::Error> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || !is_setting(flag) {
        return None;
    }
    let command = usage.to_string().split_whitespace().nth(2)?.to_owned();
    Some(refusal(std::slice::from_ref(flag), &command))
}

fn is_setting(flag: &str) -> bool {
    SETTINGS.iter().any(|setting| flag.strip_prefix("--") == Some(setting.flag))
}

/// Whether `throttle lock` has nothing to run, perhaps because it takes the command for names.
fn lacks_command(error: &clap::Error) -> bool {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
        return false;
    };
    error.kind() == ErrorKind::MissingRequiredArgument
        && missing.iter().any(|argument| argument == "<COMMAND>...")
}

fn refusal(flags: &[String], command: &str) -> clap::Error {
    let (flags, are) = (flags.join(", "), if flags.len() > 1 { "are" } else { "is" });
    let hint = match command {
        "token" => "",
        "health" => ", and asks the one at --url URL",
        _ => ", and asks the one at --server URL",
    };
    let message = format!("{flags} {are} for the server: `throttle {command}` starts none{hint}");
    Cli::command().error(ErrorKind::ArgumentConflict, message)
}

impl Command {
    /// What it is called, unless it is about the configuration of a server.
    const fn elsewhere(&self) -> Option<&'static str> {
        match self {
            Self::Check(_) => None,
            Self::Health(_) => Some("health"),
            Self::Lock(_) => Some("lock"),
            Self::Status(_) => Some("status"),
            Self::Semaphore(_) => Some("semaphore"),
            Self::Bucket(_) => Some("bucket"),
            Self::Peer(_) => Some("peer"),
            Self::Reload(_) => Some("reload"),
            Self::Token(_) => Some("token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn said(line: &str) -> String {
        match Cli::try_parse_from(line.split_whitespace()) {
            Ok(cli) => cli.misplaced().unwrap().to_string(),
            Err(error) => Cli::explained(error).to_string(),
        }
    }

    #[test]
    fn it_is_the_same_wherever_a_flag_of_the_server_stands() {
        for (command, rest) in [
            ("health", ""),
            ("lock", "A -- true"),
            ("status", ""),
            ("semaphore", "pause A"),
            ("bucket", "change A --refill 1"),
            ("peer", "show s1"),
            ("reload", ""),
            ("token", "A"),
        ] {
            for flag in ["--port 3", "--insecure"] {
                let ahead = said(&format!("throttle {flag} {command} {rest}"));
                assert!(ahead.contains("is for the server: "), "{ahead}");
                assert_eq!(said(&format!("throttle {command} {flag} {rest}")), ahead);
                if command != "lock" {
                    assert_eq!(said(&format!("throttle {command} {rest} {flag}")), ahead);
                }
            }
        }
        assert!(said("throttle status --prot 3").contains("unexpected argument '--prot' found"));
    }

    #[test]
    fn whoever_forgets_the_dashes_is_told_of_them() {
        for (line, is_told) in [
            ("throttle lock A true", true),
            ("throttle lock A=1", true),
            ("throttle lock", true),
            ("throttle lock -- true", false),
            ("throttle token", false),
        ] {
            assert_eq!(said(line).contains("  tip: COMMAND follows `--`"), is_told, "{line}");
        }
    }
}
