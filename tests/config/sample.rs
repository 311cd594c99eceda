//! The sample that is shipped is good, complete, and shows the true defaults.

use std::path::Path;

use throttle::access::{Role, TokenDigest};
use throttle::config::{Config, Gelf, Logging, SETTINGS, Tls, TokenSettings};

const SAMPLE: &str = include_str!("../../throttle.toml");

/// The sample with every setting uncommented. A comment is a setting when it is a section or has a key.
fn uncommented() -> String {
    let is_key = |key: &str| {
        key.strip_suffix(' ').is_some_and(|key| {
            !key.is_empty()
                && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        })
    };
    let uncomment = |line: &'static str| {
        let setting = line.strip_prefix("# ").filter(|text| {
            text.starts_with('[') || text.split_once('=').is_some_and(|(key, _)| is_key(key))
        });
        setting.unwrap_or(line)
    };
    SAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_has_a_few_semaphores_and_else_the_defaults() {
    let config = Config::from_toml(SAMPLE, "throttle.toml").unwrap();
    let names: Vec<_> = config.semaphores.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["A", "api", "crawl", "database", "gpu", "printer", "report"]);
    assert_eq!(
        Config { semaphores: Vec::new(), has_semaphores: false, ..config },
        Config::default()
    );
}

/// These two have no default.
fn tls() -> Tls {
    let file = |name| Some(Path::new("/etc/throttle").join(name));
    Tls { certificate: file("certificate.pem"), key: file("key.pem"), ..Tls::default() }
}

#[test]
fn what_the_sample_comments_out_is_the_default() {
    let config = Config::from_toml(&uncommented(), "throttle.toml").unwrap();
    let gelf = Some(Gelf::to("graylog.example.com"));
    // A token has no default. The sample's is that of nobody.
    let sha256 = TokenDigest::parse(&"0".repeat(64)).unwrap();
    let token = TokenSettings { name: "backup".to_owned(), role: Role::Lease, sha256 };
    let expected = Config {
        tokens: vec![token],
        tls: tls(),
        logging: Logging { gelf, ..Logging::default() },
        ..Config::default()
    };
    assert_eq!(Config { semaphores: Vec::new(), has_semaphores: false, ..config }, expected);
}

#[test]
fn the_sample_has_every_setting_with_its_default() {
    let sample = uncommented();
    let mut config = Config::default();
    config.logging.gelf = Some(Gelf::to("graylog.example.com"));
    config.tls = tls();
    for setting in &SETTINGS {
        let (section, key) = setting.path();
        let header = format!("\n[{section}]\n");
        let start =
            if section.is_empty() { 0 } else { sample.find(&header).unwrap() + header.len() };
        let body = sample[start..].split("\n[").next().unwrap();
        let line = format!("{key} = {}", (setting.written)(&config).unwrap());
        assert!(body.lines().any(|it| it == line), "{line:?} is missing in [{section}]");
    }
    assert!(sample.contains("\nlitter_collection_interval = \"5min\"\n"));
}
