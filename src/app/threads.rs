//! What the server runs on: its threads.

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

use crate::config::Config;

/// A runtime with as many threads as configured.
///
/// # Errors
/// The system has no threads or files left.
pub fn tokio_runtime(config: &Config) -> io::Result<Runtime> {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let threads = config.threads.unwrap_or(share_of(cores));
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_all().build()
}

/// Half of the cores: the other half is for the system, which does most of the work of each message, and for others.
const fn share_of(cores: usize) -> usize {
    if cores < 2 { 1 } else { cores / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_cores_serve_but_at_least_one() {
        assert_eq!([1, 2, 3, 4, 64].map(share_of), [1, 1, 1, 2, 32]);
    }

    #[test]
    fn there_are_as_many_threads_as_configured() {
        for threads in [1, 3] {
            let config = Config { threads: Some(threads), ..Config::default() };
            assert_eq!(tokio_runtime(&config).unwrap().metrics().num_workers(), threads);
        }
    }
}
