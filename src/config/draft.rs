//! A configuration in the making: sources are taken in one after the other, later ones win, and what is wrong
//! with any of them is kept until the end.

use super::Config;
use super::document;
use super::input::Input;
use super::problem::{Origin, Problem, Problems};
use super::setting::Setting;

/// A configuration in the making. It starts with the defaults.
#[derive(Debug, Default)]
pub struct Draft {
    config: Config,
    problems: Vec<Problem>,
    notes: Vec<Problem>,
    gelf_from: Option<Origin>,
    /// Where each setting comes from; what is behind wins.
    origins: Vec<(&'static str, Origin)>,
}

/// A configuration without problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Remarks that are no problems, to be logged.
    pub notes: Vec<Problem>,
}

impl Draft {
    /// Takes in the text of a TOML file.
    pub fn read(&mut self, text: &str, name: &str) {
        let reading = document::read(&mut self.config, text, name);
        self.problems.extend(reading.problems);
        self.notes.extend(reading.notes);
        self.gelf_from = self.gelf_from.take().or(reading.gelf_at);
        self.origins.extend(reading.origins);
    }

    /// Takes in one setting from a flag or a variable.
    pub fn set(&mut self, setting: &Setting, text: &str, origin: Origin) {
        self.origins.push((setting.key, origin.clone()));
        let had_gelf = self.config.logging.gelf.is_some();
        if let Err(message) = (setting.apply)(&mut self.config, Input::Text(text)) {
            self.problem(origin, message);
        } else if !had_gelf && self.config.logging.gelf.is_some() {
            self.gelf_from = Some(origin);
        }
    }

    /// Keeps a problem that somebody else found.
    pub fn problem(&mut self, origin: Origin, message: String) {
        self.problems.push(Problem { origin, message });
    }

    /// Keeps a remark.
    pub fn note(&mut self, origin: Origin, message: String) {
        self.notes.push(Problem { origin, message });
    }

    /// Has somebody look at what cannot be seen in the text, as far as that is good: `look` finds problems, each
    /// with the setting that it is about.
    pub fn examine(&mut self, look: impl FnOnce(&Config) -> Vec<(&'static str, String)>) {
        for (key, message) in look(&self.config) {
            let origin = self.origin(key);
            self.problem(origin, format!("{key}: {message}"));
        }
    }

    /// The configuration, when nothing was wrong.
    ///
    /// # Errors
    /// All that was wrong.
    pub fn finish(mut self) -> Result<Loaded, Problems> {
        self.look_for_a_graylog();
        self.look_for_half_a_certificate();
        self.look_for_an_open_door();
        match Problems::new(self.problems) {
            Some(problems) => Err(problems),
            None => Ok(Loaded { config: self.config, notes: self.notes }),
        }
    }

    /// Graylog's name has no default.
    fn look_for_a_graylog(&mut self) {
        let homeless = self.config.logging.gelf.as_ref().is_some_and(|gelf| gelf.host.is_empty());
        let about_host = |problem: &Problem| problem.message.starts_with("logging.gelf.host");
        if let (true, Some(origin)) = (homeless, self.gelf_from.take())
            && !self.problems.iter().any(about_host)
        {
            let message = "logging.gelf.host is missing, the name of the Graylog server";
            self.problem(origin, message.to_owned());
        }
    }

    /// A certificate is of no use without its key, and the other way round. Each has its own problem if it is wrong.
    fn look_for_half_a_certificate(&mut self) {
        let (missing, there) = match (&self.config.tls.certificate, &self.config.tls.key) {
            (Some(_), None) => ("tls.key", "tls.certificate"),
            (None, Some(_)) => ("tls.certificate", "tls.key"),
            (Some(_), Some(_)) | (None, None) => return,
        };
        if !self.problems.iter().any(|problem| problem.message.starts_with(missing)) {
            let origin = self.origin(there);
            self.problem(origin, format!("{there} is of no use alone, {missing} is missing"));
        }
    }

    /// A server without tokens that others can reach has to be meant. What is wrong with the tokens, if there are any,
    /// comes first.
    fn look_for_an_open_door(&mut self) {
        let Config { address, insecure, .. } = self.config;
        if !insecure && self.config.is_exposed() && self.problems.is_empty() {
            let message = format!(
                "address: {address} can be reached from other machines, and without tokens everybody there may do \
                 everything; add [[auth.tokens]] (`throttle token` makes one), listen on 127.0.0.1, or say --insecure \
                 if that is meant"
            );
            let origin = self.origin("address");
            self.problem(origin, message);
        }
    }

    /// Where a setting has got its value from.
    fn origin(&self, key: &'static str) -> Origin {
        let last = self.origins.iter().rev().find(|(known, _)| *known == key);
        // One that nobody has set has its default.
        last.map_or_else(|| Origin::Flag("the default".to_owned()), |(_, origin)| origin.clone())
    }
}
