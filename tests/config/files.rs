//! What is read from files, good and bad ones.

use throttle::config::{Config, Level, MAX_FILE_BYTES};
use throttle::engine::Span;

use crate::Start;

fn semaphores(text: &str) -> Vec<(String, u32, i32)> {
    let semaphores = Start::with_file(text).config().semaphores;
    semaphores.iter().map(|it| (it.name.to_string(), it.max.get(), it.level.0)).collect()
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(Start::with_file("").config(), Config::default());
    assert_eq!(
        Start::with_file("\u{feff}\r\n# nothing\r\n[limits]\r\n").config(),
        Config::default()
    );
}

#[test]
fn semaphores_can_be_written_in_every_way_and_come_ordered() {
    let expected =
        [("/& ü", 2, 0), ("A", 42, 0), ("B", 1, -1), ("C", 2_147_483_648, 0), ("D", 3, 4)]
            .map(|(name, max, level)| (name.to_owned(), max, level));
    let sections = "[semaphores.D]\nlevel = 4\nmax = 3\n[semaphores]\nC = 0x80000000\nB = { max = 1, level = -1 }\nA = 42\n\"/& ü\" = { max = 2 }\n";
    assert_eq!(semaphores(sections), expected);
    let dotted = "semaphores.A = 42\nsemaphores.B.max = 1\nsemaphores.B.level = -1\nsemaphores.C = 2_147_483_648\nsemaphores.\"/& ü\" = 2\nsemaphores.D = { max = 3, level = 4 }\n";
    assert_eq!(semaphores(dotted), expected);
}

#[test]
fn a_file_of_an_earlier_version_is_good() {
    let start = Start::with_file(
        r#"
litter_collection_interval = "5min"

[semaphores]
A = 42
B = { max = 1, level = 1 }

[logging.stderr]
level = "INFO"

[logging.gelf]
name = "my-throttle"
host = "graylog.example.com"
port = 12201
level = "DEBUG"
"#,
    );
    let loaded = start.load().unwrap();
    let gelf = loaded.config.logging.gelf.unwrap();
    assert_eq!((gelf.name.as_str(), gelf.host.as_str()), ("my-throttle", "graylog.example.com"));
    assert_eq!((gelf.port, gelf.level), (12201, Level::Debug));
    assert_eq!(loaded.config.semaphores.len(), 2);
    let notes: Vec<_> = loaded.notes.iter().map(|note| start.local(&note.to_string())).collect();
    let effect = "has no effect any longer: peers expire at once when their time is over";
    assert_eq!(notes, [format!("throttle.toml:2:1: litter_collection_interval {effect}")]);
}

#[test]
fn the_library_reads_a_text_too() {
    let config = Config::from_toml("limits.max_expires_in = \"2min\"", "x").unwrap();
    assert_eq!(config.limits.max_expires_in, Span::from_secs(120));
    let problems = Config::from_toml("x = 1\ny = 2", "here").unwrap_err();
    assert_eq!(problems.iter().count(), 2);
    assert!(problems.to_string().starts_with("here:1:1: "), "{problems}");
}

#[test]
fn a_file_that_is_no_text_is_refused_with_the_place() {
    let problems = Start::with_file(b"port = 1\nname = \"\xc3\xbc\xff\"\n").problems();
    assert_eq!(problems, "throttle.toml:2:10: the file must be text in UTF-8, byte 0xff is not");
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let start = Start::with_file("");
    let file = std::fs::File::create(start.file()).unwrap();
    file.set_len(MAX_FILE_BYTES + 1).unwrap();
    let expected = "throttle.toml: is larger than 16 MiB, which cannot be a configuration";
    assert_eq!(start.problems(), expected);
}

#[test]
fn a_directory_is_refused() {
    let start = Start::bare();
    std::fs::create_dir(start.file()).unwrap();
    let file = start.file().display().to_string();
    let start = start.flag("-c", &file);
    assert_eq!(start.problems(), "throttle.toml: cannot be read: it is a directory");
}

/// Whoever opened it would wait until somebody writes, and a reload would hang.
#[cfg(unix)]
#[test]
fn what_cannot_be_read_to_its_end_is_refused() {
    let expected = "cannot be read: it is no regular file, but a pipe or a device";
    let start = Start::bare();
    let file = start.file().display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert_eq!(start.flag("-c", &file).problems(), format!("throttle.toml: {expected}"));
    let start = Start::bare().variable("THROTTLE_CONFIGURATION", "/dev/zero");
    assert_eq!(start.problems(), format!("/dev/zero: {expected}"));
}

#[test]
fn an_empty_section_of_semaphores_is_one() {
    assert!(!Config::from_toml("port = 1", "x").unwrap().has_semaphores);
    assert!(Config::from_toml("[semaphores]", "x").unwrap().has_semaphores);
}

#[test]
fn a_missing_file_is_refused_only_when_somebody_named_it() {
    assert_eq!(Start::bare().config(), Config::default());
    let start = Start::bare();
    let file = start.file().display().to_string();
    assert_eq!(start.flag("-c", &file).problems(), "throttle.toml: there is no such file");
    let start = Start::bare().variable("THROTTLE_CONFIGURATION", "/nonexistent/x.toml");
    assert_eq!(start.problems(), "/nonexistent/x.toml: there is no such file");
}

#[test]
fn the_default_file_is_read_when_it_is_there() {
    let start = Start::bare();
    std::fs::write(start.file(), "port = 7").unwrap();
    assert_eq!(start.config().port, 7);
    std::fs::write(start.file(), "prot = 7").unwrap();
    assert!(start.load().is_err());
}
