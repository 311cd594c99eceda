//! Rules about the engine's code: what it must not know, and how large its files may be.

use std::fs;
use std::path::Path;

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

#[test]
fn the_engine_is_pure() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        files += 1;
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
        assert!(text.lines().count() <= 300, "{} is too long", path.display());
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in FOREIGN {
                let place = format!("{}:{}", path.display(), number + 1);
                assert!(!code.contains(word), "{place}: the engine must not know {word}");
            }
            // `use` of another layer; its own modules are named by `super`.
            assert!(!code.contains("use crate::"), "{}:{}", path.display(), number + 1);
        }
    }
    assert!(files >= 10, "looked at {files} files only");
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let with_map: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read_to_string(path).unwrap().contains("HashMap"))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(with_map.len(), 2, "{with_map:?}");
}
