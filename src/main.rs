//! The program: reads what it is told, starts the server, and ends it when it is asked to.

use std::error::Error;
use std::fmt::Display;
use std::io::{Write, stderr, stdout};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use throttle::app::{Server, Signals, notify, obstacles, tokio_runtime};
use throttle::cli::{Cli, Command, Health, Lock, NewToken};
use throttle::config::{Config, Problems};
use throttle::engine::SemaphoreSettings;
use throttle::lock;
use throttle::operator;
use throttle::telemetry;

/// So many semaphores are named in the log.
const NAMED_SEMAPHORES: usize = 20;

/// How long the last events have to leave for Graylog: their sender cannot say when it is done.
const LAST_WORDS: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let of_lock = std::env::args_os().nth(1).is_some_and(|word| word == "lock");
            return misunderstood(&Cli::explained(error), of_lock);
        }
    };
    if let Some(error) = cli.misplaced() {
        return misunderstood(&error, matches!(cli.command, Some(Command::Lock(_))));
    }
    let outcome = match &cli.command {
        Some(Command::Check(_)) => check(&cli),
        Some(Command::Health(arguments)) => health(arguments),
        Some(Command::Lock(arguments)) => Ok(lock::run(arguments)),
        Some(Command::Status(arguments)) => Ok(operator::status(arguments)),
        Some(Command::Bucket(arguments)) => Ok(operator::bucket(arguments)),
        Some(Command::Semaphore(arguments)) => Ok(operator::semaphore(arguments)),
        Some(Command::Peer(arguments)) => Ok(operator::peer(arguments)),
        Some(Command::Reload(arguments)) => Ok(operator::reload(arguments)),
        Some(Command::Token(arguments)) => new_token(arguments),
        None => serve(&cli),
    };
    outcome.unwrap_or_else(|error| {
        complain(&format_args!("throttle: {error}"));
        ExitCode::FAILURE
    })
}

/// The arguments make no sense, or ask for help.
fn misunderstood(error: &clap::Error, of_lock: bool) -> ExitCode {
    // Without the stream there is nobody to tell.
    let _ = error.print();
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if of_lock => ExitCode::from(Lock::EXIT_CODE),
        code => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
    }
}

fn check(cli: &Cli) -> Result<ExitCode, Box<dyn Error>> {
    match cli.check(obstacles) {
        Ok(summary) => writeln!(stdout(), "{summary}")?,
        Err(problems) => return Ok(misconfigured(&problems)),
    }
    Ok(ExitCode::SUCCESS)
}

fn health(arguments: &Health) -> Result<ExitCode, Box<dyn Error>> {
    writeln!(stdout(), "{}", operator::health::ask(arguments)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The token is for somebody else than the rest.
fn new_token(arguments: &NewToken) -> Result<ExitCode, Box<dyn Error>> {
    let (token, settings) = arguments.make()?;
    writeln!(stdout(), "{}", token.secret())?;
    writeln!(stderr(), "{settings}")?;
    Ok(ExitCode::SUCCESS)
}

fn serve(cli: &Cli) -> Result<ExitCode, Box<dyn Error>> {
    let loaded = match cli.load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(misconfigured(&problems)),
    };
    let runtime = tokio_runtime(&loaded.config)?;
    let outcome = runtime.block_on(async {
        let _last_lines = telemetry::init(&loaded.config.logging)?;
        for note in &loaded.notes {
            tracing::info!("{note}");
        }
        let outcome = run(cli, &loaded.config).await;
        if loaded.config.logging.gelf.is_some() {
            tokio::time::sleep(LAST_WORDS).await;
        }
        outcome
    });
    // Something may be at work that nobody can stop, such as a look-up of Graylog's name: it is not waited for.
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

fn misconfigured(problems: &Problems) -> ExitCode {
    complain(problems);
    ExitCode::from(Problems::EXIT_CODE)
}

/// Without a standard error stream there is nobody to complain to.
fn complain(about: &dyn Display) {
    let _ = writeln!(stderr(), "{about}");
}

async fn run(cli: &Cli, config: &Config) -> Result<(), Box<dyn Error>> {
    let mut signals = Signals::new()?;
    let again = cli.clone();
    let source = move || again.config().map_err(|problems| problems.to_string());
    let server = Server::bind_reloadable(config, Some(Arc::new(source)))?;
    announce(server.local_addr(), config);
    notify::ready(&format!("listens on {}://{}", scheme(config), server.local_addr()));
    let asked_to_end = async {
        let signal = signals.next().await;
        tracing::info!("{} received, shutting down; another one ends it at once", signal.name);
        notify::stopping(&format!("shutting down after {}", signal.name));
        tokio::spawn(async move { std::process::exit(signals.next().await.exit_code()) });
    };
    server.run(asked_to_end).await;
    tracing::info!("the server has ended");
    Ok(())
}

fn scheme(config: &Config) -> &'static str {
    if config.tls.files().is_some() { "https" } else { "http" }
}

fn announce(address: SocketAddr, config: &Config) {
    let semaphores = &config.semaphores;
    let scheme = scheme(config);
    tracing::info!("served by {}", config.serving_threads());
    tracing::info!("throttle {} listens on {scheme}://{address}", env!("CARGO_PKG_VERSION"));
    if config.is_exposed() {
        tracing::warn!("there are no tokens: everybody who reaches {address} may do everything");
    }
    if semaphores.is_empty() {
        tracing::warn!("there are no semaphores: name some in the configuration");
    } else {
        let mut named: Vec<_> = semaphores.iter().take(NAMED_SEMAPHORES).map(describe).collect();
        if semaphores.len() > NAMED_SEMAPHORES {
            named.push(format!("and {} more", semaphores.len() - NAMED_SEMAPHORES));
        }
        tracing::info!("semaphores: {}", named.join(", "));
    }
    let near = SocketAddr::new(reachable(address.ip()), address.port());
    tracing::info!(
        "try it: curl {scheme}://{near}/new_peer -H 'Content-Type: application/json' -d '{{\"expires_in\":\"5m\"}}'"
    );
}

/// A name may hold anything but control characters; quotes show where it ends.
fn describe(semaphore: &SemaphoreSettings) -> String {
    let SemaphoreSettings { name, max, level, rate, .. } = semaphore;
    let plain = name.as_str().chars().all(|c| c.is_ascii_alphanumeric() || "_-./:".contains(c));
    let name = if plain { name.to_string() } else { format!("{name:?}") };
    match (level.0, rate) {
        (_, Some(rate)) => format!("{name}={max} ({} every {})", rate.refill(), rate.every()),
        (0, None) => format!("{name}={max}"),
        (level, None) => format!("{name}={max} (level {level})"),
    }
}

/// Where a server can be reached from its own machine that listens on all addresses.
const fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(all) if all.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(all) if all.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}
