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
use crate::engine::{Change, Label, Operation, Reply, Span, Wish};
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
    operate.change(Operation::Change { name, wish }, kind, actor, why).await
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
    /// Changes one semaphore.
    async fn change(
        &self,
        operation: Operation,
        kind: Kind,
        actor: Actor,
        why: Option<Label>,
    ) -> Result<Response, Problem> {
        let Reply::Changed(changes) = self.apply(operation).await? else {
            return Err(Problem::misunderstood());
        };
        let Some(change) = changes.first() else { return Err(Problem::misunderstood()) };
        self.record_change(change, kind, &actor, why);
        let Change { name, before, after } = change;
        let (before, after) = (before.map(Shape::of), after.map(Shape::of));
        let changed = Changed { name: name.as_str(), before, after };
        Ok(json(serde_json::to_string(&changed).unwrap_or_default()))
    }

    /// Puts a change on record, if it is one.
    pub(super) fn record_change(
        &self,
        Change { name, before, after }: &Change,
        kind: Kind,
        actor: &Actor,
        why: Option<Label>,
    ) {
        if before != after {
            let record = Operated::new(kind, actor.name(), why);
            let (semaphore, before, after) = (Some(name.clone()), *before, *after);
            self.record(actor, Operated { semaphore, before, after, ..record });
        }
    }
}
