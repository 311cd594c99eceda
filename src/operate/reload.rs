//! The configuration file, read again while the server runs: all of it is taken, or nothing.
//!
//! What the file says about semaphores wins over what operators have changed since. Semaphores that operators have
//! made stay, and what is paused stays paused. Settings that take effect at the start only are named, not taken.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::audit::Actor;
use super::body::{self, Body};
use super::look::json;
use super::{Operate, Problem};
use crate::body::Object;
use crate::config::{Config, SETTINGS, TokenSettings};
use crate::engine::{Change, Label, Operation, Reply, SemaphoreName};
use crate::feed::{Kind, Operated, State as Shape};

/// A file that is gone, empty or cut off must not take away everything.
const NO_SEMAPHORES: &str = "there is no section [semaphores] any more, which would remove all of them: if that is meant, \
    leave the section empty";

/// Reads the configuration as at the start. The error is what is wrong with it, for people.
pub type Source = Arc<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// Looks whether somebody besides the engine can take a configuration. The error is why not, for people.
pub type Prepare = Arc<dyn Fn(&Config) -> Result<Prepared, String> + Send + Sync>;

/// A configuration that was looked at, and is good.
pub struct Prepared {
    /// Takes it.
    pub take: Box<dyn FnOnce() + Send>,
    /// What is different about the certificate, in words.
    pub certificate: Option<String>,
}

/// Where a new configuration comes from, who takes it, and which one is in force.
#[derive(Clone)]
pub struct Reload {
    source: Option<Source>,
    prepare: Prepare,
    /// Held while a configuration is taken in: one after the other. What the file says about semaphores is
    /// [`Configured`](crate::feed::Configured)'s.
    current: Arc<Mutex<Config>>,
}

/// What a reload has changed.
#[derive(Debug, Serialize)]
pub struct Reloaded {
    changes: Vec<Changed>,
    /// Whose tokens are different now, and how.
    tokens: Vec<String>,
    /// What is different about the certificate, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    /// Settings that are different in the file, and need a restart.
    restart: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Changed {
    semaphore: String,
    before: Option<Shape>,
    after: Option<Shape>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(default, deserialize_with = "body::why")]
    why: Option<Label>,
}

impl Object for Request {
    const EXAMPLE: &str = r#"{"why":"a new semaphore"}"#;
}

impl Reload {
    /// From this source, after having started with this configuration. Without a source there is no reload.
    pub fn new(source: Option<Source>, prepare: Prepare, current: Config) -> Self {
        let current = Config { semaphores: Vec::new(), ..current };
        Self { source, prepare, current: Arc::new(Mutex::new(current)) }
    }
}

pub(super) async fn reload(
    State(operate): State<Operate>,
    actor: Actor,
    Body(Request { why }): Body<Request>,
) -> Result<Response, Problem> {
    let reloaded = operate.reload(&actor, why).await.inspect_err(|problem| {
        tracing::error!(by = ?actor.name(), "the configuration stays as it was: {}", problem.detail());
    })?;
    Ok(json(serde_json::to_string(&reloaded).unwrap_or_default()))
}

impl Operate {
    /// Takes in the configuration as it is now.
    ///
    /// # Errors
    /// [`Problem`]: then nothing has changed.
    pub async fn reload(&self, actor: &Actor, why: Option<Label>) -> Result<Reloaded, Problem> {
        let Reload { source, prepare, current } = &self.0.reload;
        let Some(source) = source.clone() else {
            let detail = "This server was started without a configuration that can be read again.";
            return Err(Problem::new(StatusCode::CONFLICT, "no_configuration", detail));
        };
        let mut current = current.lock().await;
        tracing::info!(by = ?actor.name(), "the configuration is read again");
        let (new, prepared) = prepare_new(source, Arc::clone(prepare)).await?;
        let Prepared { take, certificate } = prepared;
        let changes = self.configure(&new).await?;
        take();
        self.0.configured.set(&new.semaphores);
        let restart = differences(&current, &new);
        let tokens = token_changes(&current.tokens, &new.tokens);
        current.tokens = new.tokens;
        drop(current);
        let others_changed = !tokens.is_empty() || certificate.is_some();
        self.record_reload(&changes, others_changed, actor, why.as_ref());
        let remote = actor.remote().map(tracing::field::display);
        let others = tokens.iter().map(|token| format!("token {token}"));
        for other in others.chain(certificate.as_ref().map(|it| format!("certificate {it}"))) {
            tracing::info!(target: "throttle::audit", action = "reload", by = ?actor.name(), remote, "{other}");
        }
        if !restart.is_empty() {
            tracing::warn!(settings = restart.join(", "), "these have changed, and need a restart");
        }
        let changes = changes.iter().map(Changed::of).collect();
        Ok(Reloaded { changes, tokens, certificate, restart })
    }

    async fn configure(&self, new: &Config) -> Result<Vec<Change>, Problem> {
        let before = self.0.configured.names();
        if new.semaphores.is_empty() && !new.has_semaphores && !before.is_empty() {
            return Err(invalid(NO_SEMAPHORES));
        }
        let kept: BTreeSet<&SemaphoreName> = new.semaphores.iter().map(|it| &it.name).collect();
        let dropped = before.into_iter().filter(|name| !kept.contains(name));
        let dropped: Vec<_> = dropped.collect();
        // An operator may have removed it already.
        let there = move |engine: &crate::engine::Engine| {
            let mut dropped = dropped;
            dropped.retain(|name| engine.semaphore(name.as_str()).is_some());
            dropped
        };
        let remove = self.0.engine.read(there).await?;
        let configure = Operation::Configure { set: new.semaphores.clone(), remove };
        let Reply::Changed(changes) = self.apply(configure).await? else {
            return Err(Problem::misunderstood());
        };
        Ok(changes)
    }

    /// One that has changed nothing is on record, and does not count.
    fn record_reload(
        &self,
        changes: &[Change],
        others_changed: bool,
        actor: &Actor,
        why: Option<&Label>,
    ) {
        for change in changes {
            self.record_change(change, Kind::Reload, actor, why.cloned());
        }
        let reload = || Operated::new(Kind::Reload, actor.name(), why.cloned());
        match (changes.is_empty(), others_changed) {
            (true, true) => self.record(actor, reload()),
            (true, false) => self.note(actor, reload()),
            (false, _) => {}
        }
    }
}

/// Reads it, which may take its time, and has it looked at.
async fn prepare_new(source: Source, prepare: Prepare) -> Result<(Config, Prepared), Problem> {
    let read = tokio::task::spawn_blocking(move || {
        let new = source()?;
        let prepared = prepare(&new)?;
        Ok((new, prepared))
    });
    let read = read.await.map_err(|_| Problem::misunderstood())?;
    read.map_err(|problems: String| invalid(problems))
}

fn invalid(problems: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_configuration", problems)
}

impl Changed {
    fn of(Change { name, before, after }: &Change) -> Self {
        let [before, after] = [before, after].map(|state| state.map(Shape::of));
        Self { semaphore: name.to_string(), before, after }
    }
}

/// Each in words, such as `"ci" added as lease`.
fn token_changes(before: &[TokenSettings], after: &[TokenSettings]) -> Vec<String> {
    let named = |tokens: &[TokenSettings], name: &str| {
        tokens.iter().find(|token| token.name == name).map(|token| (token.role, token.sha256))
    };
    let new =
        after.iter().filter_map(|TokenSettings { name, role, sha256 }| match named(before, name) {
            None => Some(format!("{name:?} added as {role}")),
            Some(known) if known == (*role, *sha256) => None,
            Some((known, _)) if known == *role => Some(format!("{name:?} exchanged")),
            Some((known, _)) => Some(format!("{name:?} changed from {known} to {role}")),
        });
    let gone = before.iter().filter(|token| named(after, &token.name).is_none());
    new.chain(gone.map(|token| format!("{:?} removed", token.name))).collect()
}

/// Settings that are only looked at when the server starts, and are different now; of those in a section, the section.
fn differences(before: &Config, after: &Config) -> Vec<&'static str> {
    let different = SETTINGS.iter().filter(|it| (it.written)(before) != (it.written)(after));
    let sections = different.map(|it| it.key.split('.').next().unwrap_or(it.key));
    Vec::from_iter(BTreeSet::from_iter(sections))
}
