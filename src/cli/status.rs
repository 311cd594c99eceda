//! The command lines with which operators look: `throttle status` and `throttle peer show`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Reach;

const AFTER_HELP: &str = "\
Exit codes
  0    shown
  1    the server refuses, such as for a name that it does not know, or for want of a token
  2    the arguments make no sense
  125  trouble with the server: it is not there, or does not answer in time

With --watch it goes on until Ctrl+C, and goes on trying while the server is away.

Examples
  throttle status
  throttle status database --watch
  throttle status --json | jq '.semaphores[] | select(.waiters > 0).name'";

/// Show the server and its semaphores, or one semaphore with its holders and its queue.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Status {
    /// A semaphore, to see who holds it and who waits for it
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,

    /// Show it again every second: on a terminal in place, elsewhere one after the other
    #[arg(short, long)]
    pub watch: bool,

    /// Show what the server says, as JSON: one document, with --watch one per line
    #[arg(long)]
    pub json: bool,

    /// How the server is reached.
    #[command(flatten)]
    pub reach: Reach,
}

/// Show one peer: what it holds, what it waits for, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example: throttle peer show s1795246800000001")]
pub struct ShowPeer {
    /// The peer, as `throttle status NAME` shows it
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub id: String,

    /// Show what the server says, as JSON
    #[arg(long)]
    pub json: bool,

    /// How the server is reached.
    #[command(flatten)]
    pub reach: Reach,
}
