//! Semaphores and buckets made, changed, paused, removed, and freed of all that hold them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::body::{self, Asked, Body, Named};
use super::look::json;
use super::written::{Changes, New};
use super::{Operate, Problem};
use crate::body::Object;
use crate::engine::{BucketView, Change, Label, Operation, Reply, SemaphoreName, Span, Wish};
use crate::feed::{Kind, Operated, State as Shape};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    #[serde(default)]
    force: bool,
    #[serde(default, deserialize_with = "body::why")]
    why: Option<Label>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Freeing {
    #[serde(default, deserialize_with = "body::grace")]
    grace: Span,
    #[serde(default, deserialize_with = "body::why")]
    why: Option<Label>,
}

impl Object for Freeing {
    const EXAMPLE: &str = r#"{"grace":"30s"}"#;
}

#[derive(Serialize)]
struct Changed<'a> {
    name: &'a str,
    before: Option<Shape>,
    after: Option<Shape>,
    /// It was a bucket that a client had closed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    opened: bool,
}

/// What resuming opens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opens {
    Nothing,
    /// A bucket that a client has closed.
    It,
    /// The keys of a pattern, as far as they are closed.
    Keys,
}

pub(super) async fn create(
    State(operate): State<Operate>,
    actor: Actor,
    Body(new): Body<New>,
) -> Result<Response, Problem> {
    let (settings, why) = new.settings()?;
    let answer = operate.change(Operation::Create(settings), Kind::Create, actor, why).await?;
    Ok((StatusCode::CREATED, answer).into_response())
}

pub(super) async fn change(
    State(operate): State<Operate>,
    Named(name): Named,
    actor: Actor,
    Body(changes): Body<Changes>,
) -> Result<Response, Problem> {
    let (wish, why) = changes.wish()?;
    let kind =
        match wish.paused {
            Some(paused) if wish == (Wish { paused: Some(paused), ..Wish::default() }) => {
                if paused { Kind::Pause } else { Kind::Resume }
            }
            Some(_) | None => Kind::Change,
        };
    let opens = match wish.paused {
        Some(false) => operate.opens(name.clone()).await?,
        Some(true) | None => Opens::Nothing,
    };
    operate.change_and_open(Operation::Change { name, wish }, kind, actor, why, opens).await
}

pub(super) async fn delete(
    State(operate): State<Operate>,
    Named(name): Named,
    actor: Actor,
    Asked(Removal { force, why }): Asked<Removal>,
) -> Result<Response, Problem> {
    let delete = Operation::Delete { name, force, why: why.clone() };
    operate.change(delete, Kind::Delete, actor, why).await
}

pub(super) async fn free(
    State(operate): State<Operate>,
    Named(name): Named,
    actor: Actor,
    Body(Freeing { grace, why }): Body<Freeing>,
) -> Result<Response, Problem> {
    let record = Operated::new(Kind::Free, actor.name(), why.clone());
    let grace_of = Some(grace).filter(|grace| *grace != Span::ZERO);
    let record = Operated { semaphore: Some(name.clone()), grace: grace_of, ..record };
    operate.take_away(Operation::Free { name, grace, why }, &actor, record).await
}

impl Operate {
    async fn opens(&self, name: SemaphoreName) -> Result<Opens, Problem> {
        let seen = self.0.engine.read(move |engine| engine.semaphore(name.as_str())).await?;
        Ok(match seen.map(|seen| (seen.bucket, seen.keys)) {
            Some((Some(BucketView { closed_until: Some(_), .. }), _)) => Opens::It,
            Some((Some(_), Some(_))) => Opens::Keys,
            Some((_, _)) | None => Opens::Nothing,
        })
    }

    /// Changes one semaphore.
    async fn change(
        &self,
        operation: Operation,
        kind: Kind,
        actor: Actor,
        why: Option<Label>,
    ) -> Result<Response, Problem> {
        self.change_and_open(operation, kind, actor, why, Opens::Nothing).await
    }

    async fn change_and_open(
        &self,
        operation: Operation,
        kind: Kind,
        actor: Actor,
        why: Option<Label>,
        opens: Opens,
    ) -> Result<Response, Problem> {
        let Reply::Changed(changes) = self.apply(operation).await? else {
            return Err(Problem::misunderstood());
        };
        let Some(change) = changes.first() else { return Err(Problem::misunderstood()) };
        let Change { name, before, after } = change;
        if opens == Opens::Nothing {
            self.record_change(change, kind, &actor, why);
        } else {
            self.record(&actor, recorded(change, kind, &actor, why));
        }
        let (before, after) = (before.map(Shape::of), after.map(Shape::of));
        let opened = opens == Opens::It;
        let changed = Changed { name: name.as_str(), before, after, opened };
        Ok(json(serde_json::to_string(&changed).unwrap_or_default()))
    }

    /// Puts a change on record, if it is one.
    pub(super) fn record_change(
        &self,
        change: &Change,
        kind: Kind,
        actor: &Actor,
        why: Option<Label>,
    ) {
        if change.before != change.after {
            self.record(actor, recorded(change, kind, actor, why));
        }
    }
}

fn recorded(change: &Change, kind: Kind, actor: &Actor, why: Option<Label>) -> Operated {
    let Change { name, before, after } = change.clone();
    let record = Operated::new(kind, actor.name(), why);
    Operated { semaphore: Some(name), before, after, ..record }
}
