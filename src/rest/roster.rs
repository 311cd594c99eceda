//! The list of all peers. There may be hundreds of thousands: they are read and sent page by page, so that nobody
//! else waits meanwhile. So it is no snapshot: a peer that comes or goes during the walk is in it or not.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use futures_util::{StreamExt, stream};
use serde::{Serialize, Serializer};
use tokio::sync::Semaphore;

use super::Rest;
use super::answer::Answer;
use crate::engine::{Count, Label, Life, Lock, PeerCursor, PeerId, PeerView, SemaphoreName, Time};
use crate::runtime::EngineGone;

/// Bounds how long one page holds the engine up.
const PAGE_PEERS: usize = 500;

/// Pages being read at once, over all callers. The engine reads in one go whatever is queued: with hundreds of callers
/// that could be all peers hundreds of times.
static READERS: Semaphore = Semaphore::const_new(2);

pub(super) async fn list(State(rest): State<Rest>) -> Answer {
    let mut walk = Walk { rest, from: Some(PeerCursor::default()), started: false };
    // The first page is read before the answer begins: when the engine is gone, the status can still say so.
    let first = walk.page(PeerCursor::default()).await?;
    let others = stream::unfold(walk, |mut walk| async move {
        let page = walk.page(walk.from?).await;
        Some((page, walk))
    });
    let pages = stream::iter([Ok(first)]).chain(others);
    let json = (header::CONTENT_TYPE, "application/json");
    Ok(([json], Body::from_stream(pages)).into_response())
}

/// A walk over all peers.
struct Walk {
    rest: Rest,
    /// Where the next page starts. `None`: there is none.
    from: Option<PeerCursor>,
    /// Whether an entry has been written.
    started: bool,
}

impl Walk {
    /// The part of the JSON array that is the page from here on. After an error there is no other page.
    async fn page(&mut self, from: PeerCursor) -> Result<Bytes, EngineGone> {
        let first = from == PeerCursor::default();
        self.from = None;
        let permit = READERS.acquire().await.map_err(|_| EngineGone)?;
        let (peers, next) =
            self.rest.0.engine.read(move |engine| engine.peers(from, PAGE_PEERS)).await?;
        drop(permit);
        self.from = next;
        let now = self.rest.0.clock.now();
        let mut json = Vec::with_capacity(peers.len() * 128 + 2);
        json.extend(first.then_some(b'['));
        for peer in &peers {
            json.extend(self.started.then_some(b','));
            self.started = true;
            let entry = serde_json::to_writer(&mut json, &Entry::of(peer, now));
            debug_assert!(entry.is_ok(), "numbers and texts are always JSON");
        }
        json.extend(next.is_none().then_some(b']'));
        Ok(json.into())
    }
}

/// How a peer is shown. Fields may be added, none removed.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(serialize_with = "id")]
    id: PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    /// `null`: a connection keeps it alive.
    expires_in_ms: Option<u64>,
    #[serde(serialize_with = "locks")]
    locks: &'a [Lock],
    #[serde(serialize_with = "pending")]
    pending: Option<&'a [(SemaphoreName, Count)]>,
}

impl<'a> Entry<'a> {
    fn of(peer: &'a PeerView, now: Time) -> Self {
        Self {
            id: peer.id,
            label: peer.label.as_ref().map(Label::as_str),
            expires_in_ms: match peer.life {
                Life::Bound(_) => None,
                Life::Until(end) => Some(end.since(now).as_micros() / 1_000),
            },
            locks: &peer.locks,
            pending: peer.pending.as_ref().map(|ticket| ticket.want.as_slice()),
        }
    }
}

#[derive(Serialize)]
struct LockEntry<'a> {
    count: u32,
    fence: u64,
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    slots: &'a [u32],
}

/// A number, as REST's own have always been; `"s42"` for those of sessions, which no route of REST takes.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
fn id<S: Serializer>(id: &PeerId, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        PeerId::Rest(number) => serializer.serialize_u64(*number),
        PeerId::Session(_) => serializer.collect_str(id),
    }
}

fn locks<S: Serializer>(locks: &[Lock], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(locks.iter().map(|lock| {
        let (count, fence, slots) = (lock.count.get(), lock.fence.0, &*lock.slots);
        (lock.name.as_str(), LockEntry { count, fence, slots })
    }))
}

#[allow(clippy::ref_option, reason = "serde passes a reference to the field")]
fn pending<S: Serializer>(
    pending: &Option<&[(SemaphoreName, Count)]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match pending {
        Some(want) => {
            serializer.collect_map(want.iter().map(|(name, count)| (name.as_str(), count.get())))
        }
        None => serializer.serialize_none(),
    }
}
