//! What operators do at a shell: `throttle status`, `throttle semaphore`, `throttle bucket`, `throttle peer` and
//! `throttle reload`. They look at a running server, and act on it.
//!
//! All that is known about the server comes over HTTP (`server`): nothing here is shared with the code that answers.
//! What the server says was chosen by others, so it is made inert where it becomes text (`table`, `words`, `details`).

mod act;
mod address;
mod answer;
mod confirm;
mod details;
mod failure;
pub mod health;
mod look;
mod overview;
mod screen;
mod server;
mod shapes;
mod table;
mod watch;
mod words;

use std::io::{Write, stderr};
use std::process::ExitCode;

use self::act::{Deed, act};
use self::failure::Failure;
use self::look::{Form, Subject, look};
use self::server::Server;
use self::table::Style;
use crate::cli::{Acting, Bucket, Peer, PeerAction, Reload, Semaphore, ShowPeer, Status};
use crate::printable::printable;

/// `throttle status`. Returns what the process should exit with, as the others do; what goes wrong is told on the
/// standard error stream.
pub fn status(arguments: &Status) -> ExitCode {
    ended("status", attempt(arguments))
}

/// `throttle semaphore`.
pub fn semaphore(Semaphore { action, acting }: &Semaphore) -> ExitCode {
    ended("semaphore", done(Deed::Semaphore(action), acting))
}

/// `throttle bucket`.
pub fn bucket(Bucket { action, acting }: &Bucket) -> ExitCode {
    ended("bucket", done(Deed::Bucket(action), acting))
}

/// `throttle peer`.
pub fn peer(Peer { action, .. }: &Peer) -> ExitCode {
    let outcome = match action {
        PeerAction::Show(arguments) => show(arguments),
        PeerAction::Revoke(revoke) => done(Deed::Revoke(revoke), &revoke.acting),
    };
    ended("peer", outcome)
}

/// `throttle reload`.
pub fn reload(Reload { acting }: &Reload) -> ExitCode {
    ended("reload", done(Deed::Reload, acting))
}

fn attempt(arguments: &Status) -> Result<(), Failure> {
    let server = Server::new(&arguments.reach)?;
    let subject = arguments.name.clone().map_or(Subject::Everything, Subject::Semaphore);
    let form = form(arguments.json);
    if arguments.watch {
        return watch::watch(server, subject, form);
    }
    print(&look(&server, &subject, form)?)
}

fn show(arguments: &ShowPeer) -> Result<(), Failure> {
    let server = Server::new(&arguments.reach)?;
    print(&look(&server, &Subject::Peer(arguments.id.clone()), form(arguments.json))?)
}

fn done(deed: Deed<'_>, acting: &Acting) -> Result<(), Failure> {
    print(&act(deed, acting)?)
}

fn form(json: bool) -> Form {
    if json { Form::Json } else { Form::Text(Style::of_stdout()) }
}

fn print(lines: &[String]) -> Result<(), Failure> {
    screen::print(&format!("{}\n", lines.join("\n")))
}

fn ended(command: &str, outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    if let Some(message) = failure.message() {
        // What is wrong with a configuration has many lines. Without the stream there is nobody to tell.
        let lines: Vec<_> = message.lines().map(printable).collect();
        let _ = writeln!(stderr(), "throttle {command}: {}", lines.join("\n"));
    }
    ExitCode::from(failure.exit_code())
}
