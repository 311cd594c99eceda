//! What `throttle check` has to say about a valid configuration.

use std::fmt::Write;

use crate::config::Loaded;
use crate::engine::SemaphoreSettings;

/// Most semaphores that are listed.
const MAX_LISTED: usize = 100;

/// The summary; `source` is the file, if there is one. Without a line break at the end.
pub(super) fn of(loaded: &Loaded, source: Option<&str>) -> String {
    let config = &loaded.config;
    let semaphores = &config.semaphores;
    let mut text = match source {
        Some(file) => format!("{file} is valid"),
        None => "there is no throttle.toml, the defaults apply".to_owned(),
    };
    let buckets = semaphores.iter().filter(|it| it.rate.is_some()).count();
    let counts = [counted(semaphores.len() - buckets, "semaphore"), counted(buckets, "bucket")];
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    if counts.is_empty() {
        text.push_str(": no semaphores, so nothing can be acquired");
    } else {
        _ = write!(text, ": {}", counts.join(", "));
    }
    for semaphore in semaphores.iter().take(MAX_LISTED) {
        _ = write!(text, "\n  {}", shown(semaphore));
    }
    if let more @ 1.. = semaphores.len().saturating_sub(MAX_LISTED) {
        _ = write!(text, "\n  ... and {more} more");
    }
    let address = std::net::SocketAddr::new(config.address, config.port);
    let tls = if config.tls.files().is_some() { ", over TLS" } else { "" };
    _ = write!(text, "\nto be served on {address}{tls}, by {}", config.serving_threads());
    for note in &loaded.notes {
        _ = write!(text, "\nnote: {note}");
    }
    text
}

fn counted(number: usize, what: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        many => Some(format!("{many} {what}s")),
    }
}

fn shown(semaphore: &SemaphoreSettings) -> String {
    let reserved = semaphore.rate.map(|rate| format!(", max_reserved {}", rate.max_reserved));
    format!("{} = {semaphore}{}", semaphore.name, reserved.unwrap_or_default())
}
