//! The program: reads what it is told, starts the server, and ends it when it is asked to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use throttle::app::{Server, Signals};
use throttle::config::Config;
use throttle::engine::SemaphoreSettings;

/// So many semaphores are named in the log.
const NAMED_SEMAPHORES: usize = 20;

#[tokio::main]
async fn main() -> ExitCode {
    // SEAM: command line, configuration and telemetry come here.
    let config = Config::default();
    match run(&config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throttle: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    let mut signals = Signals::new()?;
    let server = Server::bind(config)?;
    announce(server.local_addr(), &config.semaphores);
    server
        .run(async {
            let signal = signals.next().await;
            tracing::info!(signal = signal.name, "shutting down; another signal ends it at once");
            tokio::spawn(async move { std::process::exit(signals.next().await.exit_code()) });
        })
        .await;
    tracing::info!("done");
    Ok(())
}

fn announce(address: SocketAddr, semaphores: &[SemaphoreSettings]) {
    tracing::info!("throttle {} listens on http://{address}", env!("CARGO_PKG_VERSION"));
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
        "try it: curl http://{near}/new_peer -H 'Content-Type: application/json' -d '{{\"expires_in\":\"5m\"}}'"
    );
}

/// A name may hold anything but control characters; quotes show where it ends.
fn describe(semaphore: &SemaphoreSettings) -> String {
    let SemaphoreSettings { name, max, .. } = semaphore;
    let plain = name.as_str().chars().all(|c| c.is_ascii_alphanumeric() || "_-./:".contains(c));
    if plain { format!("{name}={max}") } else { format!("{:?}={max}", name.as_str()) }
}

/// Where a server can be reached from its own machine that listens on all addresses.
const fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(all) if all.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(all) if all.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}
