//! Rules about the engine's code: what it must not know, and how large its files may be.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that would make the engine depend on something other than its commands.
const FOREIGN: [&str; 18] = [
    "tokio",
    "async ",
    ".await",
    "serde",
    "tracing",
    "rand::",
    "getrandom",
    "Instant",
    "SystemTime",
    "std::thread",
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "println!",
    "HashSet",
    "crate::runtime",
    "crate::rest",
];

/// The engine's source files, those of its tests included.
fn files() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

#[test]
fn the_engine_is_pure() {
    let files = files();
    assert!(files.len() >= 10, "looked at {files:?} only");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
        assert!(text.lines().count() <= 300, "{} is too long", path.display());
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in FOREIGN {
                let place = format!("{}:{}", path.display(), number + 1);
                assert!(!code.contains(word), "{place}: the engine must not know {word}");
            }
            let foreign = code.contains("crate::") && !code.contains("crate::engine");
            assert!(!foreign, "{}:{}: another layer", path.display(), number + 1);
        }
    }
}

/// The maps that are there serve look-ups by one key. Nothing may walk them.
#[test]
fn no_hash_map_is_walked() {
    for file in ["peers.rs", "semaphores.rs"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine").join(file);
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("HashMap<"), "{file} has no map any more: drop it from this test");
        for walk in ["iter", "iter_mut", "keys", "values", "values_mut", "drain", "retain"] {
            for map in ["by_id", "by_name"] {
                let call = format!("{map}.{walk}(");
                assert!(!text.contains(&call), "{file} calls {call}");
            }
        }
    }
}

#[test]
fn only_two_files_have_a_hash_map() {
    let with_map: Vec<_> = files()
        .into_iter()
        .filter(|path| fs::read_to_string(path).unwrap().contains("HashMap"))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(with_map.len(), 2, "{with_map:?}");
}
