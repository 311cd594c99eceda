//! `throttle lock`: runs a command while holding locks. When the lease on them can be kept no longer, the command is
//! over before the server can give the locks to others.
//!
//! First it waits for the locks (`waiting`), in async code, where a signal ends the wait. Then the main thread looks
//! after the command by itself (`watch`): it sleeps no longer than the lease lasts and asks the clock, so that no
//! runtime, server or network can keep it from ending the command in time. What systems do differently is in `system`.

mod environment;
mod failure;
mod label;
mod notice;
mod outage;
mod system;
mod waiting;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use self::environment::Environment;
use self::failure::Failure;
use self::system::{Group, Signals};
use self::waiting::Held;
use crate::cli::Lock;
use crate::client::{Client, Lease};

/// How long the server may take to hear that the lock is free again.
const FAREWELL: Duration = Duration::from_secs(2);

/// Runs the command, and returns what the process should exit with. What goes wrong is told in one line on the standard
/// error stream.
pub fn run(arguments: &Lock) -> ExitCode {
    let code = attempt(arguments).unwrap_or_else(|failure| {
        if let Some(message) = failure.message() {
            notice::tell(message);
        }
        failure.exit_code()
    });
    ExitCode::from(code)
}

fn attempt(arguments: &Lock) -> Result<u8, Failure> {
    // The main thread is not part of it while the command runs.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("start", &error))?;
    let ended = runtime.block_on(waiting::acquire(arguments)).and_then(|held| {
        let Held { client, lease, signals } = held;
        let code = with_lease(&runtime, arguments, lease, signals);
        runtime.block_on(client.close());
        code
    });
    // Something may be at work that nobody can stop, such as a look-up of the server's name: it is not waited for.
    runtime.shutdown_background();
    ended
}

/// Runs the command, and gives the lease back.
fn with_lease(
    runtime: &Runtime,
    arguments: &Lock,
    lease: Lease,
    signals: Signals,
) -> Result<u8, Failure> {
    let (events, inbox) = mpsc::channel();
    let lease = Arc::new(lease);
    // Before the command is there: it must not be stopped or ended without this process knowing.
    let signals = {
        let _inside = runtime.enter();
        tokio::spawn(signals.pass_on(events.clone()))
    };
    let group = Group::start(
        &arguments.command,
        &Environment::new(&arguments.semaphores, &lease),
        &events,
    )?;
    let lost = {
        let lease = Arc::clone(&lease);
        runtime.spawn(async move {
            lease.lost().await;
            // Nobody need know any more when the command has ended.
            let _ = events.send(watch::Event::Lost);
        })
    };
    let notices = runtime.spawn(notice::pass_on(Arc::clone(&lease), waiting::names(arguments)));
    let ended = watch::until_it_ends(&lease, arguments, group, &inbox);
    signals.abort();
    lost.abort();
    notices.abort();
    runtime.block_on(async {
        let _ = tokio::join!(lost, notices);
        if let Some(lease) = Arc::into_inner(lease) {
            // If the server does not hear of it, it finds out by itself when the lease is over.
            let _ = tokio::time::timeout(FAREWELL, lease.release()).await;
        }
    });
    ended
}

/// Ends a client without letting it keep this process.
async fn end(client: Client) {
    let _ = tokio::time::timeout(FAREWELL, client.close()).await;
}
