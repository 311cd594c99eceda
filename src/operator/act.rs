//! What operators do: one request each, and what has changed, in words.

use serde::Serialize;
use ureq::http::Method;

use super::address::encoded;
use super::confirm::confirm;
use super::failure::Failure;
use super::look;
use super::server::Server;
use super::shapes::{Changed, Loss, Reloaded, State, Taken};
use super::words::{self, some_state};
use crate::cli::{Acting, BucketAction, Manners, Revoke, SemaphoreAction, Terms};
use crate::printable::printable;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed<'a> {
    Semaphore(&'a SemaphoreAction),
    Bucket(&'a BucketAction),
    Revoke(&'a Revoke),
    Reload,
}

/// Does it, and returns what it was before and is after, in inert lines.
pub(super) fn act(deed: Deed<'_>, acting: &Acting) -> Result<Vec<String>, Failure> {
    let server = Server::new(&acting.reach)?;
    confirm(&server, deed, acting.yes)?;
    let why = acting.why.as_deref();
    match deed {
        Deed::Semaphore(action) => act_on(&server, action, why),
        Deed::Bucket(action) => act_on_bucket(&server, action, why),
        Deed::Revoke(revoke) => take(&server, revoke, why),
        Deed::Reload => reload(&server, why),
    }
}

/// What is sent. What is not there is left as it is.
#[derive(Default, Serialize)]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    semaphore: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(flatten)]
    manners: Option<&'a Manners>,
    #[serde(flatten)]
    terms: Option<&'a Terms>,
}

fn act_on(
    server: &Server,
    action: &SemaphoreAction,
    why: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let change = |name: &str, request: Request<'_>| {
        server.act(Method::PATCH, &look::semaphore(name), &request).map(|it| changed(&it))
    };
    let pause = |paused| Request { paused: Some(paused), why, ..Request::default() };
    match action {
        SemaphoreAction::Create { semaphore: (name, max), level, manners } => {
            let (name, max, level) = (Some(name.as_str()), Some(*max), Some(*level));
            let manners = Some(manners);
            let request = Request { name, max, level, manners, why, ..Request::default() };
            server.act(Method::POST, "/operate/semaphores", &request).map(|it| changed(&it))
        }
        SemaphoreAction::Change { name, max, level, manners } => {
            let (max, level, manners) = (*max, *level, Some(manners));
            change(name, Request { max, level, manners, why, ..Request::default() })
        }
        SemaphoreAction::Pause { name } => change(name, pause(true)),
        SemaphoreAction::Resume { name } => change(name, pause(false)),
        SemaphoreAction::Delete { name, force } => {
            let why = why.map(|why| format!("&why={}", encoded(why))).unwrap_or_default();
            let path = format!("{}?force={force}{why}", look::semaphore(name));
            server.delete(&path).map(|it| changed(&it)).map_err(with_a_way_out)
        }
        SemaphoreAction::Free { name, grace } => {
            let grace = words::grace(*grace);
            let after = after("nobody holds it", grace.as_deref());
            let path = format!("{}/free", look::semaphore(name));
            let request = Request { grace, why, ..Request::default() };
            let taken = server.act(Method::POST, &path, &request)?;
            Ok(lost(&format!("semaphore {}", printable(name)), &taken, &after))
        }
    }
}

/// A reload is refused for the same reason, and cannot be forced.
fn with_a_way_out(failure: Failure) -> Failure {
    match failure {
        Failure::InUse(said) => {
            let said = said.trim_end_matches('.');
            Failure::InUse(format!("{said}; with --force they lose it, and it is deleted"))
        }
        other @ (Failure::Refused(_)
        | Failure::Usage(_)
        | Failure::Trouble(_)
        | Failure::Unread) => other,
    }
}

fn act_on_bucket(
    server: &Server,
    action: &BucketAction,
    why: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let done = match action {
        BucketAction::Create { name, terms } => {
            let (name, terms) = (Some(name.as_str()), Some(terms));
            let request = Request { name, terms, why, ..Request::default() };
            server.act(Method::POST, "/operate/semaphores", &request)
        }
        BucketAction::Change { name, terms } => {
            let request = Request { terms: Some(terms), why, ..Request::default() };
            server.act(Method::PATCH, &look::semaphore(name), &request)
        }
    };
    done.map(|it| changed(&it))
}

fn take(server: &Server, revoke: &Revoke, why: Option<&str>) -> Result<Vec<String>, Failure> {
    let Revoke { id, semaphore, grace, acting: _ } = revoke;
    let grace = words::grace(*grace);
    let gone = match semaphore {
        Some(name) => format!("it holds nothing of {}", printable(name)),
        None => "it is gone".to_owned(),
    };
    let after = after(&gone, grace.as_deref());
    let request = Request { semaphore: semaphore.as_deref(), grace, why, ..Request::default() };
    let taken = server.act(Method::POST, &format!("{}/revoke", look::peer(id)), &request)?;
    Ok(lost(&format!("peer {}", printable(id)), &taken, &after))
}

fn reload(server: &Server, why: Option<&str>) -> Result<Vec<String>, Failure> {
    let request = Request { why, ..Request::default() };
    let reloaded = server.act(Method::POST, "/operate/reload", &request)?;
    let Reloaded { changes, tokens, certificate, restart } = reloaded;
    let mut lines: Vec<_> = changes.iter().flat_map(changed).collect();
    if changes.is_empty() {
        lines.push("no semaphore has changed".to_owned());
    }
    lines.extend(tokens.iter().map(|token| format!("token {}", printable(token))));
    lines.extend(certificate.map(|it| format!("certificate {}", printable(&it))));
    if !restart.is_empty() {
        let settings = printable(&restart.join(", "));
        lines.push(format!("changed in the file, and in need of a restart: {settings}"));
    }
    Ok(lines)
}

fn changed(Changed { name, before, after, opened }: &Changed) -> Vec<String> {
    let kind = match before.as_ref().or(after.as_ref()) {
        Some(State { refill: Some(_), .. }) => "bucket",
        Some(_) | None => "semaphore",
    };
    let closed = if *opened { ", closed by a client" } else { "" };
    vec![
        format!("{kind} {}", printable(name)),
        format!("before  {}{closed}", some_state(before.as_ref())),
        format!("after   {}", some_state(after.as_ref())),
    ]
}

fn lost(subject: &str, Taken { revoked }: &Taken, after: &str) -> Vec<String> {
    let mut lines = vec![subject.to_owned()];
    for loss in revoked {
        let first = if lines.len() == 1 { "before" } else { "" };
        lines.push(format!("{first:<6}  {}", held(loss)));
    }
    if revoked.is_empty() {
        lines.push("before  nobody held anything".to_owned());
    }
    lines.push(format!("after   {after}"));
    lines
}

fn held(Loss { peer, locks }: &Loss) -> String {
    let locks = locks.iter().map(|lock| {
        format!("{}={} (fence {})", printable(&lock.semaphore), lock.count, lock.fence)
    });
    let locks: Vec<_> = locks.collect();
    let locks = if locks.is_empty() { "nothing".to_owned() } else { locks.join(", ") };
    format!("{} held {locks}", printable(peer))
}

fn after(gone: &str, grace: Option<&str>) -> String {
    grace.map_or_else(|| gone.to_owned(), |grace| format!("{gone}, in {grace} at the latest"))
}
