//! The configuration as an operator meets it: files, variables and flags in, a configuration or all problems out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod buckets;
mod exposure;
mod files;
mod manners;
mod precedence;
mod problems;
mod sample;
mod tls;
mod tokens;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;
use tempfile::TempDir;
use throttle::cli::Cli;
use throttle::config::{Config, Loaded, Problems};

/// A command line, with its file and environment.
struct Start {
    directory: TempDir,
    arguments: Vec<OsString>,
    variables: HashMap<String, OsString>,
}

impl Start {
    /// With a configuration file of this text, named by `-c`.
    fn with_file(text: impl AsRef<[u8]>) -> Self {
        let mut start = Self::bare();
        std::fs::write(start.file(), text).unwrap();
        start.arguments.extend(["-c".into(), start.file().into()]);
        start
    }

    /// Without anything.
    fn bare() -> Self {
        let arguments = vec!["throttle".into()];
        Self { directory: tempfile::tempdir().unwrap(), arguments, variables: HashMap::new() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("throttle.toml")
    }

    fn flag(mut self, flag: &str, value: &str) -> Self {
        self.arguments.push(format!("{flag}={value}").into());
        self
    }

    fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    fn cli(&self) -> Cli {
        Cli::try_parse_from(&self.arguments).unwrap()
    }

    fn load(&self) -> Result<Loaded, Problems> {
        self.cli().load_in(self.directory.path(), |name| self.variables.get(name).cloned())
    }

    fn config(&self) -> Config {
        self.load().unwrap().config
    }

    fn check(&self) -> Result<String, Problems> {
        let variable = |name: &str| self.variables.get(name).cloned();
        self.cli().check_in(self.directory.path(), variable, throttle::app::obstacles)
    }

    /// All problems, with the file's name as if it were in the working directory.
    fn problems(&self) -> String {
        self.local(&self.load().unwrap_err().to_string())
    }

    fn local(&self, text: &str) -> String {
        text.replace(&self.file().display().to_string(), "throttle.toml")
    }
}
