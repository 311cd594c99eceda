//! What `throttle check` says of the files of `[tls]`, which it opens as a server would.

use std::path::{Path, PathBuf};

use crate::Start;

/// One of the files that `tests/tls/make` has made.
fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn start(certificate: &Path, key: &Path) -> Start {
    Start::with_file(format!("\n[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n"))
}

/// Each problem, with the paths as they are in the file.
fn problems(certificate: &Path, key: &Path) -> Vec<String> {
    let start = start(certificate, key);
    let problems = start.check().unwrap_err().to_string();
    start.local(&problems).lines().map(str::to_owned).collect()
}

#[test]
fn a_certificate_with_its_key_is_good() {
    let checked = start(&made("first.pem"), &made("first.key")).check().unwrap();
    assert!(checked.contains("to be served on 127.0.0.1:8000, over TLS, by "), "{checked}");
}

#[test]
fn files_that_are_not_there_are_all_told() {
    let (certificate, key) = (made("nowhere.pem"), made("nowhere.key"));
    let at = |line: &str, what: &str, path: &Path| {
        format!("throttle.toml:{line}: tls.{what} in {}: I/O error: No such file", path.display())
    };
    let told = problems(&certificate, &key);
    let expected = [
        at("3:15", "certificate: cannot read a certificate", &certificate),
        at("4:7", "key: cannot read a private key", &key),
    ];
    assert_eq!(told.len(), 2, "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(&expected), "{told} is not {expected}");
    }
}

#[test]
fn what_is_something_else_is_told() {
    let (certificate, key) = (made("first.pem"), made("first.key"));
    for (certificate, key, place, said) in [
        (&key, &key, "3:15", "tls.certificate: cannot read a certificate in "),
        (&certificate, &certificate, "4:7", "tls.key: cannot read a private key in "),
        (&certificate, &made(""), "4:7", "it is a directory"),
        (&made("second.pem"), &key, "3:15", "tls.certificate: cannot use the certificate in "),
    ] {
        let told = problems(certificate, key);
        let [told] = &told[..] else { panic!("{told:?}") };
        assert!(
            told.starts_with(&format!("throttle.toml:{place}: ")) && told.contains(said),
            "{told}"
        );
    }
}

/// Each is told where it was set, and with what else is wrong.
#[test]
fn all_problems_are_told_at_once() {
    let (certificate, key) = (made("first.pem"), made("nowhere.key"));
    let start = start(&certificate, &made("first.key")).flag("--tls-key", key.to_str().unwrap());
    let start = start.flag("--port", "x");
    let told = start.check().unwrap_err().to_string();
    let told: Vec<_> = told.lines().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("--port: "), "{told:?}");
    assert!(told[1].starts_with("--tls-key: tls.key: cannot read a private key in "), "{told:?}");
}

/// Only `check` looks: a server tells it by itself when it opens them.
#[test]
fn to_read_a_configuration_opens_none_of_them() {
    assert!(start(&made("nowhere.pem"), &made("nowhere.key")).load().is_ok());
}
