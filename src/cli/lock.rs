//! The command line of `throttle lock`. What the texts mean is decided here; nothing is asked or run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::secret;
use crate::access::Token;
use crate::engine::MAX_COUNT;

/// Where the server is unless somebody says something else: as it runs by itself, on this machine.
pub const DEFAULT_SERVER: &str = "ws://localhost:8000";

/// Shorter lives than this leave no time to end a command.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

const AFTER_HELP: &str = "\
NAME=COUNT is split at the last `=` if digits follow it, a number from 1 to 2147483648: a semaphore that is called \"a=1\" is \"a=1=1\".

COMMAND finds in its environment
  THROTTLE_LOCK_HELD  what is held: a line NAME=COUNT for each semaphore
  THROTTLE_FENCE      a number, larger than that of whoever held any of it before
  THROTTLE_SLOTS      which ones are held, where the server numbers them: such as 0,3 for one semaphore, and a line
                      NAME=0,3 for each that has numbers if there are several
  THROTTLE_PEER_ID    the name under which the server knows the holder

Exit codes
  that of COMMAND     when it has run to its end
  128+n               when signal n has ended it, or the waiting
  124                 not acquired in time
  125                 other trouble: with the server, the lease, or the arguments
  126, 127            COMMAND cannot be run; there is no such command

COMMAND runs in a process group of its own. SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on to it. \
On a terminal it is handed that as soon as it reads from it.

When the lease cannot be kept, because nothing was heard from the server for two thirds of --expires-in, the group gets \
SIGTERM, and SIGKILL another sixth later: all of it is over before the server can give the locks to others. Out of reach \
is what leaves the group, and what COMMAND leaves behind when it ends. If throttle itself is stopped or killed, nobody \
ends COMMAND: where that matters, check the fence.

Example: throttle lock --timeout 1m database=2 -- pg_dump --file dump.sql";

/// Run a command while holding locks.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Lock {
    /// Address of the server [env: THROTTLE_SERVER] [default: ws://localhost:8000]
    #[arg(long, value_name = "URL", env = "THROTTLE_SERVER", hide_env = true)]
    server: Option<String>,

    /// File with the token that the server wants to see [env: THROTTLE_TOKEN_FILE, or the token itself in THROTTLE_TOKEN]
    #[arg(long, value_name = "FILE", env = "THROTTLE_TOKEN_FILE", hide_env = true)]
    token_file: Option<PathBuf>,

    /// File with the certificates in PEM that may vouch for the server's [env: THROTTLE_CA] [default: the system's]
    #[arg(long, value_name = "FILE", env = "THROTTLE_CA", hide_env = true)]
    ca: Option<PathBuf>,

    /// How long to wait for the locks, such as 30s or 5m; 0s only tries [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,

    /// How long the server keeps the locks when nothing is heard from here, at least 1s
    #[arg(long, value_name = "DURATION", value_parser = life, default_value = "30s")]
    pub expires_in: Duration,

    /// Who asks with a higher priority stands before those with a lower one, -128 to 127
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i8,

    /// Who this is. `None`: the user, the machine and the process.
    #[arg(
        long,
        value_name = "TEXT",
        help = "Who this is, for operators and those who wait [default: user@host:pid]"
    )]
    pub label: Option<String>,

    /// What to hold, and how much of it [default: 1]
    #[arg(required = true, value_name = "NAME[=COUNT]", value_parser = semaphore)]
    pub semaphores: Vec<(String, u32)>,

    /// What to run meanwhile
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,

    /// That of the server means nothing here.
    #[arg(id = "configuration", hide = true)]
    #[arg(short, long, value_name = "FILE")]
    _configuration: Option<PathBuf>,
}

impl Lock {
    /// The exit code when the arguments make no sense. Other codes of `throttle` could be those of the command.
    pub const EXIT_CODE: u8 = 125;

    /// Where the server is. An empty text counts as none.
    pub fn server(&self) -> &str {
        self.server.as_deref().filter(|url| !url.is_empty()).unwrap_or(DEFAULT_SERVER)
    }

    /// The file with the certificates that may vouch for the server. An empty name counts as none.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref().filter(|file| !file.as_os_str().is_empty())
    }

    /// What the server is shown. There is no flag for it: everybody on the machine can see those.
    ///
    /// # Errors
    /// What is wrong with the file or the variable, without what is in it.
    pub fn token(&self) -> Result<Option<Token>, String> {
        secret::find(self.token_file.as_deref())
    }
}

fn life(text: &str) -> Result<Duration, String> {
    let life = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if life < SHORTEST_LIFE {
        return Err("at least 1s is needed to end a command in time".to_owned());
    }
    Ok(life)
}

fn semaphore(text: &str) -> Result<(String, u32), String> {
    let counted = text.rsplit_once('=').filter(|(_, count)| {
        !count.is_empty() && count.bytes().all(|digit| digit.is_ascii_digit())
    });
    let (name, count) = match counted {
        None => (text, 1),
        Some((name, count)) => match count.parse() {
            Ok(count @ 1..=MAX_COUNT) => (name, count),
            Ok(_) | Err(_) => return Err(format!("the count must be from 1 to {MAX_COUNT}")),
        },
    };
    if name.is_empty() {
        return Err("a semaphore must have a name".to_owned());
    }
    Ok((name.to_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_what_stands_behind_the_last_equals_sign() {
        for (text, name, count) in [
            ("A", "A", 1),
            ("A=3", "A", 3),
            ("A=2147483648", "A", MAX_COUNT),
            ("a=1=2", "a=1", 2),
            ("a=b", "a=b", 1),
            ("a=", "a=", 1),
            ("a=-1", "a=-1", 1),
            ("a=1=1", "a=1", 1),
            ("=", "=", 1),
        ] {
            assert_eq!(semaphore(text), Ok((name.to_owned(), count)), "{text}");
        }
        for text in ["", "=1", "a=0", "a=2147483649", "a=4294967296"] {
            assert!(semaphore(text).is_err(), "{text}");
        }
    }
}
