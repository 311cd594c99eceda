//! Settings of the sections `[sessions]`, `[limits]` and `[dynamic]`.

use super::{DAY, Setting, or_auto, quoted};
use crate::engine::{MAX_EVERY, Span};

/// Longest time to live that can be allowed. It keeps sums of times far from the end of time.
const MAX_MAX_EXPIRES_IN: Span = Span::from_secs(36_500 * 86_400);

pub(super) const SETTINGS: [Setting; 14] = [
    Setting {
        key: "sessions.heartbeat",
        flag: "heartbeat",
        value_name: "DURATION",
        help: "How often WebSocket sessions are pinged; silence of twice as long ends them",
        written: |config| Some(quoted(Span::from(config.sessions.heartbeat))),
        apply: |config, input| input.duration(DAY).map(|it| config.sessions.heartbeat = it),
    },
    Setting {
        key: "sessions.hello_timeout",
        flag: "hello-timeout",
        value_name: "DURATION",
        help: "Time for the first message of a WebSocket session to arrive",
        written: |config| Some(quoted(Span::from(config.sessions.hello_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.sessions.hello_timeout = it),
    },
    Setting {
        key: "sessions.max_sessions",
        flag: "max-sessions",
        value_name: "COUNT",
        help: "Most WebSocket sessions at once; auto is 15 of 16 connections",
        written: |config| Some(or_auto(config.sessions.max_sessions)),
        apply: |config, input| {
            input.integer_or_auto(1..=10_000_000).map(|it| config.sessions.max_sessions = it)
        },
    },
    Setting {
        key: "sessions.max_peers_per_connection",
        flag: "max-peers-per-connection",
        value_name: "COUNT",
        help: "Most peers of one WebSocket session",
        written: |config| Some(config.sessions.max_peers_per_connection.to_string()),
        apply: |config, input| {
            let count = input.integer(1..=1_000_000);
            count.map(|it| config.sessions.max_peers_per_connection = it)
        },
    },
    Setting {
        key: "limits.max_expires_in",
        flag: "max-expires-in",
        value_name: "DURATION",
        help: "Longest time to live of a peer",
        written: |config| Some(quoted(config.limits.max_expires_in)),
        apply: |config, input| {
            let duration = input.duration(MAX_MAX_EXPIRES_IN);
            duration.map(|it| config.limits.max_expires_in = it.into())
        },
    },
    Setting {
        key: "limits.max_peers",
        flag: "max-peers",
        value_name: "COUNT",
        help: "Most peers at once",
        written: |config| Some(config.limits.max_peers.to_string()),
        apply: |config, input| {
            input.integer(1..=100_000_000).map(|it| config.limits.max_peers = it)
        },
    },
    Setting {
        key: "limits.max_keyed",
        flag: "max-keyed",
        value_name: "COUNT",
        help: "Most names at once that patterns or clients bring, and nobody has listed",
        written: |config| Some(config.limits.max_keyed.to_string()),
        apply: |config, input| {
            input.integer(1..=100_000_000).map(|it| config.limits.max_keyed = it)
        },
    },
    Setting {
        key: "limits.idle_ttl",
        flag: "idle-ttl",
        value_name: "DURATION",
        help: "How long such a name is remembered when nobody uses it",
        written: |config| Some(quoted(Span::from(config.limits.idle_ttl))),
        apply: |config, input| input.duration(MAX_EVERY).map(|it| config.limits.idle_ttl = it),
    },
    Setting {
        key: "dynamic.allow",
        flag: "dynamic-allow",
        value_name: "BOOL",
        help: "Let clients declare semaphores and buckets that nobody has listed",
        written: |config| Some(config.dynamic.to_string()),
        apply: |config, input| input.switch().map(|it| config.dynamic = it),
    },
    Setting {
        key: "limits.max_connections",
        flag: "max-connections",
        value_name: "COUNT",
        help: "Most connections at once; auto is a safe share of the open files allowed",
        written: |config| Some(or_auto(config.limits.max_connections)),
        apply: |config, input| {
            input.integer_or_auto(1..=10_000_000).map(|it| config.limits.max_connections = it)
        },
    },
    Setting {
        key: "limits.max_body_bytes",
        flag: "max-body-bytes",
        value_name: "BYTES",
        help: "Longest body of a request",
        written: |config| Some(config.limits.max_body_bytes.to_string()),
        apply: |config, input| {
            input.integer(1_024..=16_777_216).map(|it| config.limits.max_body_bytes = it)
        },
    },
    Setting {
        key: "limits.header_read_timeout",
        flag: "header-read-timeout",
        value_name: "DURATION",
        help: "Time for a request's header to arrive",
        written: |config| Some(quoted(Span::from(config.limits.header_read_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.limits.header_read_timeout = it),
    },
    Setting {
        key: "limits.body_read_timeout",
        flag: "body-read-timeout",
        value_name: "DURATION",
        help: "Time for a request's body to arrive",
        written: |config| Some(quoted(Span::from(config.limits.body_read_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.limits.body_read_timeout = it),
    },
    Setting {
        key: "limits.drain_timeout",
        flag: "drain-timeout",
        value_name: "DURATION",
        help: "Time for open requests to finish at shutdown",
        written: |config| Some(quoted(Span::from(config.limits.drain_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.limits.drain_timeout = it),
    },
];
