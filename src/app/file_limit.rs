//! How many connections the process can have: each needs a file, and so does the process itself.

use tokio::sync::Semaphore;

use super::accept::FAREWELLS;

/// Files for all but connections: listener, log, timers, and those who are being turned away.
const RESERVE: usize = 64 + FAREWELLS;

/// Where the system does not tell.
const UNKNOWN_FILES: usize = 16_384;

/// The number of connections at once: as configured, if the system lets that many be open.
pub(super) fn connections(configured: Option<usize>) -> usize {
    let possible = possible(files());
    let Some(configured) = configured else { return possible };
    if configured > possible {
        tracing::warn!(
            configured,
            possible,
            "the limit for open files allows fewer connections than configured"
        );
    }
    configured.min(possible)
}

fn possible(files: usize) -> usize {
    // What is left is counted by a semaphore, and taken as a whole at the end.
    const MOST: usize = if Semaphore::MAX_PERMITS < u32::MAX as usize {
        Semaphore::MAX_PERMITS
    } else {
        u32::MAX as usize
    };
    files.saturating_sub(RESERVE).clamp(1, MOST)
}

/// Raises the limit as far as it goes, and says where it is then.
#[cfg(unix)]
fn files() -> usize {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            tracing::warn!(%error, "cannot tell the limit for open files");
            UNKNOWN_FILES
        }
    }
}

/// Sockets are no files here, and there is no limit worth naming.
#[cfg(not(unix))]
const fn files() -> usize {
    UNKNOWN_FILES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_place_and_never_more_than_can_be_counted() {
        assert_eq!(possible(0), 1);
        assert_eq!(possible(RESERVE + 10), 10);
        assert!(possible(usize::MAX) <= Semaphore::MAX_PERMITS);
        assert_eq!(connections(Some(1)), 1);
    }
}
