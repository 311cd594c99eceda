//! The command lines with which operators act: `throttle semaphore`, `throttle bucket`, `throttle peer` and
//! `throttle reload`. What the
//! texts mean is decided here; nothing is asked or done.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};

use super::{Acting, Manners, ShowPeer, Terms};

const AFTER_HELP: &str = "\
On a terminal it shows what will be hit, and asks; --yes does not ask. Without a terminal, what takes something away \
(delete, free, revoke) needs --yes.

Exit codes
  0    done
  1    the server refuses and says why, or somebody answered \"no\"
  2    the arguments make no sense
  125  trouble with the server: it is not there, or does not answer in time";

const SEMAPHORE_EXAMPLES: &str = "
Examples
  throttle semaphore create gpu=4 --level 1
  throttle semaphore change database --max 20 --why 'the new replica is up'
  throttle semaphore change database --max-hold 1h --max-pending none
  throttle semaphore free database --grace 30s --yes";

const BUCKET_EXAMPLES: &str = "
Examples
  throttle bucket create api --capacity 10 --refill 10 --every 60s
  throttle bucket create crawl --min-interval 3s --max-reserved 2
  throttle bucket change api --every 30s --why 'they let us do more'";

const PEER_EXAMPLES: &str = "
Examples
  throttle peer show s1795246800000001
  throttle peer revoke s1795246800000001 --semaphore database --grace 30s";

/// Make, change, pause, resume, delete or free a semaphore.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = format!("{AFTER_HELP}\n{SEMAPHORE_EXAMPLES}"), disable_help_subcommand = true)]
pub struct Semaphore {
    /// What to do with it.
    #[command(subcommand)]
    pub action: SemaphoreAction,

    /// How it is asked for.
    #[command(flatten)]
    pub acting: Acting,
}

/// What to do with a semaphore.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum SemaphoreAction {
    /// Make a semaphore
    #[command(after_help = "\
NAME=MAX is split at the last `=`. It lives until the server ends, or until it is deleted.

Example: throttle semaphore create gpu=4 --level 1")]
    Create {
        /// What it is called, and how much of it there is
        #[arg(value_name = "NAME=MAX", value_parser = new)]
        semaphore: (String, u32),
        /// Its place in the lock hierarchy
        #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
        level: i32,
        /// How it treats those who hold it and those who wait.
        #[command(flatten)]
        manners: Manners,
    },
    /// Change how much there is of a semaphore, its level, or how it treats those who hold it and wait for it
    #[command(after_help = "\
Who holds something keeps it. Below what is held, nothing new is granted until it fits.

What is not given stays as it is. The file stays as it is, too: a restart or a reload brings back what it says.

Example: throttle semaphore change database --max 20 --max-hold none",
        group = ArgGroup::new("change")
            .args(["max", "level", "max_pending", "max_hold", "lock_delay", "slots"])
            .required(true)
            .multiple(true))]
    Change {
        /// What it is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// How much of it there is
        #[arg(long, value_name = "N", value_parser = max)]
        max: Option<u32>,
        /// Its place in the lock hierarchy
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        level: Option<i32>,
        /// How it treats those who hold it and those who wait.
        #[command(flatten)]
        manners: Manners,
    },
    /// Grant nothing more of a semaphore; who holds it keeps it, who waits goes on waiting
    Pause {
        /// What it is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Grant a semaphore again that was paused
    Resume {
        /// What it is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Delete a semaphore that nobody holds or waits for
    Delete {
        /// What it is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Even if somebody does: who holds it loses it
        #[arg(long)]
        force: bool,
    },
    /// Take a semaphore away from all that hold it
    #[command(after_help = "Example: throttle semaphore free database --grace 30s")]
    Free {
        /// What it is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// How long holders may keep it to finish, after being told
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        grace: Option<Duration>,
    },
}

/// Make or change a bucket. All else that is done with a semaphore is done so with a bucket: `throttle semaphore pause`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = format!("{AFTER_HELP}\n{BUCKET_EXAMPLES}"), disable_help_subcommand = true)]
pub struct Bucket {
    /// What to do with it.
    #[command(subcommand)]
    pub action: BucketAction,

    /// How it is asked for.
    #[command(flatten)]
    pub acting: Acting,
}

/// What to do with a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum BucketAction {
    /// Make a bucket
    #[command(after_help = "\
It is full, and lives until the server ends, or until it is deleted (`throttle semaphore delete`).

Example: throttle bucket create api --capacity 10 --refill 10 --every 60s",
        group = ArgGroup::new("kind").args(["capacity", "min_interval"]).required(true))]
    Create {
        /// What it is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// How much it holds, and how fast it comes back.
        #[command(flatten)]
        terms: Terms,
    },
    /// Change how much a bucket holds, or how fast it comes back
    #[command(after_help = "\
What was taken already is paid for at the old rate, and what is promised stays promised.

What is not given stays as it is. The file stays as it is, too: a restart or a reload brings back what it says.

Example: throttle bucket change api --every 30s",
        group = ArgGroup::new("change")
            .args(["capacity", "refill", "every", "min_interval", "max_reserved", "slop"])
            .required(true)
            .multiple(true))]
    Change {
        /// What it is called
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// How much it holds, and how fast it comes back.
        #[command(flatten)]
        terms: Terms,
    },
}

/// Show a peer, or take away what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = format!("{AFTER_HELP}\n{PEER_EXAMPLES}"), disable_help_subcommand = true)]
pub struct Peer {
    /// What to do with it.
    #[command(subcommand)]
    pub action: PeerAction,

    /// That of the server means nothing here.
    #[arg(id = "configuration", hide = true)]
    #[arg(short, long, value_name = "FILE")]
    _configuration: Option<PathBuf>,
}

/// What to do with a peer.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PeerAction {
    /// Show what a peer holds, what it waits for, and where it comes from
    Show(ShowPeer),
    /// Take a lock away from a peer, or the whole peer with all that it holds and waits for
    Revoke(Revoke),
}

/// Take a lock away from a peer, or the whole peer.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Example: throttle peer revoke s1795246800000001 --semaphore database --grace 30s"
)]
pub struct Revoke {
    /// The peer, as `throttle status NAME` shows it
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub id: String,

    /// Only its lock on this semaphore
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub semaphore: Option<String>,

    /// How long it may keep it to finish, after being told
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub grace: Option<Duration>,

    /// How it is asked for.
    #[command(flatten)]
    pub acting: Acting,
}

/// Let the server read its configuration file again: all of it is taken, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example: throttle reload --why 'more database connections'")]
pub struct Reload {
    /// How it is asked for.
    #[command(flatten)]
    pub acting: Acting,
}

fn new(text: &str) -> Result<(String, u32), String> {
    match text.rsplit_once('=') {
        Some(("", _)) => Err("a semaphore must have a name".to_owned()),
        Some((name, count)) => Ok((name.to_owned(), max(count)?)),
        None => Err("how much there is of it must follow, such as in database=10".to_owned()),
    }
}

fn max(text: &str) -> Result<u32, String> {
    const MOST: u32 = 1 << 31;
    let max = text.parse().ok().filter(|max| (1..=MOST).contains(max));
    max.ok_or_else(|| format!("expected a number from 1 to {MOST}; `pause` stops all grants"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_max_is_what_stands_behind_the_last_equals_sign() {
        for (text, name, count) in
            [("A=3", "A", 3), ("a=1=2", "a=1", 2), ("/&=2147483648", "/&", 1 << 31)]
        {
            assert_eq!(new(text), Ok((name.to_owned(), count)), "{text}");
        }
        for text in ["", "A", "=1", "A=", "A=0", "A=-1", "A=2147483649", "A=x"] {
            assert!(new(text).is_err(), "{text}");
        }
    }
}
