//! Rules about the client's code: what its machine must not know, and what the client must not know of the server.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that would make the machine depend on something other than what it is told.
const FOREIGN: [&str; 10] = [
    "tokio",
    "async ",
    ".await",
    "getrandom",
    "clock::now",
    "Instant",
    "SystemTime",
    "std::net",
    "println!",
    "HashMap",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn the_machine_is_pure_and_the_client_knows_no_server() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client"), &mut found);
    assert!(found.len() >= 20, "looked at {found:?} only");
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
        let machine = path.display().to_string().contains("client/machine");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let place = format!("{}:{}", path.display(), number + 1);
            let foreign = code.contains("crate::") && !code.contains("crate::client");
            assert!(!foreign, "{place}: another layer");
            for word in FOREIGN.iter().filter(|_| machine) {
                assert!(!code.contains(word), "{place}: the machine must not know {word}");
            }
        }
    }
}
