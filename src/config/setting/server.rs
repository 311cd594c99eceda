//! Settings of the server as a whole.

use super::{DAY, SWITCH, Seconds, Setting, or_auto, quoted};
use crate::engine::Span;

/// Longer than this, nobody should be kept awake for nothing.
const MAX_BUSY_POLL: Span = Span::from_micros(10_000);

/// The dashboard that is part of the program.
const BUILT_IN: &str = "built-in";

pub(super) const SETTINGS: [Setting; 12] = [
    Setting {
        key: "address",
        flag: "address",
        value_name: "IP",
        help: "Address to listen on; 0.0.0.0 is every one, and needs tokens or --insecure",
        written: |config| Some(quoted(config.address)),
        apply: |config, input| input.address().map(|it| config.address = it),
    },
    Setting {
        key: "port",
        flag: "port",
        value_name: "PORT",
        help: "TCP port to listen on; 0 is any free one",
        written: |config| Some(config.port.to_string()),
        apply: |config, input| input.integer(0..=65_535).map(|it| config.port = it),
    },
    Setting {
        key: "insecure",
        flag: "insecure",
        value_name: SWITCH,
        help: "Listen on any address without tokens: everybody who reaches the server may do everything",
        written: |config| Some(config.insecure.to_string()),
        apply: |config, input| input.switch().map(|it| config.insecure = it),
    },
    Setting {
        key: "hosts",
        flag: "hosts",
        value_name: "NAMES",
        help: "Names that browsers may call the server by, with commas; * is any",
        written: |config| Some(config.hosts.written()),
        apply: |config, input| input.hosts().map(|it| config.hosts = it),
    },
    Setting {
        key: "expiry_grace",
        flag: "expiry-grace",
        value_name: "DURATION",
        help: "How much longer than it asked for a peer of the REST interface lives",
        written: |config| Some(quoted(Seconds(config.expiry_grace))),
        apply: |config, input| input.duration_or_zero(DAY).map(|it| config.expiry_grace = it),
    },
    Setting {
        key: "recovery_grace",
        flag: "recovery-grace",
        value_name: "DURATION",
        help: "Time after the start in which clients come back before anything new is granted",
        written: |config| Some(quoted(Seconds(config.recovery_grace))),
        apply: |config, input| input.duration_or_zero(DAY).map(|it| config.recovery_grace = it),
    },
    Setting {
        key: "threads",
        flag: "threads",
        value_name: "COUNT",
        help: "Threads that serve; auto is half of the cores, but at least one",
        written: |config| Some(or_auto(config.threads)),
        apply: |config, input| input.integer_or_auto(1..=1_024).map(|it| config.threads = it),
    },
    Setting {
        key: "busy_poll",
        flag: "busy-poll",
        value_name: "DURATION",
        help: "How long a thread waits awake for a request that follows another one closely",
        written: |config| Some(quoted(Seconds(config.busy_poll))),
        apply: |config, input| {
            input.duration_or_zero(MAX_BUSY_POLL).map(|it| config.busy_poll = it)
        },
    },
    Setting {
        key: "web_dir",
        flag: "web-dir",
        value_name: "DIRECTORY",
        help: "Where to read the dashboard's files from while working on them",
        written: |config| {
            let directory = config.web_dir.as_ref().map(|it| it.display().to_string());
            Some(quoted(directory.as_deref().unwrap_or(BUILT_IN)))
        },
        apply: |config, input| {
            let directory = input.path()?;
            config.web_dir = (directory.as_os_str() != BUILT_IN).then_some(directory);
            Ok(())
        },
    },
    Setting {
        key: "tls.certificate",
        flag: "tls-certificate",
        value_name: "FILE",
        help: "The server's certificate in PEM, with those that vouch for it",
        written: |config| config.tls.certificate.as_ref().map(|file| quoted(file.display())),
        apply: |config, input| input.path().map(|it| config.tls.certificate = Some(it)),
    },
    Setting {
        key: "tls.key",
        flag: "tls-key",
        value_name: "FILE",
        help: "The certificate's private key in PEM",
        written: |config| config.tls.key.as_ref().map(|file| quoted(file.display())),
        apply: |config, input| input.path().map(|it| config.tls.key = Some(it)),
    },
    Setting {
        key: "tls.handshake_timeout",
        flag: "tls-handshake-timeout",
        value_name: "DURATION",
        help: "Time for a TLS handshake",
        written: |config| Some(quoted(Span::from(config.tls.handshake_timeout))),
        apply: |config, input| input.duration(DAY).map(|it| config.tls.handshake_timeout = it),
    },
];
