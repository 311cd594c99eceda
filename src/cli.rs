//! The command line: what to do, and where the configuration comes from. A flag wins over a `THROTTLE_*`
//! variable, this over the file, and the file over the defaults. Nothing here starts a server or writes anything.

mod check;
mod health;
mod lock;
mod misplaced;
mod operate;
mod overrides;
mod reach;
mod secret;
mod status;
mod summary;
mod terms;
mod token;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::config::{
    Config, Draft, Loaded, Origin, Problem, Problems, SETTINGS, Setting, read_file,
};
use overrides::Overrides;

pub use check::Check;
pub use health::Health;
pub use lock::{DEFAULT_SERVER, Lock};
pub use operate::{
    Bucket, BucketAction, Peer, PeerAction, Reload, Revoke, Semaphore, SemaphoreAction,
};
pub use reach::{Acting, Reach};
pub use status::{ShowPeer, Status};
pub use terms::{Manners, Terms};
pub use token::NewToken;

/// The configuration file that need not be there.
pub const DEFAULT_FILE: &str = "throttle.toml";

const CONFIGURATION_VARIABLE: &str = "THROTTLE_CONFIGURATION";

const AFTER_HELP: &str = "\
Semaphores and tokens are set in the configuration file. Everything else can be set there too, and each flag has an
environment variable: --max-peers is THROTTLE_MAX_PEERS. A flag wins over a variable, a variable over the file. All of
this is for the server, and for `throttle check`.

Example: throttle --port 9000 -c /etc/throttle.toml";

/// Finds problems of a configuration, each with the setting that it is about.
pub type Look = fn(&Config) -> Vec<(&'static str, String)>;

/// A server that hands out leases on semaphores: at most so many programs may use this at once.
#[derive(Clone, Debug, Parser)]
#[command(version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; without it the server runs.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Configuration file in TOML [default: throttle.toml, if there is one]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub configuration: Option<PathBuf>,

    #[command(flatten)]
    overrides: Overrides,
}

/// What to do instead of running the server.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Check the configuration and exit: 0 when the server could start with it, 2 when not.
    Check(Check),
    /// Ask a server whether it is well and exit: 0 when it is, 1 when not.
    Health(Health),
    /// Run a command while holding locks of a server.
    Lock(Box<Lock>),
    /// Show a running server: its semaphores, or the holders and the queue of one.
    Status(Box<Status>),
    /// Make, change, pause, resume, delete or free a semaphore of a running server.
    Semaphore(Box<Semaphore>),
    /// Make or change a bucket of a running server.
    Bucket(Box<Bucket>),
    /// Show a peer of a running server, or take away what it holds.
    Peer(Box<Peer>),
    /// Let a running server read its configuration file again.
    Reload(Box<Reload>),
    /// Make a token, and what the server's configuration needs to know of it.
    Token(NewToken),
}

impl Cli {
    /// The configuration that the server is to run with, from all sources.
    ///
    /// # Errors
    /// All problems of all sources. They belong on the standard error stream; the exit code is
    /// [`Problems::EXIT_CODE`].
    pub fn config(&self) -> Result<Config, Problems> {
        self.load().map(|loaded| loaded.config)
    }

    /// As [`Cli::config`], with the remarks that are to be logged.
    ///
    /// # Errors
    /// As [`Cli::config`].
    pub fn load(&self) -> Result<Loaded, Problems> {
        self.load_in(Path::new(""), |name| std::env::var_os(name))
    }

    /// As [`Cli::load`], with the default file in `directory`, and in an environment where `variable` answers for
    /// the value of a variable. An empty one counts as not set.
    ///
    /// # Errors
    /// As [`Cli::config`].
    pub fn load_in(
        &self,
        directory: &Path,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Loaded, Problems> {
        self.draft(directory, variable).finish()
    }

    fn draft(&self, directory: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Draft {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut draft = Draft::default();
        match self.text(directory, &variable) {
            Ok(Some((text, name))) => draft.read(&text, &name),
            Ok(None) => {}
            Err(problem) => draft.problem(problem.origin, problem.message),
        }
        // What a flag overrides is not even read: a variable may be meant for something else.
        let is_free = |setting: &&Setting| self.flags().all(|(given, _)| given.key != setting.key);
        for setting in SETTINGS.iter().filter(is_free) {
            let name = setting.variable();
            if let Some(value) = variable(&name) {
                take_variable(&mut draft, setting, name, value);
            }
        }
        for (setting, text) in self.flags() {
            draft.set(setting, text, Origin::Flag(format!("--{}", setting.flag)));
        }
        draft
    }

    /// The server's flags that were given, before and behind the word `check`.
    fn flags(&self) -> impl Iterator<Item = (&'static Setting, &str)> {
        let behind = match &self.command {
            Some(Command::Check(check)) => Some(check.overrides()),
            Some(_) | None => None,
        };
        self.overrides.iter().chain(behind.into_iter().flat_map(Overrides::iter))
    }

    /// What `throttle check` says on the standard output when the configuration is valid, without a line break at
    /// the end. `look` finds what keeps a server from starting with it besides, as [`Draft::examine`] says.
    ///
    /// # Errors
    /// As [`Cli::config`].
    pub fn check(&self, look: Look) -> Result<String, Problems> {
        self.check_in(Path::new(""), |name| std::env::var_os(name), look)
    }

    /// As [`Cli::check`], in surroundings as in [`Cli::load_in`].
    ///
    /// # Errors
    /// As [`Cli::config`].
    pub fn check_in(
        &self,
        directory: &Path,
        variable: impl Fn(&str) -> Option<OsString>,
        look: Look,
    ) -> Result<String, Problems> {
        let mut draft = self.draft(directory, &variable);
        draft.examine(look);
        let loaded = draft.finish()?;
        let (path, _) = self.path(directory, &variable);
        let source = path.exists().then(|| path.display().to_string());
        Ok(summary::of(&loaded, source.as_deref()))
    }

    /// The text of the configuration file and what it is called, if there is one.
    fn text(
        &self,
        directory: &Path,
        variable: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<(String, String)>, Problem> {
        let (path, explicit) = self.path(directory, variable);
        let name = path.display().to_string();
        match read_file(&path)? {
            Some(text) => Ok(Some((text, name))),
            None if !explicit => Ok(None),
            None => Err(Problem {
                origin: Origin::File { name, at: None },
                message: "there is no such file".to_owned(),
            }),
        }
    }

    /// The path of the configuration file, and whether somebody named it.
    fn path(
        &self,
        directory: &Path,
        variable: &impl Fn(&str) -> Option<OsString>,
    ) -> (PathBuf, bool) {
        let from_variable = || variable(CONFIGURATION_VARIABLE).filter(|it| !it.is_empty());
        match self.configuration.clone().or_else(|| from_variable().map(PathBuf::from)) {
            Some(path) => (path, true),
            None => (directory.join(DEFAULT_FILE), false),
        }
    }
}

fn take_variable(draft: &mut Draft, setting: &Setting, name: String, value: OsString) {
    let origin = Origin::Variable(name);
    match value.to_str() {
        // Kubernetes sets THROTTLE_PORT=tcp://10.0.0.1:8000 wherever there is a service named "throttle".
        Some(text) if setting.key == "port" && text.contains("://") => {
            draft.note(
                origin,
                format!("ignored: {text:?} is not a port but the address of a service"),
            );
        }
        Some(text) => draft.set(setting, text, origin),
        None => draft.problem(origin, "the value must be text in UTF-8".to_owned()),
    }
}
