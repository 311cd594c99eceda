//! Drives a server over REST or WebSockets, and prints throughput and latency.
//!
//! It shares the processors with the server, so it must be cheap itself: requests are built once,
//! one task per connection, nothing is logged. It talks to loopback addresses only.
//!
//!     cargo run --release -- -c examples/load.toml          # one terminal
//!     cargo run --release --example load -- pairs           # another

mod cli;
mod client;
mod compare;
mod connection;
mod drive;
mod herd;
mod neighbour;
mod report;
mod request;
mod scenario;
mod target;
mod ws;

#[cfg(test)]
mod tests;

use std::{error::Error, process::ExitCode};

use clap::Parser;

use crate::{
    cli::{Cli, Options, Scenario},
    scenario::{expire, handoff, list, pairs, peers},
};

/// What can go wrong: the text is all that the user needs.
type Failure = Box<dyn Error + Send + Sync>;
type Fallible<T> = Result<T, Failure>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Fallible<()> {
    let mut builder = match cli.options.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(cli.options.threads).enable_all().build()?;
    runtime.block_on(run(cli.options, cli.scenario))
}

async fn run(options: Options, scenario: Scenario) -> Fallible<()> {
    match scenario {
        Scenario::Pairs { idle_peers } => pairs::run(&options, idle_peers).await,
        Scenario::Handoff => handoff::run(&options).await,
        Scenario::Peers => peers::run(&options).await,
        Scenario::List { peers } => list::run(&options, peers).await,
        Scenario::Expire { peers, lead } => expire::run(&options, peers, lead).await,
        Scenario::Ws { scenario } => ws::run(&options, scenario).await,
        Scenario::Compare { baseline, rounds, contest } => {
            compare::run(&options, &baseline, rounds, contest).await
        }
    }
}
