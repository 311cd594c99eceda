//! The command line of what goes over WebSockets.

use clap::{Subcommand, value_parser};

use crate::{Fallible, cli::within};

/// Most peers that a server lets one connection have, by default.
const PEERS_PER_CONNECTION: u64 = 1024;

/// Files that this program has open besides its connections.
#[cfg(unix)]
const OTHER_FILES: u64 = 32;

#[derive(Subcommand)]
pub(crate) enum Scenario {
    /// Acquire and release, over and over, without waiting.
    ///
    /// Each connection is a session with --in-flight peers. Whenever some of them are granted their lock, one frame
    /// goes out with the release and the next acquire of each: one pair is one round trip. Releases have no `id`, so
    /// they are not answered. The latency is that from one such frame to the next grant.
    ///
    /// A server that is `examples/baseline` is sent the same number of messages that are as long as grants are.
    ///
    /// Example: load ws pairs --in-flight 16
    Pairs {
        /// Pairs that are in flight on each connection, each by a peer of its own.
        #[arg(long, default_value = "1", value_parser = within(1, PEERS_PER_CONNECTION))]
        in_flight: usize,
    },
    /// Hand a mutex from one peer to the next.
    ///
    /// The peers are spread over the connections. Each grant is answered with one frame, the release and the next
    /// acquire, so that the peer is at the end of the line again. What comes of it is the next one's grant, and the
    /// place in the line, which throttle tells with the connection's next grant. The latency is that from a release
    /// to the next grant, as this program sees it. Two holders at a time are an error; that is checked before anything
    /// is measured.
    ///
    /// Example: load ws handoff --waiting 10000
    Handoff {
        /// Peers that want the mutex.
        #[arg(long, default_value = "32", value_parser = within(2, 1_000_000))]
        waiting: usize,
    },
    /// Open dashboards while a lot changes.
    ///
    /// So many semaphores are made, and so many peers take locks of them and give them back, --changes in a second in
    /// all. For --seconds nobody watches, then for as long all dashboards do. Shows what the server takes of a
    /// processor in both times, and what a neighbour waits that acquires and releases over REST. The server must
    /// allow operators' actions; what was made stays until it ends.
    ///
    /// Example: load ws watch --watchers 50
    Watch {
        /// Dashboards.
        #[arg(long, default_value = "50", value_parser = within(1, 10_000))]
        watchers: usize,
        /// Semaphores that change.
        #[arg(long, default_value = "1000", value_parser = within(1, 9_000))]
        semaphores: usize,
        /// Peers that take them and give them back.
        #[arg(long, default_value = "10000", value_parser = within(1, 1_000_000))]
        peers: usize,
        /// Changes in a second.
        #[arg(long, default_value = "5000", value_parser = within(1, 1_000_000))]
        changes: usize,
        /// How often a dashboard wants to be told, in milliseconds.
        #[arg(long, default_value = "500", value_parser = within(100, 60_000))]
        every_ms: usize,
    },
    /// Open many sessions that do nothing, each with a peer.
    ///
    /// Shows at what rate they are opened, with --connections being opened at a time, and how much resident memory
    /// the server takes for each: right after the last one was opened, and after --seconds of doing nothing.
    /// Both this program and the server need a file for each session.
    ///
    /// Example: load ws idle --sessions 18000
    Idle {
        /// How many.
        #[arg(long, default_value = "1000", value_parser = within(1, 1_000_000))]
        sessions: usize,
        /// The server's process, to read its memory from /proc; without it, /metrics is asked.
        #[arg(long, value_parser = value_parser!(u32).range(1..))]
        pid: Option<u32>,
    },
}

/// What can be compared.
#[derive(Subcommand)]
pub(crate) enum Contest {
    /// Pairs at --url, and echoes at --baseline.
    ///
    /// One pair is one frame to the server, with a release and an acquire, and one frame back, with the grant. One
    /// echo is one frame there and back, with the same grant. So round trips, frames and what comes back are the
    /// same; what goes out is 19 bytes longer for the echo. With --in-flight, each frame has the messages of all
    /// peers that were granted something by the frames that were there before.
    ///
    /// When --baseline is a throttle server as well, both are sent pairs.
    ///
    /// Example: load compare --seconds 2 ws pairs --in-flight 16
    Pairs {
        /// Pairs that are in flight on each connection.
        #[arg(long, default_value = "1", value_parser = within(1, PEERS_PER_CONNECTION))]
        in_flight: usize,
    },
    /// Hand-offs at --url among so many peers, and one echo after another at --baseline.
    ///
    /// The echo has one connection and one frame on its way, which is as long as a grant.
    ///
    /// Example: load compare --seconds 2 ws handoff --waiting 32,256,10000
    Handoff {
        /// Peers that want the mutex, one or several numbers.
        #[arg(
            long,
            value_delimiter = ',',
            default_value = "32,256,10000",
            value_parser = within(2, 1_000_000)
        )]
        waiting: Vec<usize>,
    },
}

/// Makes sure that so many connections can be open at once.
#[cfg(unix)]
pub(crate) fn limited_files(connections: usize) -> Fallible<()> {
    let needed = connections as u64 + OTHER_FILES;
    Ok(enough(connections, needed, rlimit::increase_nofile_limit(needed)?)?)
}

/// Where sockets are no files.
#[cfg(not(unix))]
pub(crate) fn limited_files(_: usize) -> Fallible<()> {
    Ok(())
}

#[cfg(unix)]
fn enough(connections: usize, needed: u64, limit: u64) -> Result<(), String> {
    if limit >= needed {
        return Ok(());
    }
    Err(format!(
        "{connections} connections need a file limit of {needed}, and it is {limit}: run `ulimit -n {needed}` first, \
         here and where the server is started"
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_which_file_limit_is_needed() {
        assert_eq!(enough(10, 42, 42), Ok(()));
        let error = enough(10, 42, 41).unwrap_err();
        assert!(error.contains("it is 41: run `ulimit -n 42` first"), "{error}");
    }
}
