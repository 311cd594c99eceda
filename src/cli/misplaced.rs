//! The server's flags where no server is started: whoever writes them means something that would not happen.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::{Cli, Command};

impl Cli {
    /// Why the command line makes no sense, if it has flags of the server for a command that has no use for them.
    pub fn misplaced(&self) -> Option<clap::Error> {
        let (command, address) = self.command.as_ref().and_then(Command::elsewhere)?;
        let file = self.configuration.as_ref().map(|_| "configuration");
        let flags = self.overrides.iter().map(|(setting, _)| setting.flag).chain(file);
        let flags: Vec<_> = flags.map(|flag| format!("--{flag}")).collect();
        if flags.is_empty() {
            return None;
        }
        let (flags, are) = (flags.join(", "), if flags.len() > 1 { "are" } else { "is" });
        let hint = address.map(|flag| format!(", and asks the one at --{flag} URL"));
        let hint = hint.unwrap_or_default();
        let message =
            format!("{flags} {are} for the server: `throttle {command}` starts none{hint}");
        Some(Self::command().error(ErrorKind::ArgumentConflict, message))
    }
}

impl Command {
    /// What it is called, and its flag for the address of a server; unless it is about the configuration of one.
    const fn elsewhere(&self) -> Option<(&'static str, Option<&'static str>)> {
        match self {
            Self::Check(_) => None,
            Self::Health(_) => Some(("health", Some("url"))),
            Self::Lock(_) => Some(("lock", Some("server"))),
            Self::Status(_) => Some(("status", Some("server"))),
            Self::Semaphore(_) => Some(("semaphore", Some("server"))),
            Self::Bucket(_) => Some(("bucket", Some("server"))),
            Self::Peer(_) => Some(("peer", Some("server"))),
            Self::Reload(_) => Some(("reload", Some("server"))),
            Self::Token(_) => Some(("token", None)),
        }
    }
}
