//! `throttle lock` with a server that wants a token, over TLS.

use std::io::Write;
use std::process::Command;

use tempfile::NamedTempFile;

use crate::process::{Process, command};
use crate::running::{Ended, Running};

const TOKEN: &str = "xyzzy-a-token";
const MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");

fn server() -> Process {
    let made = command().args(["token", "worker"]).output().unwrap();
    let settings = String::from_utf8(made.stderr).unwrap();
    let digest = throttle::access::Token::new(TOKEN).digest().to_hex();
    let sha256 = settings.lines().find(|line| line.starts_with("sha256")).unwrap();
    let settings = settings.replace(sha256, &format!("sha256 = \"{digest}\""));
    Process::start(&format!(
        "semaphores.A = 1\ntls.certificate = \"{MADE}/first.pem\"\ntls.key = \"{MADE}/first.key\"\n{settings}"
    ))
}

/// Locks A over TLS, and runs `true`.
fn lock(server: &Process, arguments: &[&str]) -> Command {
    let mut command = command();
    let url = format!("https://localhost:{}", server.address.port());
    command.args(["lock", "--server", &url]).args(arguments).args(["A", "--", "true"]);
    command
}

async fn run(mut command: Command) -> Ended {
    Running::start(&mut command).ended().await
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn the_token_comes_from_a_file_or_a_variable() {
    let server = server();
    let ca = format!("{MADE}/authority.pem");
    let token = file(&format!("{TOKEN}\n"));
    let path = token.path().to_str().unwrap();
    let by_file = run(lock(&server, &["--ca", &ca, "--token-file", path])).await;
    assert_eq!((by_file.code, by_file.said.as_str()), (Some(0), ""), "{by_file:?}");
    let mut by_variable = lock(&server, &[]);
    by_variable.env("THROTTLE_CA", &ca).env("THROTTLE_TOKEN", TOKEN);
    assert_eq!(run(by_variable).await.code, Some(0));
    let mut file_first = lock(&server, &["--ca", &ca]);
    file_first.env("THROTTLE_TOKEN_FILE", path).env("THROTTLE_TOKEN", "another");
    assert_eq!(run(file_first).await.code, Some(0));
}

#[tokio::test]
async fn what_is_wrong_is_one_line_without_the_token() {
    let server = server();
    let ca = format!("{MADE}/authority.pem");
    let [empty, two, bad] = [file("\n"), file("xyzzy xyzzy\n"), file("xyzzy-of-nobody")];
    let path = |file: &NamedTempFile| file.path().display().to_string();
    let let_in = "lets nobody in without a token that it knows: --token-file or THROTTLE_TOKEN";
    for (arguments, said) in [
        (vec!["--ca", &ca], let_in),
        (vec!["--ca", &ca, "--token-file", &path(&bad)], let_in),
        (vec!["--ca", &ca, "--token-file", &path(&empty)], "there is no token in "),
        (vec!["--ca", &ca, "--token-file", &path(&two)], "there is no token in "),
        (vec!["--token-file", "/nowhere/token"], "cannot read the token in /nowhere/token: "),
        (vec!["--ca", "/nowhere/ca.pem"], "cannot set up TLS: "),
        (
            vec!["--ca", &format!("{MADE}/second.pem")],
            "--ca or THROTTLE_CA name a file with certificates to trust",
        ),
    ] {
        let ended = run(lock(&server, &arguments)).await;
        assert_eq!((ended.code, ended.said.lines().count()), (Some(125), 1), "{ended:?}");
        assert!(ended.said.contains(said) && !ended.said.contains("xyzzy"), "{ended:?}");
    }
    assert!(!server.log().contains("xyzzy"), "{}", server.log());
}
