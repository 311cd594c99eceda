//! Walks over the TOML document of a configuration file and takes what it says into a [`Config`]. It does not
//! stop at a problem: the parser recovers from errors, and what it could read is checked as well.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::input::Input;
use super::problem::{Lines, Origin, Problem, excerpt};
use super::setting::{SETTINGS, Setting, gelf};
use super::suggestion::nearest;
use super::{Config, auth, buckets, semaphores};
use crate::engine::{SemaphoreSettings, Span};

/// The sections, besides those for which there is nothing but settings in [`SETTINGS`].
const SECTIONS: [&str; 10] = [
    AUTH,
    BUCKETS,
    "dynamic",
    "limits",
    "logging",
    "logging.gelf",
    "logging.stderr",
    SEMAPHORES,
    "sessions",
    "tls",
];
const AUTH: &str = "auth";
const BUCKETS: &str = "buckets";
const SEMAPHORES: &str = "semaphores";
const GELF: &str = "logging.gelf";

/// Earlier servers swept expired peers at this interval.
const LITTER_COLLECTION_INTERVAL: &str = "litter_collection_interval";

/// What a file says.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Vec<Problem>,
    /// Where `[logging.gelf]` is.
    pub(super) gelf_at: Option<Origin>,
    /// Where each setting is.
    pub(super) origins: Vec<(&'static str, Origin)>,
}

/// Takes what the file says into `config`.
pub(super) fn read(config: &mut Config, text: &str, name: &str) -> Reading {
    let (mut table, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk {
        config,
        text,
        name,
        lines: Lines::of(text),
        broken: BTreeSet::new(),
        last_trusted: usize::MAX,
        reading: Reading::default(),
    };
    walk.syntax_problems(&errors);
    let blanked = without_lines_that_end_the_parsing(text, &errors);
    if let Some(blanked) = &blanked {
        let errors;
        (table, errors) = DeTable::parse_recoverable(blanked);
        walk.syntax_problems(&errors);
    }
    walk.section("", table.get_ref());
    walk.reading
}

/// The parser gives up at a key without a value (`port: 8000`). With such lines made blank, it gets to the rest.
fn without_lines_that_end_the_parsing(text: &str, errors: &[toml::de::Error]) -> Option<String> {
    let valueless = errors.iter().filter(|error| error.message().starts_with("key with no value"));
    let mut bytes = None;
    for at in valueless.filter_map(|error| error.span()).map(|span| span.start.min(text.len())) {
        let before = text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n');
        let after = text.as_bytes()[at..].iter().position(|byte| *byte == b'\n');
        let line = before.map_or(0, |before| before + 1)..after.map_or(text.len(), |it| at + it);
        bytes.get_or_insert_with(|| text.as_bytes().to_vec())[line].fill(b' ');
    }
    bytes.and_then(|bytes| String::from_utf8(bytes).ok())
}

pub(super) struct Walk<'a> {
    config: &'a mut Config,
    text: &'a str,
    name: &'a str,
    lines: Lines<'a>,
    /// Lines with a syntax error. What the parser made of them may be wrong, and is not worth a second problem.
    broken: BTreeSet<usize>,
    /// The first line that opens something without closing it: what comes after it is in the wrong place.
    last_trusted: usize,
    reading: Reading,
}

impl Walk<'_> {
    /// Reports a problem, unless it may only follow from a syntax error.
    pub(super) fn problem(&mut self, span: Range<usize>, message: String) {
        let line = self.lines.line(span.start);
        if line <= self.last_trusted && !self.broken.contains(&line) {
            let origin = self.origin(&span);
            self.reading.problems.push(Problem { origin, message });
        }
    }

    /// Whether there is a syntax error on one of these lines.
    pub(super) fn is_broken(&self, span: &Range<usize>) -> bool {
        let lines = self.lines.line(span.start)..=self.lines.line(span.end);
        self.broken.range(lines).next().is_some()
    }

    /// Reports a key that is none of `known`.
    pub(super) fn unknown_key<'k>(
        &mut self,
        key: &Spanned<DeString<'_>>,
        known: impl IntoIterator<Item = &'k str>,
        place: Option<&str>,
    ) {
        let hint = match (place, nearest(key.get_ref(), known)) {
            (Some(place), _) => format!("; it belongs {place}"),
            (None, Some(nearest)) => format!("; did you mean \"{nearest}\"?"),
            (None, None) => String::new(),
        };
        self.problem(key.span(), format!("unknown key {}{hint}", excerpt(key.get_ref())));
    }

    fn section(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = match section {
                "" => key.get_ref().to_string(),
                _ => format!("{section}.{}", key.get_ref()),
            };
            if key.get_ref().contains('.') {
                // A quoted key such as "limits.max_peers" is not the path that it looks like.
                self.unknown_key(key, [], None);
            } else if let Some(setting) = Setting::by_key(&path) {
                self.setting(setting, value);
            } else if SECTIONS.contains(&path.as_str()) {
                self.subsection(&path, key, value);
            } else if path == LITTER_COLLECTION_INTERVAL {
                self.litter_collection_interval(key, value);
            } else {
                self.unknown_key(key, keys_of(section), place_of(key.get_ref()).as_deref());
            }
        }
    }

    fn setting(&mut self, setting: &Setting, value: &Spanned<DeValue<'_>>) {
        let origin = self.origin(&value.span());
        self.reading.origins.push((setting.key, origin));
        if let Err(refused) = (setting.apply)(self.config, Input::Toml(value.get_ref())) {
            self.problem(value.span(), format!("{}: {refused}", setting.key));
        }
    }

    fn subsection(
        &mut self,
        path: &str,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let Some(table) = value.get_ref().as_table() else {
            let refused = Input::Toml(value.get_ref()).refused(format_args!("a section [{path}]"));
            return self.problem(value.span(), format!("{path}: {refused}"));
        };
        if path == GELF {
            gelf(self.config);
            self.reading.gelf_at = Some(self.origin(&key.span()));
        }
        match path {
            SEMAPHORES => {
                self.config.has_semaphores = true;
                let semaphores = semaphores::read(self, table);
                self.named(table, semaphores);
            }
            BUCKETS => {
                self.config.has_semaphores = true;
                let buckets = buckets::read(self, table);
                self.named(table, buckets);
            }
            AUTH => self.config.tokens = auth::read(self, key, table),
            _ => self.section(path, table),
        }
    }

    /// A name stands for one thing.
    fn named(&mut self, section: &DeTable<'_>, new: Vec<SemaphoreSettings>) {
        for settings in new {
            let name = settings.name.as_str();
            match self.config.semaphores.binary_search_by(|it| it.name.as_str().cmp(name)) {
                Err(at) => self.config.semaphores.insert(at, settings),
                Ok(_) => {
                    let key = section.keys().find(|key| key.get_ref() == name);
                    let message = format!("{} is a semaphore and a bucket", excerpt(name));
                    key.into_iter().for_each(|key| self.problem(key.span(), message.clone()));
                }
            }
        }
    }

    fn litter_collection_interval(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let longest = Span::from_micros(u64::MAX);
        match Input::Toml(value.get_ref()).duration(longest) {
            Ok(_) => {
                let message = format!(
                    "{LITTER_COLLECTION_INTERVAL} has no effect any longer: peers expire at once when their time is over"
                );
                self.reading.notes.push(Problem { origin: self.origin(&key.span()), message });
            }
            Err(_) => {
                let refused = Input::Toml(value.get_ref()).refused("a duration such as \"5min\"");
                self.problem(value.span(), format!("{LITTER_COLLECTION_INTERVAL}: {refused}"));
            }
        }
    }

    fn syntax_problems(&mut self, errors: &[toml::de::Error]) {
        for error in errors {
            self.syntax_problem(error.span().unwrap_or_default(), error.message());
        }
    }

    /// Reports the first syntax error of a line; the others of the line only follow from it.
    fn syntax_problem(&mut self, span: Range<usize>, message: &str) {
        let line = self.lines.line(span.start);
        if message.starts_with("unclosed") {
            self.last_trusted = self.last_trusted.min(line);
        }
        if !self.broken.insert(line) {
            return;
        }
        let found = self.text.get(span.clone()).unwrap_or_default();
        let message = match message {
            "duplicate key" => format!("duplicate key {}", excerpt(found)),
            unquoted if unquoted.starts_with("string values must be quoted") => match found {
                "" => "a value is missing".to_owned(),
                _ => format!("{} is not a value; a text must be in quotes", excerpt(found)),
            },
            other => other.to_owned(),
        };
        let origin = self.origin(&span);
        self.reading.problems.push(Problem { origin, message });
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        Origin::File { name: self.name.to_owned(), at: Some(self.lines.position(span.start)) }
    }
}

/// What can stand in a section.
fn keys_of(section: &str) -> impl Iterator<Item = &'static str> {
    let paths = SETTINGS.iter().map(|setting| setting.key).chain(SECTIONS);
    paths
        .map(|path| path.rsplit_once('.').unwrap_or(("", path)))
        .filter_map(move |(parent, key)| (parent == section).then_some(key))
}

/// Where a key belongs that stands in the wrong section.
fn place_of(key: &str) -> Option<String> {
    let mut places = SETTINGS.iter().map(Setting::path).filter(|(_, name)| *name == key);
    let (section, _) = places.next()?;
    match (section, places.next()) {
        (_, Some(_)) => None,
        ("", None) => Some("above the first section".to_owned()),
        (section, None) => Some(format!("in the section [{section}]")),
    }
}
