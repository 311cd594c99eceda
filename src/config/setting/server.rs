//! Settings of the server as a whole.

use super::{DAY, SWITCH, Seconds, Setting, quoted};

/// The dashboard that is part of the program.
const BUILT_IN: &str = "built-in";

pub(super) const SETTINGS: [Setting; 7] = [
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
        key: "web_dir",
        flag: "web-dir",
        value_name: "DIRECTORY",
        help: "Where to read the dashboard's files from while working on them",
        written: |config| {
            let directory = config.web_dir.as_ref().map(|it| it.display().to_string());
            Some(quoted(directory.as_deref().unwrap_or(BUILT_IN)))
        },
        apply: |config, input| {
            let directory = input.line(4_096)?;
            config.web_dir = (directory != BUILT_IN).then(|| directory.into());
            Ok(())
        },
    },
];
