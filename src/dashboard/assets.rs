//! The files of `web/` that are part of the program. A test finds those that somebody forgot.

/// The file of that name.
pub(super) fn find(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(file, _)| *file == name).map(|(_, bytes)| *bytes)
}

macro_rules! files {
    ($($name:literal,)*) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $name)))),*]
    };
}

static FILES: &[(&str, &[u8])] = files![
    "api.js",
    "early.js",
    "feed/backoff.js",
    "feed/inspector.js",
    "feed/link.js",
    "icon.svg",
    "index.html",
    "keys.js",
    "main.js",
    "model/address.js",
    "model/bucket.js",
    "model/events.js",
    "model/freshness.js",
    "model/history.js",
    "model/model.js",
    "model/rates.js",
    "model/rows.js",
    "operate/deeds.js",
    "operate/desk.js",
    "operate/impact.js",
    "operate/outcome.js",
    "operate/record.js",
    "session.js",
    "style/detail.css",
    "style/operate.css",
    "style/page.css",
    "style/table.css",
    "text/format.js",
    "text/visible.js",
    "theme.js",
    "vendor/lit-html/LICENSE.txt",
    "vendor/lit-html/directive-helpers.js",
    "vendor/lit-html/directive.js",
    "vendor/lit-html/directives/repeat.js",
    "vendor/lit-html/lit-html.js",
    "vendor/uplot/LICENSE.txt",
    "vendor/uplot/uPlot.esm.js",
    "vendor/uplot/uPlot.min.css",
    "view/chart.js",
    "view/control.js",
    "view/facts.js",
    "view/form.js",
    "view/frame.js",
    "view/log.js",
    "view/meter.js",
    "view/name.js",
    "view/outline.js",
    "view/overview.js",
    "view/peer.js",
    "view/semaphore.js",
    "view/signin.js",
    "view/spark.js",
    "view/table.js",
    "view/window.js",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::dashboard::content_type;

    /// For whoever works on the files; no browser asks for these.
    const LEFT_OUT: [&str; 3] = ["package.json", "README.md", "SHA256SUMS"];

    fn walk(root: &Path, below: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if !LEFT_OUT.iter().any(|name| path.ends_with(name)) {
                found.insert(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_in_the_program_and_has_a_type() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut found = BTreeSet::new();
        walk(&root, &root, &mut found);
        let embedded: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(embedded, found);
        assert!(FILES.iter().all(|(name, _)| content_type(name).is_some()));
    }
}
