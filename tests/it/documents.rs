//! The documents say what the program does: the examples of the README are run, its configuration is read.

use std::path::Path;
use std::process::Command;

use throttle::app::Server;
use throttle::config::Config;
use throttle::routing::Route;
use throttle::ws::MESSAGES;

use crate::process::Process;
use crate::server::config;

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The contents of all code blocks of a language, in order.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let starts = document.split(&fence).skip(1);
    starts.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Commands, each with what the document says it prints.
fn commands(blocks: &[String]) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in blocks.iter().flat_map(|block| block.lines()) {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => panic!("output before the first command: {line}"),
        }
    }
    commands
}

/// The README without a section and that section alone.
fn without_section(heading: &str) -> (String, String) {
    let readme = document("README.md");
    let start = readme.find(&format!("\n## {heading}\n")).expect("the section is missing") + 1;
    let length = readme[start..].find("\n## ").unwrap();
    let section = readme[start..start + length].to_owned();
    (readme.replace(&section, ""), section)
}

#[test]
fn the_readme_prints_what_it_says() {
    let server = Process::start(&document("throttle.toml"));
    let (readme, _) = without_section("Access");
    let commands = commands(&blocks(&readme, "console"));
    assert!(commands.len() >= 9, "the README has lost its example: {commands:?}");
    assert_prints(&server, &commands);
}

/// With the server that the section configures.
#[test]
fn the_example_with_tokens_prints_what_it_says() {
    let (_, section) = without_section("Access");
    let server = Process::start(&blocks(&section, "toml")[0]);
    let commands = commands(&blocks(&section, "console"));
    assert!(commands.len() >= 5, "the README has lost its example: {commands:?}");
    assert_prints(&server, &commands);
}

/// All in one shell, as a reader would type them.
fn assert_prints(server: &Process, commands: &[(String, String)]) {
    let mut script = String::new();
    for (command, _) in commands {
        let command = command.replace("localhost:8000", &server.address.to_string());
        script.push_str(&format!("{command}\nprintf '\\x1e'\n"));
    }
    let mut shell = Command::new("bash");
    shell.args(["-euc", &format!("throttle() {{ \"$THROTTLE\" \"$@\"; }}\n{script}")]);
    shell.env("THROTTLE", env!("CARGO_BIN_EXE_throttle"));
    shell.env("THROTTLE_SERVER", format!("ws://{}", server.address));
    let ran = shell.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let printed = String::from_utf8(ran.stdout).unwrap();
    for ((command, expected), actual) in commands.iter().zip(printed.split('\x1e')) {
        assert_eq!(actual.trim_end(), expected.trim_end(), "{command}");
    }
}

/// What stands in the README is compiled as an example.
#[test]
fn the_readmes_program_is_an_example() {
    let blocks = blocks(&document("README.md"), "rust");
    let [program] = &blocks[..] else { panic!("{blocks:?}") };
    assert!(
        document("examples/lease.rs").contains(program),
        "examples/lease.rs differs from {program}"
    );
}

#[test]
fn configurations_in_the_readme_are_valid() {
    let blocks = blocks(&document("README.md"), "toml");
    assert!(!blocks.is_empty());
    for block in blocks {
        assert_eq!(Config::from_toml(&block, "README.md").map_err(|e| e.to_string()).err(), None);
    }
}

/// Every route is in docs/rest.md, with its method and what it needs. `/ws` is in docs/protocol.md.
#[tokio::test]
async fn every_route_is_documented() {
    let server = Server::bind(&config(&[])).unwrap();
    let rest = document("docs/rest.md");
    let mut found = 0;
    for Route { method, pattern, access } in server.routes() {
        // The page's own files are nobody's interface, and a semaphore may be called is_acquired.
        if ["/web/{*file}", "/ws"].contains(pattern)
            || (pattern.ends_with("is_acquired") && *method != "GET")
        {
            continue;
        }
        let route = format!("`{method} {pattern}");
        assert!(rest.contains(&route), "docs/rest.md does not describe {route}`");
        let needs = access.role().map_or("none", |role| role.name());
        let row = format!("| `{method} {pattern}` | {needs} |");
        assert!(rest.contains(&row), "docs/rest.md does not say {row}");
        found += 1;
    }
    assert!(found >= 24, "found {found} routes only");
}

/// So is every message, in docs/protocol.md.
#[test]
fn every_message_is_documented() {
    let protocol = document("docs/protocol.md");
    for (name, access) in MESSAGES {
        let needs = access.role().map_or("none", |role| role.name());
        let row = format!("| `{name}` | {needs} |");
        assert!(protocol.contains(&row), "docs/protocol.md does not say {row}");
    }
}
