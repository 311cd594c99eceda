//! The command line. Limits are checked here, so that the scenarios need not.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, builder::RangedU64ValueParser, value_parser};

use crate::{target::Target, ws};

const EXAMPLES: &str = "\
Start a server first, in another terminal:
  cargo run --release -- -c examples/load.toml             the server, on port 8000
  cargo run --release --example baseline -- --port 8001    axum without logic

Every peer that is registered has a time to live, so a run that is interrupted leaves nothing for long.
The exit code is not 0 when anything went wrong.";

/// Drives a throttle server and prints throughput and latency: over REST, with `ws` over WebSockets.
#[derive(Parser)]
#[command(name = "load", after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// What all scenarios share.
#[derive(Args, Clone)]
pub(crate) struct Options {
    /// The server to drive; only loopback addresses are allowed.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8000")]
    pub(crate) url: Target,
    /// Connections that are used at once.
    #[arg(long, global = true, default_value = "32", value_parser = within(1, 10_000))]
    pub(crate) connections: usize,
    /// How long to measure: at least 0.1, at most 600 seconds.
    #[arg(long, global = true, default_value = "5", value_parser = seconds)]
    seconds: Duration,
    /// The semaphore to use: `load` when absent, for `handoff` `mutex`.
    #[arg(long, global = true)]
    semaphore: Option<String>,
    /// Threads of this program: more leave less for the server.
    #[arg(long, global = true, default_value = "1", value_parser = within(1, 64))]
    pub(crate) threads: usize,
}

impl Options {
    /// How long to measure.
    pub(crate) fn duration(&self) -> Duration {
        self.seconds
    }

    /// The semaphore with room for all.
    pub(crate) fn roomy(&self) -> &str {
        self.semaphore.as_deref().unwrap_or("load")
    }

    /// The semaphore with room for one.
    pub(crate) fn mutex(&self) -> &str {
        self.semaphore.as_deref().unwrap_or("mutex")
    }
}

#[derive(Subcommand)]
pub(crate) enum Scenario {
    /// Acquire and release, over and over, without waiting.
    ///
    /// Each connection has a peer of its own; the semaphore needs room for all of them. The latency
    /// is that of a whole pair.
    ///
    /// Example: load pairs --connections 32 --idle-peers 100000
    Pairs {
        /// Further peers that are registered first, and only exist.
        #[arg(long, default_value = "0", value_parser = within(0, 10_000_000))]
        idle_peers: usize,
    },
    /// Hand a mutex from one connection to the next.
    ///
    /// Each connection acquires with `block_for=10s` and releases at once. Counted is a grant to
    /// another connection than the last one; the latency is the wait for the grant. Two holders at
    /// a time are an error.
    ///
    /// Example: load handoff --connections 8 --semaphore mutex
    Handoff,
    /// Register a peer and remove it, over and over.
    ///
    /// Example: load peers --seconds 10
    Peers,
    /// Time `GET /peers/` and `GET /metrics` with many peers, and what others wait meanwhile.
    ///
    /// A second connection acquires and releases on a thread of its own: for the first quarter of
    /// the time undisturbed, then while the lists are read.
    ///
    /// Example: load list --peers 100000
    List {
        /// Peers that are registered first.
        #[arg(long, default_value = "100000", value_parser = within(1, 10_000_000))]
        peers: usize,
    },
    /// Let many peers expire at one instant, and show what others wait meanwhile.
    ///
    /// All are registered to end at the same moment. A second connection acquires and releases on
    /// a thread of its own, from one second before that moment until --seconds after it.
    ///
    /// Example: load expire --peers 100000
    Expire {
        /// Peers that expire.
        #[arg(long, default_value = "100000", value_parser = within(1, 10_000_000))]
        peers: usize,
        /// Seconds from the start to the instant; 5 and one more for each 10,000 peers when absent.
        #[arg(long, value_parser = value_parser!(u64).range(3..=3600))]
        lead: Option<u64>,
    },
    /// The same over WebSockets, with locks as leases of sessions.
    Ws {
        #[command(subcommand)]
        scenario: ws::cli::Scenario,
    },
    /// Measure two servers in turns, because the machine is noisy.
    ///
    /// Each round measures both for --seconds, and the order changes from round to round. Printed are
    /// both throughputs and the ratio of their medians.
    ///
    /// Example: load compare --url http://127.0.0.1:8000 --baseline http://127.0.0.1:8001 --seconds 2 pairs --rounds 5
    Compare {
        /// The server that --url is measured against.
        #[arg(long, global = true, default_value = "http://127.0.0.1:8001")]
        baseline: Target,
        /// How often each of them is measured.
        #[arg(long, global = true, default_value = "5", value_parser = within(1, 100))]
        rounds: usize,
        #[command(subcommand)]
        contest: Contest,
    },
}

/// The scenarios whose result is one throughput.
#[derive(Subcommand)]
pub(crate) enum Contest {
    /// Acquire and release, over and over, without waiting.
    ///
    /// Example: load compare pairs --idle-peers 100000
    Pairs {
        /// Further peers that are registered first, at --url only: so the same server, started
        /// twice, shows what they cost.
        #[arg(long, default_value = "0", value_parser = within(0, 10_000_000))]
        idle_peers: usize,
    },
    /// Hand a mutex from one connection to the next.
    ///
    /// Example: load compare handoff --connections 8
    Handoff,
    /// Register a peer and remove it, over and over.
    ///
    /// Example: load compare peers --rounds 3
    Peers,
    /// Over WebSockets, each round with fresh connections.
    Ws {
        #[command(subcommand)]
        contest: ws::cli::Contest,
    },
}

pub(crate) fn within(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0.1..=600.0) => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) | Err(_) => Err("expected a number from 0.1 to 600".to_owned()),
    }
}
