//! What the server runs on: its threads.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::config::Config;

/// A runtime with as many threads as configured.
///
/// # Errors
/// The system has no threads or files left.
pub fn tokio_runtime(config: &Config) -> io::Result<Runtime> {
    let threads = config.serving_threads().count;
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_threads_as_configured() {
        for threads in [1, 3] {
            let config = Config { threads: Some(threads), ..Config::default() };
            assert_eq!(tokio_runtime(&config).unwrap().metrics().num_workers(), threads);
        }
    }
}
