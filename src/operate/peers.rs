//! Locks and peers taken away.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::body::{self, Body, Known};
use super::look::json;
use super::{Operate, Problem};
use crate::body::Object;
use crate::engine::{Label, Operation, Reply, Revoked, SemaphoreName, Span};
use crate::feed::{Kind, Operated};

/// Most peers that a line of the log names.
const NAMED_PEERS: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    /// Absent: the whole peer.
    #[serde(default, deserialize_with = "body::some_name")]
    semaphore: Option<SemaphoreName>,
    #[serde(default, deserialize_with = "body::grace")]
    grace: Span,
    #[serde(default, deserialize_with = "body::why")]
    why: Option<Label>,
}

impl Object for Revocation {
    const EXAMPLE: &str = r#"{"semaphore":"A","grace":"30s"}"#;
}

#[derive(Serialize)]
struct Taken {
    /// When: now, unless there is a grace.
    until_ms: u64,
    revoked: Vec<Loss>,
}

#[derive(Serialize)]
struct Loss {
    peer: String,
    locks: Vec<Lock>,
}

#[derive(Serialize)]
struct Lock {
    semaphore: String,
    count: u32,
    fence: u64,
}

pub(super) async fn revoke(
    State(operate): State<Operate>,
    Known(peer): Known,
    actor: Actor,
    Body(Revocation { semaphore: name, grace, why }): Body<Revocation>,
) -> Result<Response, Problem> {
    let record = Operated::new(Kind::Revoke, actor.name(), why.clone());
    let grace_of = Some(grace).filter(|grace| *grace != Span::ZERO);
    let record = Operated { peer: Some(peer), semaphore: name.clone(), grace: grace_of, ..record };
    operate.take_away(Operation::Revoke { peer, name, grace, why }, &actor, record).await
}

impl Operate {
    /// Takes locks away and puts that on record, unless there were none.
    pub(super) async fn take_away(
        &self,
        operation: Operation,
        actor: &Actor,
        record: Operated,
    ) -> Result<Response, Problem> {
        let Reply::Revoked { revoked, until } = self.apply(operation).await? else {
            return Err(Problem::misunderstood());
        };
        if !revoked.is_empty() {
            let locks = Some(revoked.iter().map(|revoked| revoked.locks.len()).sum());
            let peers = record.peer.is_none().then(|| named(&revoked));
            self.record(actor, Operated { locks, peers, ..record });
        }
        let revoked = revoked.iter().map(Loss::of).collect();
        let taken = Taken { until_ms: until.as_micros() / 1_000, revoked };
        Ok(json(serde_json::to_string(&taken).unwrap_or_default()))
    }
}

/// Whom it hits, as they are found elsewhere in the log.
fn named(revoked: &[Revoked]) -> String {
    let mut names: Vec<_> =
        revoked.iter().take(NAMED_PEERS).map(|revoked| revoked.peer.to_string()).collect();
    if let more @ 1.. = revoked.len().saturating_sub(NAMED_PEERS) {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

impl Loss {
    fn of(revoked: &Revoked) -> Self {
        let locks = revoked.locks.iter().map(|lock| Lock {
            semaphore: lock.name.to_string(),
            count: lock.count.get(),
            fence: lock.fence.0,
        });
        Self { peer: revoked.peer.to_string(), locks: locks.collect() }
    }
}
