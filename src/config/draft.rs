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
    }

    /// Takes in one setting from a flag or a variable.
    pub fn set(&mut self, setting: &Setting, text: &str, origin: Origin) {
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

    /// The configuration, when nothing was wrong.
    ///
    /// # Errors
    /// All that was wrong.
    pub fn finish(mut self) -> Result<Loaded, Problems> {
        let homeless = self.config.logging.gelf.as_ref().is_some_and(|gelf| gelf.host.is_empty());
        let about_host = |problem: &Problem| problem.message.starts_with("logging.gelf.host");
        if let (true, Some(origin)) = (homeless, self.gelf_from.take())
            && !self.problems.iter().any(about_host)
        {
            let message = "logging.gelf.host is missing, the name of the Graylog server";
            self.problem(origin, message.to_owned());
        }
        match Problems::new(self.problems) {
            Some(problems) => Err(problems),
            None => Ok(Loaded { config: self.config, notes: self.notes }),
        }
    }
}
