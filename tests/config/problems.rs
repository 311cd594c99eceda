//! What a bad configuration is answered with, word for word. `throttle.toml` is the file, with its text first.

use crate::Start;

#[track_caller]
pub(crate) fn assert_problems(text: &str, expected: &[&str]) {
    let problems = Start::with_file(text).problems();
    assert_eq!(problems.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = r#"
prot = 8000
address = "localhost"
colour = "red"

[semaphores]
A = 0
B = { max = 1, levle = 1 }
C = { level = 1 }
D = "many"

[limit]
max_peers = 3

[logging.stderr]
level = "LOUD"
"#;
    assert_problems(
        text,
        &[
            r#"throttle.toml:2:1: unknown key "prot"; did you mean "port"?"#,
            r#"throttle.toml:3:11: address: expected an IP address such as "127.0.0.1", "0.0.0.0" or "::1", found "localhost""#,
            r#"throttle.toml:4:1: unknown key "colour""#,
            r#"throttle.toml:7:5: semaphore "A": expected a maximum from 1 to 2147483648, or a table such as { max = 1, level = 1 }, found 0"#,
            r#"throttle.toml:8:16: unknown key "levle"; did you mean "level"?"#,
            r#"throttle.toml:9:1: semaphore "C": "max" is missing"#,
            r#"throttle.toml:10:5: semaphore "D": expected a maximum from 1 to 2147483648, or a table such as { max = 1, level = 1 }, found "many""#,
            r#"throttle.toml:12:2: unknown key "limit"; did you mean "limits"?"#,
            r#"throttle.toml:16:9: logging.stderr.level: expected one of OFF, ERROR, WARN, INFO, DEBUG, TRACE, found "LOUD""#,
        ],
    );
}

#[test]
fn wrong_types_say_what_was_found() {
    let text = r#"
address = 127
port = "8000"
limits = 3
semaphores = [1]
litter_collection_interval = 300

[logging]
stderr = "INFO"
gelf = true
"#;
    assert_problems(
        text,
        &[
            r#"throttle.toml:2:11: address: expected an IP address such as "127.0.0.1", "0.0.0.0" or "::1", found 127"#,
            r#"throttle.toml:3:8: port: expected a whole number from 0 to 65535, found "8000""#,
            r#"throttle.toml:4:10: limits: expected a section [limits], found 3"#,
            r#"throttle.toml:5:14: semaphores: expected a section [semaphores], found an array"#,
            r#"throttle.toml:6:30: litter_collection_interval: expected a duration such as "5min", found 300"#,
            r#"throttle.toml:9:10: logging.stderr: expected a section [logging.stderr], found "INFO""#,
            r#"throttle.toml:10:8: logging.gelf: expected a section [logging.gelf], found true"#,
        ],
    );
}

#[test]
fn impossible_values_say_what_is_possible() {
    let text = r#"
port = 65536
[semaphores]
A = 2147483649
B = { max = -1, level = 2147483648 }
C = 1.5
[limits]
max_expires_in = "500000000000y"
max_peers = 0
max_connections = "many"
max_body_bytes = 99999999999999999999999999999999999999999999
header_read_timeout = "0s"
drain_timeout = "5 minuets"
"#;
    let duration = r#"a duration such as "250ms", "5min" or "1day", more than 0 and at most"#;
    assert_problems(
        text,
        &[
            "throttle.toml:2:8: port: expected a whole number from 0 to 65535, found 65536",
            r#"throttle.toml:4:5: semaphore "A": expected a maximum from 1 to 2147483648, or a table such as { max = 1, level = 1 }, found 2147483649"#,
            r#"throttle.toml:5:13: semaphore "B", max: expected a whole number from 1 to 2147483648, found -1"#,
            r#"throttle.toml:5:25: semaphore "B", level: expected a whole number from -2147483648 to 2147483647, found 2147483648"#,
            r#"throttle.toml:6:5: semaphore "C": expected a maximum from 1 to 2147483648, or a table such as { max = 1, level = 1 }, found 1.5"#,
            &format!(
                r#"throttle.toml:8:18: limits.max_expires_in: expected {duration} 36500d, found "500000000000y""#
            ),
            "throttle.toml:9:13: limits.max_peers: expected a whole number from 1 to 100000000, found 0",
            r#"throttle.toml:10:19: limits.max_connections: expected "auto" or a whole number from 1 to 10000000, found "many""#,
            "throttle.toml:11:18: limits.max_body_bytes: expected a whole number from 1024 to 16777216, found 99999999999999999999999999999999999999999999",
            &format!(
                r#"throttle.toml:12:23: limits.header_read_timeout: expected {duration} 1d, found "0s""#
            ),
            &format!(
                r#"throttle.toml:13:17: limits.drain_timeout: expected {duration} 1d, found "5 minuets""#
            ),
        ],
    );
}

#[test]
fn a_syntax_error_hides_no_other_line() {
    let text = "\
port = eight
address =
[semaphores]
A = 1
A = 2
B 3
C: 4
[limits]
max_pears = 3
max_peers = 0 0
";
    assert_problems(
        text,
        &[
            r#"throttle.toml:1:8: "eight" is not a value; a text must be in quotes"#,
            "throttle.toml:2:10: a value is missing",
            r#"throttle.toml:5:1: duplicate key "A""#,
            "throttle.toml:6:3: key with no value, expected `=`",
            "throttle.toml:7:4: key with no value, expected `=`",
            r#"throttle.toml:9:1: unknown key "max_pears"; did you mean "max_peers"?"#,
            r#"throttle.toml:10:13: "0 0" is not a value; a text must be in quotes"#,
        ],
    );
}

#[test]
fn what_follows_from_a_syntax_error_is_not_told() {
    let unclosed = "prot = 1\n[limits\nmax_peers = 3\nmax_body_bytes = 0\n";
    let prot = r#"throttle.toml:1:1: unknown key "prot"; did you mean "port"?"#;
    assert_problems(unclosed, &[prot, "throttle.toml:2:8: unclosed table, expected `]`"]);
    assert_problems(
        "[semaphores]\nA = { max = 1\nB = 2\n",
        &["throttle.toml:3:1: missing comma between key-value pairs, expected `,`"],
    );
    assert_problems(
        "address = \"::1\nport = 1\n",
        &["throttle.toml:1:15: invalid basic string, expected `\"`"],
    );
}

#[test]
fn a_key_in_the_wrong_section_is_shown_the_right_one() {
    assert_problems(
        "max_peers = 3\nformat = \"json\"\n[limits]\naddress = \"::1\"\n\"max-peers\" = 1\n",
        &[
            r#"throttle.toml:1:1: unknown key "max_peers"; it belongs in the section [limits]"#,
            r#"throttle.toml:2:1: unknown key "format"; it belongs in the section [logging.stderr]"#,
            r#"throttle.toml:4:1: unknown key "address"; it belongs above the first section"#,
            r#"throttle.toml:5:1: unknown key "max-peers"; did you mean "max_peers"?"#,
        ],
    );
    assert_problems(
        "\"limits.max_peers\" = 3\n",
        &[r#"throttle.toml:1:1: unknown key "limits.max_peers""#],
    );
}

#[test]
fn nothing_is_called_as_the_row_of_what_clients_declare() {
    assert_problems(
        "[semaphores]\n\"[dynamic]\" = 1\n",
        &[
            r#"throttle.toml:2:1: semaphore "[dynamic]": this name stands for all that clients declare"#,
        ],
    );
}

#[test]
fn names_of_semaphores_are_checked() {
    let long = "x".repeat(129);
    let text = format!("[semaphores]\n\"\" = 1\n\"a\\nb\" = 0\n{long} = 1\n\"/& ü\" = 1\n");
    let cut = format!("\"{}\"...", "x".repeat(64));
    assert_problems(
        &text,
        &[
            r#"throttle.toml:2:1: semaphore "": a semaphore's name must not be empty"#,
            r#"throttle.toml:3:1: semaphore "a\nb": a semaphore's name must not contain control characters, this one has '\n'"#,
            r#"throttle.toml:3:10: semaphore "a\nb": expected a maximum from 1 to 2147483648, or a table such as { max = 1, level = 1 }, found 0"#,
            &format!(
                "throttle.toml:4:1: semaphore {cut}: a semaphore's name has at most 128 bytes, this one has 129"
            ),
        ],
    );
}

#[test]
fn graylog_needs_a_host() {
    let missing = "logging.gelf.host is missing, the name of the Graylog server";
    assert_problems("[logging.gelf]\n", &[&format!("throttle.toml:1:10: {missing}")]);
    assert_problems("logging.gelf.port = 1\n", &[&format!("throttle.toml:1:9: {missing}")]);
    assert_problems(
        "[logging.gelf]\nhost = \"\"\nport = 0\n",
        &[
            r#"throttle.toml:2:8: logging.gelf.host: expected a text of 1 to 253 bytes without control characters, found """#,
            "throttle.toml:3:8: logging.gelf.port: expected a whole number from 1 to 65535, found 0",
        ],
    );
    let flag = Start::bare().flag("--gelf-port", "1").problems();
    assert_eq!(flag, format!("--gelf-port: {missing}"));
    let variable = Start::bare().variable("THROTTLE_GELF_NAME", "x").problems();
    assert_eq!(variable, format!("THROTTLE_GELF_NAME: {missing}"));
}

#[test]
fn something_else_altogether_is_not_answered_without_end() {
    let text = "what is this\n".repeat(200_000);
    let problems = Start::with_file(text).problems();
    assert_eq!(problems.lines().count(), 101);
    assert!(problems.ends_with(" more"), "{problems}");
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        "a = [".repeat(100_000),
        "a = ".to_owned() + &"{a = ".repeat(100_000),
    ] {
        assert!(Start::with_file(text).load().is_err());
    }
}
