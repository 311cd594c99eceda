//! Which source wins, and that the bounds are the same for all of them. Also the command line as such.

use std::path::Path;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use throttle::cli::{Check, Cli, Command};
use throttle::config::{Config, Level, LogFormat, SETTINGS};

use crate::Start;

/// Three values for each setting, as flags and variables have them.
const VALUES: [(&str, [&str; 3]); 32] = [
    ("address", ["127.0.0.2", "127.0.0.3", "::1"]),
    ("port", ["0", "1", "65535"]),
    ("insecure", ["true", "0", "true"]),
    ("hosts", ["a", "b, c", "*"]),
    ("expiry_grace", ["10s", "2m", "1day"]),
    ("recovery_grace", ["1us", "2s", "1day"]),
    ("threads", ["1", "2", "1024"]),
    ("busy_poll", ["0s", "2us", "10ms"]),
    ("web_dir", ["a", "b", "built-in/"]),
    ("tls.certificate", ["a", "b", "c"]),
    ("tls.key", ["a", "b", "c"]),
    ("tls.handshake_timeout", ["1us", "2s", "1day"]),
    ("sessions.heartbeat", ["1us", "2s", "1day"]),
    ("sessions.hello_timeout", ["1us", "2s", "1day"]),
    ("sessions.max_sessions", ["1", "2", "10000000"]),
    ("sessions.max_peers_per_connection", ["1", "2", "1000000"]),
    ("limits.max_expires_in", ["1us", "2h", "36500d"]),
    ("limits.max_peers", ["1", "2", "100000000"]),
    ("limits.max_keyed", ["1", "2", "100000000"]),
    ("limits.idle_ttl", ["1us", "2h", "365d"]),
    ("dynamic.allow", ["true", "0", "true"]),
    ("limits.max_connections", ["1", "2", "10000000"]),
    ("limits.max_body_bytes", ["1024", "2000", "16777216"]),
    ("limits.header_read_timeout", ["1us", "2s", "1day"]),
    ("limits.body_read_timeout", ["1us", "2s", "1day"]),
    ("limits.drain_timeout", ["1us", "2s", "1day"]),
    ("logging.stderr.level", ["off", "WARN", "trace"]),
    ("logging.stderr.format", ["json", "text", "json"]),
    ("logging.gelf.name", ["a", "b", "c"]),
    ("logging.gelf.host", ["a", "b", "c"]),
    ("logging.gelf.port", ["1", "2", "65535"]),
    ("logging.gelf.level", ["off", "WARN", "trace"]),
];

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    assert_eq!(VALUES.map(|(key, _)| key), SETTINGS.each_ref().map(|setting| setting.key));
    for ((key, [in_file, in_variable, in_flag]), setting) in VALUES.into_iter().zip(&SETTINGS) {
        let is_text = in_file.parse::<u32>().is_err() && in_file.parse::<bool>().is_err();
        let in_file = match is_text {
            false => format!("{key} = {in_file}"),
            true => format!("{key} = \"{in_file}\""),
        };
        // What others need to be of use.
        let others: String = ["logging.gelf.host", "tls.certificate", "tls.key"]
            .into_iter()
            .filter(|other| *other != key)
            .map(|other| format!("{other} = \"x\"\n"))
            .collect();
        let file = |text: &str| Start::with_file(format!("{others}{text}"));
        let written = |start: &Start| (setting.written)(&start.config());
        let alone = |value| written(&file("").flag(&format!("--{}", setting.flag), value));

        let variable = setting.variable();
        let from_file = file(&in_file);
        assert_ne!(written(&from_file), (setting.written)(&Config::default()), "{key}");
        let from_variable = file(&in_file).variable(&variable, in_variable);
        assert_eq!(written(&from_variable), alone(in_variable), "{key}");
        assert_ne!(written(&from_variable), written(&from_file), "{key}");
        let from_flag = from_variable.flag(&format!("--{}", setting.flag), in_flag);
        assert_eq!(written(&from_flag), alone(in_flag), "{key}");
    }
}

#[test]
fn each_problem_names_its_flag_or_variable() {
    let start = Start::with_file("port = -1")
        .variable("THROTTLE_THREADS", "eighty")
        .variable("THROTTLE_LOG", "inof")
        .flag("--port", "65536")
        .flag("--max-peers", "-1")
        .flag("--drain-timeout", "0s");
    let expected = r#"throttle.toml:1:8: port: expected a whole number from 0 to 65535, found -1
THROTTLE_LOG: expected one of OFF, ERROR, WARN, INFO, DEBUG, TRACE, found "inof" (directives such as "info,throttle=debug" are possible too)
THROTTLE_THREADS: expected "auto" or a whole number from 1 to 1024, found "eighty"
--drain-timeout: expected a duration such as "250ms", "5min" or "1day", more than 0 and at most 1d, found "0s"
--max-peers: expected a whole number from 1 to 100000000, found "-1"
--port: expected a whole number from 0 to 65535, found "65536""#;
    assert_eq!(start.problems(), expected);
}

#[test]
fn a_variable_is_not_read_where_a_flag_is_given() {
    let start = Start::bare().variable("THROTTLE_PORT", "eighty").variable("THROTTLE_LOG", "inof");
    assert_eq!(start.problems().lines().count(), 2);
    let start = start.flag("--port", "7").flag("--log", "debug");
    assert_eq!((start.config().port, start.config().logging.stderr.level), (7, Level::Debug));
    // Behind `check` it is the same.
    let mut start = Start::bare().variable("THROTTLE_PORT", "eighty");
    start.arguments.push("check".into());
    assert_eq!(start.flag("--port", "7").config().port, 7);
}

#[test]
fn flags_of_the_server_are_for_the_server_alone() {
    for (command, arguments) in [
        ("health", vec!["health"]),
        ("lock", vec!["lock", "A", "--", "true"]),
        ("status", vec!["status"]),
        ("semaphore", vec!["semaphore", "pause", "A"]),
        ("bucket", vec!["bucket", "change", "A", "--refill", "1"]),
        ("peer", vec!["peer", "show", "s1"]),
        ("peer", vec!["peer", "revoke", "s1"]),
        ("reload", vec!["reload"]),
        ("token", vec!["token", "A"]),
    ] {
        let cli = |flags: &[&str], behind: &[&str]| {
            let words = [&["throttle"], flags, &arguments[..1], behind, &arguments[1..]].concat();
            Cli::try_parse_from(words).unwrap()
        };
        assert!(cli(&[], &[]).misplaced().is_none(), "{command}");
        for (flags, behind, said) in [
            (vec!["--port", "3"], vec![], "--port is"),
            (vec!["--insecure", "--port", "3"], vec![], "--port, --insecure are"),
            (vec!["-c", "x"], vec![], "--configuration is"),
            (vec![], vec!["-c", "x"], "--configuration is"),
        ] {
            let error = cli(&flags, &behind).misplaced().unwrap();
            let expected = format!("{said} for the server: `throttle {command}` starts none");
            assert!(error.to_string().contains(&expected), "{error}");
            let hint = match command {
                "token" => "starts none\n",
                "health" => "starts none, and asks the one at --url URL\n",
                _ => "starts none, and asks the one at --server URL\n",
            };
            assert!(error.to_string().contains(hint), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
    for arguments in [vec!["--port", "3"], vec!["--port", "3", "check"]] {
        let cli = Cli::try_parse_from([vec!["throttle"], arguments].concat()).unwrap();
        assert!(cli.misplaced().is_none());
    }
}

#[test]
fn the_log_takes_a_level_or_directives() {
    let stderr = |start: Start| start.config().logging.stderr;
    let log = stderr(Start::bare().variable("THROTTLE_LOG", "info,throttle=debug"));
    assert_eq!((log.level, log.directives.as_deref()), (Level::Info, Some("info,throttle=debug")));
    let start = Start::bare().variable("THROTTLE_LOG", "throttle=debug").flag("--log", "Debug");
    let log = stderr(start.flag("--log-format", "JSON"));
    assert_eq!((log.level, log.directives), (Level::Debug, None));
    assert_eq!(log.format, LogFormat::Json);
}

#[test]
fn an_empty_variable_is_not_set() {
    let start = Start::bare().variable("THROTTLE_PORT", "").variable("THROTTLE_CONFIGURATION", "");
    assert_eq!(start.config(), Config::default());
}

#[test]
fn the_address_of_a_service_is_not_the_port() {
    let start = Start::bare().variable("THROTTLE_PORT", "tcp://10.0.0.1:80");
    let loaded = start.load().unwrap();
    assert_eq!(loaded.config, Config::default());
    let note = loaded.notes[0].to_string();
    assert!(note.starts_with("THROTTLE_PORT: ignored: \"tcp://10.0.0.1:80\""), "{note}");
}

#[cfg(unix)]
#[test]
fn a_variable_must_be_text() {
    use std::os::unix::ffi::OsStringExt;
    let value = std::ffi::OsString::from_vec(vec![0xff]);
    let start = Start::bare().variable("THROTTLE_ADDRESS", value);
    assert_eq!(start.problems(), "THROTTLE_ADDRESS: the value must be text in UTF-8");
}

#[test]
fn the_file_can_be_named_before_and_after_the_subcommand_and_by_a_variable() {
    let file = Start::with_file("port = 7\n[semaphores]\nA = 1\nB = { max = 2, level = 3 }\n");
    let path = file.file().display().to_string();
    let expected = format!(
        "throttle.toml is valid: 2 semaphores\n  A = 1\n  B = 2, level 3\nto be served on 127.0.0.1:7, by {}",
        Config::default().serving_threads()
    );
    for arguments in
        [["check", "-c", &path], ["-c", &path, "check"], ["--configuration", &path, "check"]]
    {
        let cli = Cli::try_parse_from(["throttle"].into_iter().chain(arguments)).unwrap();
        assert_eq!(cli.command, Some(Command::Check(Check::default())));
        assert_eq!(
            file.local(&cli.check_in(Path::new(""), |_| None, throttle::app::obstacles).unwrap()),
            expected
        );
    }
    let by_variable = Start::bare().variable("THROTTLE_CONFIGURATION", &path);
    assert_eq!(file.local(&by_variable.check().unwrap()), expected);
    assert_eq!(by_variable.cli().command, None);
}

#[test]
fn the_flags_to_be_checked_may_stand_before_and_after_the_subcommand() {
    let start = |before: &[(&str, &str)], after: &[(&str, &str)]| {
        let flags = |start: Start, flags: &[(&str, &str)]| {
            flags.iter().fold(start, |start, (flag, value)| start.flag(flag, value))
        };
        let mut start = flags(Start::bare(), before);
        start.arguments.push("check".into());
        flags(start, after)
    };
    let zero = "--threads: expected \"auto\" or a whole number from 1 to 1024, found \"0\"";
    for bad in [start(&[("--threads", "0")], &[]), start(&[], &[("--threads", "0")])] {
        assert_eq!(bad.problems(), zero);
    }
    // Each is checked; of two, the later one counts.
    let both = start(&[("--port", "1")], &[("--port", "2"), ("--insecure", "true")]);
    assert_eq!((both.config().port, both.config().insecure), (2, true));
    assert_eq!(start(&[("--threads", "0")], &[("--threads", "1")]).problems(), zero);
    let help = Cli::try_parse_from(["throttle", "check", "--help"]).unwrap_err().to_string();
    assert!(!help.contains("--port") && help.contains("`throttle --help`"), "{help}");
    assert!(Cli::try_parse_from(["throttle", "check", "--thraeds", "1"]).is_err());
}

#[test]
fn a_check_tells_of_what_has_no_effect() {
    let start = Start::with_file("litter_collection_interval = \"5min\"\nthreads = 1");
    let check = start.local(&start.check().unwrap());
    let expected = "throttle.toml is valid: no semaphores, so nothing can be acquired\nto be served on 127.0.0.1:8000, by 1 thread\nnote: throttle.toml:1:1: litter_collection_interval has no effect any longer";
    assert!(check.starts_with(expected), "{check}");
    let bad = Start::with_file("prot = 1");
    assert!(bad.check().is_err());
    let nothing = Start::bare().check().unwrap();
    assert!(nothing.starts_with("there is no throttle.toml, the defaults apply: "), "{nothing}");
}

#[test]
fn the_help_has_all_flags_with_their_defaults_in_groups() {
    Cli::command().debug_assert();
    let help = Cli::command().term_width(300).render_help().to_string();
    for setting in &SETTINGS {
        let flag = match setting.is_switch() {
            true => format!("--{}[=<{}>]", setting.flag, setting.value_name),
            false => format!("--{} <{}>", setting.flag, setting.value_name),
        };
        assert!(help.contains(&flag), "{flag} is missing in\n{help}");
    }
    assert_eq!(help.matches("[default: ").count(), SETTINGS.len() + 1, "{help}");
    for part in ["Server:", "Limits:", "Logging:", "Example:", "[default: 8000]", "[default: 365d]"]
    {
        assert!(help.contains(part), "{part} is missing in\n{help}");
    }
    let version = Cli::try_parse_from(["throttle", "--version"]).unwrap_err().to_string();
    assert_eq!(version.trim(), format!("throttle {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn durations_are_read_exactly() {
    let config = Start::bare().flag("--drain-timeout", "1m 30s 250ms").config();
    assert_eq!(config.limits.drain_timeout, Duration::from_millis(90_250));
}

#[test]
fn zero_needs_no_unit_and_the_examples_are_allowed() {
    for zero in [Start::with_file("busy_poll = 0"), Start::bare().flag("--busy-poll", "0")] {
        assert_eq!(zero.config().busy_poll, Duration::ZERO);
    }
    for (start, said) in [
        (Start::with_file("busy_poll = 5"), "throttle.toml:1:13: busy_poll: "),
        (Start::bare().flag("--busy-poll", "20ms"), "--busy-poll: "),
    ] {
        let problems = start.problems();
        let expected =
            "expected 0, or a duration such as \"50us\" or \"2ms\", at most 10ms, found ";
        assert!(problems.starts_with(&format!("{said}{expected}")), "{problems}");
    }
    for example in ["50us", "2ms"] {
        Start::bare().flag("--busy-poll", example).config();
    }
}
