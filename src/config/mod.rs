//! What the server is told before it starts, with the defaults.
//!
//! A configuration comes from `throttle.toml`, is overridden by `THROTTLE_*` variables and these by flags
//! ([`crate::cli`]). Whatever the source, a value passes the same bounds, and all problems are told at once.
//! Nothing here opens sockets, starts logging, or reads the environment by itself; only the number of cores is asked for.

mod auth;
mod buckets;
mod document;
mod draft;
mod entry;
mod file;
mod input;
mod level;
mod problem;
mod said;
mod semaphores;
mod setting;
mod suggestion;
mod threads;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::access::{Hosts, Role, TokenDigest};
use crate::engine::{self, SemaphoreSettings, Span};

pub use auth::token_name;
pub use draft::{Draft, Loaded};
pub use entry::RESERVED;
pub use file::{MAX_FILE_BYTES, check_regular, read_file};
pub use level::{Level, LogFormat};
pub use problem::{Origin, Position, Problem, Problems};
pub use said::Said;
pub use setting::{SETTINGS, Setting};
pub use threads::Threads;

/// Everything that can be configured. The default is what an empty file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The address to listen on. Default: `127.0.0.1`.
    pub address: IpAddr,
    /// The TCP port to listen on; 0 is any free one. Default: 8000.
    pub port: u16,
    /// How much longer than it asked for a peer of the REST interface lives, at most a day. It is for clients whose
    /// heartbeat comes just when their peer expires. Default: none.
    pub expiry_grace: Duration,
    /// The semaphores and buckets, ordered by name, each with a maximum of at least 1; a name with a `*`
    /// stands for many. Default: none.
    pub semaphores: Vec<SemaphoreSettings>,
    /// Whether the file has a section for them, be it an empty one: then it is meant that there are no others.
    pub has_semaphores: bool,
    /// Whether clients may declare semaphores and buckets that are not listed. Default: no.
    pub dynamic: bool,
    /// How long nothing new is granted after the start, so that those who held something before can come back
    /// first; 0 to a day. Default: 0.
    pub recovery_grace: Duration,
    /// Threads that serve, 1 to 1,024. Default: `None`, half of the cores, but at least one.
    pub threads: Option<usize>,
    /// How long a thread waits awake for a request that follows another one closely; 0 to 10 ms. Default: 100 µs.
    pub busy_poll: Duration,
    /// Where the dashboard's files are read from, by whoever works on them. Default: `None`, those in the program.
    pub web_dir: Option<PathBuf>,
    /// Whether it is meant that everybody who reaches the server may do everything, on whatever address it listens.
    /// Default: no, and a configuration that says nothing of tokens is refused with an address that others reach.
    pub insecure: bool,
    /// The names by which browsers may call the server. Default: `Auto`.
    pub hosts: Hosts,
    /// The tokens that let somebody in. Default: none, and everybody may do everything.
    pub tokens: Vec<TokenSettings>,
    /// Encryption.
    pub tls: Tls,
    /// How WebSocket sessions are kept.
    pub sessions: Sessions,
    /// Bounds on what clients may do.
    pub limits: Limits,
    /// Where the log goes.
    pub logging: Logging,
}

/// A token: what whoever has it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// What its owner is called, 1 to 64 bytes without control characters. No two have the same.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// All that is known of the token itself. No two have the same.
    pub sha256: TokenDigest,
}

/// Encryption. It is there when both files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The file with the certificate and those that vouch for it, in PEM. Default: none.
    pub certificate: Option<PathBuf>,
    /// The file with its private key, in PEM. Default: none.
    pub key: Option<PathBuf>,
    /// How long a handshake may take, 1 µs to a day. Default: 5 s.
    pub handshake_timeout: Duration,
}

/// What it takes to speak TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Tls {
    /// The two files. `None`: the server speaks no TLS.
    pub fn files(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.certificate.clone().zip(self.key.clone())?;
        Some(TlsFiles { certificate, key })
    }
}

/// How WebSocket sessions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// How often the server pings. A session that is silent for twice as long is ended. 1 µs to a day. Default: 15 s.
    pub heartbeat: Duration,
    /// How long the first message may take, 1 µs to a day. Default: 5 s.
    pub hello_timeout: Duration,
    /// Most sessions at once, 1 to 10,000,000. `None`, the default: 15 of 16 connections, so that REST callers,
    /// operators and metrics get through when sessions take all there is.
    pub max_sessions: Option<usize>,
    /// Most peers of one connection, 1 to 1,000,000. Default: 1,024.
    pub max_peers_per_connection: usize,
}

/// Bounds on what clients may do. Each keeps one of them from taking the server away from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time to live of a peer and longest timeout of an acquire, 1 µs to 36,500 days. Default: 365 days.
    pub max_expires_in: Span,
    /// Most peers at once, 1 to 100,000,000. Default: 1,000,000.
    pub max_peers: usize,
    /// Most names at once that patterns or clients bring, 1 to 100,000,000. Default: 1,000,000.
    pub max_keyed: usize,
    /// How long such a name is remembered when nobody uses it, 1 µs to a year. Default: 10 min.
    pub idle_ttl: Duration,
    /// Most open connections at once, 1 to 10,000,000. Default: `None`, a safe share of the files that the process
    /// may have open.
    pub max_connections: Option<usize>,
    /// Longest body of a request in bytes, 1,024 to 16,777,216. Default: 65,536.
    pub max_body_bytes: usize,
    /// How long the header of a request may take to arrive, 1 µs to a day. Default: 5 s.
    pub header_read_timeout: Duration,
    /// How long the body of a request may take to arrive, 1 µs to a day. Default: 5 s.
    pub body_read_timeout: Duration,
    /// How long open requests get to finish when the server shuts down, 1 µs to a day. Default: 1,500 ms.
    pub drain_timeout: Duration,
}

/// Where the log goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// The log on the standard error stream.
    pub stderr: StderrLog,
    /// The log that is sent to a Graylog server. Default: none is sent.
    pub gelf: Option<Gelf>,
}

/// The log on the standard error stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StderrLog {
    /// What is less severe is left out. Default: `INFO`.
    pub level: Level,
    /// Filter directives such as `info,throttle=debug`, which take the place of `level` when they are there. They
    /// come from `--log` or `THROTTLE_LOG` only and are known to be valid. Default: none.
    pub directives: Option<String>,
    /// How a line looks. Default: text.
    pub format: LogFormat,
}

/// A log that is sent to a Graylog server, as GELF over UDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gelf {
    /// What this server calls itself, 1 to 128 bytes. Default: `throttle`.
    pub name: String,
    /// Name or address of the Graylog server, 1 to 253 bytes. It has no default.
    pub host: String,
    /// UDP port of the Graylog server, 1 to 65,535. Default: 12201.
    pub port: u16,
    /// What is less severe is left out. Default: `INFO`.
    pub level: Level,
}

impl Config {
    /// Reads a configuration from the text of a TOML file; `name` is what problems call the file.
    ///
    /// # Errors
    /// All problems that it has.
    pub fn from_toml(text: &str, name: &str) -> Result<Self, Problems> {
        let mut draft = Draft::default();
        draft.read(text, name);
        draft.finish().map(|loaded| loaded.config)
    }

    /// Whether others than programs of this machine may do everything, because it does not take a token to do so.
    pub fn is_exposed(&self) -> bool {
        self.tokens.is_empty() && !self.address.to_canonical().is_loopback()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8000,
            expiry_grace: Duration::ZERO,
            semaphores: Vec::new(),
            has_semaphores: false,
            dynamic: false,
            recovery_grace: Duration::ZERO,
            threads: None,
            busy_poll: Duration::from_micros(100),
            web_dir: None,
            insecure: false,
            hosts: Hosts::Auto,
            tokens: Vec::new(),
            tls: Tls::default(),
            sessions: Sessions::default(),
            limits: Limits::default(),
            logging: Logging::default(),
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self { certificate: None, key: None, handshake_timeout: Duration::from_secs(5) }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            hello_timeout: Duration::from_secs(5),
            max_sessions: None,
            max_peers_per_connection: 1024,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let engine = engine::Limits::default();
        Self {
            max_expires_in: engine.max_expires_in,
            max_peers: engine.max_peers,
            max_keyed: engine.max_keyed,
            idle_ttl: engine.idle_ttl.into(),
            max_connections: None,
            max_body_bytes: 64 * 1024,
            header_read_timeout: Duration::from_secs(5),
            body_read_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_millis(1_500),
        }
    }
}

impl Default for StderrLog {
    fn default() -> Self {
        Self { level: Level::Info, directives: None, format: LogFormat::Text }
    }
}

impl Gelf {
    /// All the defaults, and the one thing that has none.
    pub fn to(host: &str) -> Self {
        Self { name: "throttle".into(), host: host.into(), port: 12201, level: Level::Info }
    }
}
