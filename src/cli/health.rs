//! The command line of `throttle health`. Nothing is asked here.

use std::path::{Path, PathBuf};

use clap::Args;

/// Where the server is unless somebody says something else: as it runs by itself, on this machine.
const DEFAULT_URL: &str = "http://localhost:8000";

const AFTER_HELP: &str = "\
A server is healthy when its lease engine answers, and ready when it grants locks too: after a restart with \
recovery_grace, clients come back first. What is wrong goes to the standard error stream. With https:// it is asked over \
TLS, by the name in its certificate. A token is not needed.

Example: throttle health --ready --url http://throttle.example.com:8000";

/// Ask a server whether it is well.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Health {
    /// Address of the server [env: THROTTLE_SERVER] [default: http://localhost:8000]
    #[arg(long, value_name = "URL", env = "THROTTLE_SERVER", hide_env = true)]
    url: Option<String>,

    /// File with the certificates in PEM that may vouch for the server's [env: THROTTLE_CA] [default: the system's]
    #[arg(long, value_name = "FILE", env = "THROTTLE_CA", hide_env = true)]
    ca: Option<PathBuf>,

    /// Ask whether it is ready for clients, not only whether it is alive
    #[arg(long)]
    pub ready: bool,

    /// That of the server means nothing here.
    #[arg(id = "configuration", hide = true)]
    #[arg(short, long, value_name = "FILE")]
    _configuration: Option<PathBuf>,
}

impl Health {
    /// Where the server is. An empty text counts as none.
    pub fn url(&self) -> &str {
        self.url.as_deref().filter(|url| !url.is_empty()).unwrap_or(DEFAULT_URL)
    }

    /// The file with the certificates that may vouch for the server. An empty name counts as none.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref().filter(|file| !file.as_os_str().is_empty())
    }
}
