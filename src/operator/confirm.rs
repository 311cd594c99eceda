//! Asks somebody at a terminal, who is shown what will be hit. Without a terminal nobody is asked: then what takes
//! something away must have been asked for with `--yes`.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::time::Duration;

use serde::Serialize;

use super::act::Deed;
use super::details;
use super::failure::Failure;
use super::look;
use super::server::Server;
use super::shapes::{Row, Semaphore, State};
use super::table::Style;
use super::words::{self, some_state, state};
use crate::cli::{BucketAction, Revoke, SemaphoreAction};
use crate::printable::printable;

/// So many holders, and so many that wait, are shown.
const SHOWN: usize = 10;

const STYLE: Style = Style { colours: false, cut: true };

/// Returns when it may be done.
pub(super) fn confirm(server: &Server, deed: Deed<'_>, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return if takes_away(deed) { Err(unasked()) } else { Ok(()) };
    }
    let hit = hit(server, deed)?;
    let mut err = stderr().lock();
    let asked = write!(err, "{}\n\nDo it? [y/N] ", hit.join("\n")).and_then(|()| err.flush());
    asked.map_err(|error| Failure::Trouble(format!("cannot ask: {error}")))?;
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    read.map_err(|error| Failure::Trouble(format!("cannot read the answer: {error}")))?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    Err(Failure::Refused("nothing was done".to_owned()))
}

fn unasked() -> Failure {
    let message = "this takes something away, and there is no terminal to ask on: --yes does it without asking";
    Failure::Usage(message.to_owned())
}

fn takes_away(deed: Deed<'_>) -> bool {
    match deed {
        Deed::Semaphore(action) => match action {
            SemaphoreAction::Delete { .. } | SemaphoreAction::Free { .. } => true,
            SemaphoreAction::Create { .. }
            | SemaphoreAction::Change { .. }
            | SemaphoreAction::Pause { .. }
            | SemaphoreAction::Resume { .. } => false,
        },
        Deed::Revoke(_) => true,
        Deed::Bucket(_) | Deed::Reload => false,
    }
}

/// What will be done, and to whom, in inert lines.
fn hit(server: &Server, deed: Deed<'_>) -> Result<Vec<String>, Failure> {
    match deed {
        Deed::Semaphore(action) => hit_semaphore(server, action),
        Deed::Bucket(action) => hit_bucket(server, action),
        Deed::Revoke(revoke) => hit_peer(server, revoke),
        Deed::Reload => hit_all(server),
    }
}

fn hit_semaphore(server: &Server, action: &SemaphoreAction) -> Result<Vec<String>, Failure> {
    let name = match action {
        SemaphoreAction::Create { semaphore: (name, max), level, manners } => {
            let (name, manners) = (printable(name), said(manners));
            return Ok(vec![format!(
                "This makes the semaphore {name}: max {max}, level {level}{manners}."
            )]);
        }
        SemaphoreAction::Change { name, .. }
        | SemaphoreAction::Pause { name }
        | SemaphoreAction::Resume { name }
        | SemaphoreAction::Delete { name, .. }
        | SemaphoreAction::Free { name, .. } => name,
    };
    let seen = server.look(&format!("{}?limit={SHOWN}", look::semaphore(name)))?;
    let doing = doing(action, &printable(name), &seen);
    Ok([doing].into_iter().chain(details::semaphore(&seen, STYLE)).collect())
}

fn doing(action: &SemaphoreAction, name: &str, seen: &Semaphore) -> String {
    match action {
        SemaphoreAction::Create { .. } => format!("This makes {name}."),
        SemaphoreAction::Change { name: _, max, level, manners } => {
            let max = max.map_or(seen.state.max, u64::from);
            let level = level.map_or(seen.state.level, i64::from);
            let after = State { max, level, ..seen.state };
            let too_much = if seen.held > max {
                " More is held: nothing is granted until it fits."
            } else {
                ""
            };
            format!(
                "This changes {name} from {} to {}{}.{too_much}",
                state(&seen.state),
                state(&after),
                said(manners)
            )
        }
        SemaphoreAction::Pause { .. } => {
            format!("This pauses {name}: nothing more of it is granted.")
        }
        SemaphoreAction::Resume { .. } => format!("This resumes {name}: it is granted again."),
        SemaphoreAction::Delete { name: _, force: true } => {
            format!("This deletes {name}, whoever holds it or waits for it.")
        }
        SemaphoreAction::Delete { .. } if seen.holder_count > 0 || seen.waiters > 0 => format!(
            "This deletes {name}, if nobody holds it or waits for it by then: otherwise it takes --force."
        ),
        SemaphoreAction::Delete { .. } => format!("This deletes {name}."),
        SemaphoreAction::Free { name: _, grace } => {
            format!("This takes {name} away from all that hold it, {}.", when(*grace))
        }
    }
}

fn hit_bucket(server: &Server, action: &BucketAction) -> Result<Vec<String>, Failure> {
    let (name, terms) = match action {
        BucketAction::Create { name, terms } => {
            return Ok(vec![format!("This makes the bucket {}{}.", printable(name), said(terms))]);
        }
        BucketAction::Change { name, terms } => (name, terms),
    };
    let seen = server.look(&format!("{}?limit={SHOWN}", look::semaphore(name)))?;
    let doing = format!("This changes the bucket {}{}.", printable(name), said(terms));
    Ok([doing].into_iter().chain(details::semaphore(&seen, STYLE)).collect())
}

/// What was said on the command line, behind what else there is to say.
fn said(flags: &impl Serialize) -> String {
    let said = serde_json::to_value(flags).unwrap_or_default();
    let each = said.as_object().into_iter().flatten().map(|(name, value)| match value.as_str() {
        Some(text) => format!(", {name} {text}"),
        None if value.is_null() => format!(", {name} none"),
        None => format!(", {name} {value}"),
    });
    each.collect()
}

fn hit_peer(server: &Server, revoke: &Revoke) -> Result<Vec<String>, Failure> {
    let Revoke { id, semaphore, grace, acting: _ } = revoke;
    let (seen, when) = (server.look(&look::peer(id))?, when(*grace));
    let doing = match semaphore {
        Some(name) => format!("This takes {} away from this peer, {when}:", printable(name)),
        None => format!("This takes away this peer with all that it holds and waits for, {when}:"),
    };
    Ok([doing].into_iter().chain(details::peer(&seen, STYLE)).collect())
}

fn hit_all(server: &Server) -> Result<Vec<String>, Failure> {
    let rows: Vec<Row> = server.look("/operate/semaphores")?;
    let mut lines = vec![format!(
        "This lets {} read its configuration file again, and take all of it or nothing.",
        printable(server.url())
    )];
    let differs = rows.iter().filter_map(|row| Some((row, row.configured?)));
    lines.extend(differs.map(|(row, configured)| {
        let now = state(&row.state.with(row.bucket.as_ref()));
        let said = some_state(configured.as_ref());
        format!("{}: {now}; when the file was last read, it had {said}", printable(&row.name))
    }));
    Ok(lines)
}

fn when(grace: Option<Duration>) -> String {
    let grace = words::grace(grace);
    grace.map_or_else(|| "at once".to_owned(), |grace| format!("in {grace} at the latest"))
}
