//! What operators' commands have in common: how the server is reached, and how an action is asked for. A token is never
//! part of a command line, where everybody on the machine could read it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{DEFAULT_SERVER, secret};
use crate::access::Token;

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Reach {
    /// Address of the server [env: THROTTLE_SERVER] [default: ws://localhost:8000]
    #[arg(long, global = true, value_name = "URL", env = "THROTTLE_SERVER", hide_env = true)]
    server: Option<String>,

    /// File with the token that the server wants to see [env: THROTTLE_TOKEN_FILE, or the token itself in THROTTLE_TOKEN]
    #[arg(long, global = true, value_name = "FILE", env = "THROTTLE_TOKEN_FILE", hide_env = true)]
    token_file: Option<PathBuf>,

    /// File with the certificates in PEM that may vouch for the server's [env: THROTTLE_CA] [default: the system's]
    #[arg(long, global = true, value_name = "FILE", env = "THROTTLE_CA", hide_env = true)]
    ca: Option<PathBuf>,

    /// That of the server means nothing here.
    #[arg(id = "configuration", hide = true, global = true)]
    #[arg(short, long, value_name = "FILE")]
    _configuration: Option<PathBuf>,
}

impl Reach {
    /// Where the server is. An empty text counts as none.
    pub fn server(&self) -> &str {
        self.server.as_deref().filter(|url| !url.is_empty()).unwrap_or(DEFAULT_SERVER)
    }

    /// What the server is shown.
    ///
    /// # Errors
    /// What is wrong with the file or the variable, without what is in it.
    pub fn token(&self) -> Result<Option<Token>, String> {
        secret::find(self.token_file.as_deref())
    }

    /// The file with the certificates that may vouch for the server. An empty name counts as none.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref().filter(|file| !file.as_os_str().is_empty())
    }
}

/// How an action is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Acting {
    /// How the server is reached.
    #[command(flatten)]
    pub reach: Reach,

    /// The reason, for the server's log and for those who lose something
    #[arg(long, global = true, value_name = "TEXT")]
    pub why: Option<String>,

    /// Do it without asking
    #[arg(short, long, global = true)]
    pub yes: bool,
}
