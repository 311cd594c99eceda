//! One semaphore or one peer in full: who holds, who waits in which order, since when, from where.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde::Serialize;

use super::Feed;
use super::shapes::{Bucket, is_false, is_zero, json, millis, text};
use super::terms::Manners;
use crate::engine::{
    Blocked, ConnectionId, Count, Engine, Life, Lock, PeerId, PeerView, SemaphoreName,
    SemaphoreView, Time,
};
use crate::runtime::EngineGone;

/// How many holders and how many of those who wait are shown, unless another number is asked for.
pub const DETAILS_LIMIT: usize = 100;

/// Most that can be asked for.
pub const MAX_DETAILS: usize = 1_000;

pub(super) type Remotes = HashMap<ConnectionId, SocketAddr>;

impl Feed {
    /// A semaphore with at most `limit` holders and `limit` of those who wait: the fields of a `details` message,
    /// without the braces. `None`: there is no such semaphore.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn semaphore(
        &self,
        name: SemaphoreName,
        limit: usize,
    ) -> Result<Option<String>, EngineGone> {
        let found = self.read(move |engine| look_at(engine, &name, limit)).await?;
        Ok(found.map(|found| {
            let peers = found.holders.iter().map(|(peer, ..)| peer).chain(&found.queue);
            let remotes = self.remotes(peers.filter_map(connection));
            fields(&found.shape(self.0.parts.clock.now(), &remotes))
        }))
    }

    /// A peer with all that it holds and waits for: the fields of a `details` message, without the braces. `None`:
    /// there is no such peer.
    ///
    /// # Errors
    /// [`EngineGone`].
    pub async fn peer(&self, id: PeerId) -> Result<Option<String>, EngineGone> {
        let found = self.read(move |engine| look_at_peer(engine, id)).await?;
        Ok(found.map(|found| {
            let remotes = self.remotes(connection(&found.peer).into_iter());
            fields(&found.shape(self.0.parts.clock.now(), &remotes))
        }))
    }
}

struct FoundPeer {
    peer: PeerView,
    position: Option<usize>,
    /// When it will be taken away, if it will be; and so each of its locks.
    revoked: Option<Time>,
    locks_revoked: Vec<Option<Time>>,
}

fn look_at_peer(engine: &Engine, id: PeerId) -> Option<FoundPeer> {
    let peer = engine.peer(id)?;
    let position = engine.wait_of(id).map(|wait| wait.position);
    let locks = peer.locks.iter().map(|lock| engine.revoked_at(id, Some(lock.fence)));
    let (locks_revoked, revoked) = (locks.collect(), engine.revoked_at(id, None));
    Some(FoundPeer { peer, position, revoked, locks_revoked })
}

impl FoundPeer {
    fn shape<'a>(&'a self, now: Time, remotes: &Remotes) -> PeerShape<'a> {
        let locks = self.peer.locks.iter().zip(&self.locks_revoked);
        PeerShape {
            now_ms: millis(now),
            who: Who::of(&self.peer, remotes),
            expires_in_ms: self.peer.expires_in.as_micros() / 1_000,
            revoked_ms: self.revoked.map(millis),
            locks: locks.map(|(lock, revoked)| LockShape::of(lock, *revoked)).collect(),
            waiting: self.position.and_then(|position| Waiting::of(&self.peer, position)),
        }
    }
}

struct Found {
    semaphore: SemaphoreView,
    /// With the time at which the lock will be taken away, if it will be.
    holders: Vec<(PeerView, Lock, Option<Time>)>,
    queue: Vec<PeerView>,
    blocked: Vec<Blocked>,
}

fn look_at(engine: &Engine, name: &SemaphoreName, limit: usize) -> Option<Found> {
    let semaphore = engine.semaphore(name.as_str())?;
    let holders = engine.holders(name.as_str()).take(limit);
    let holders = holders.filter_map(|(peer, _, lock)| {
        let end = engine.revoked_at(peer, Some(lock.fence));
        Some((engine.peer(peer)?, lock, end))
    });
    let queue = engine.queue(name.as_str()).take(limit).filter_map(|peer| engine.peer(peer));
    let blocked = engine.blocked(name.as_str()).take(limit).collect();
    Some(Found { semaphore, holders: holders.collect(), queue: queue.collect(), blocked })
}

impl Found {
    fn shape<'a>(&'a self, now: Time, remotes: &Remotes) -> SemaphoreShape<'a> {
        let holders = self.holders.iter().map(|(peer, lock, revoked)| Holder {
            who: Who::of(peer, remotes),
            count: lock.count.get(),
            fence: lock.fence.0,
            slots: &lock.slots,
            since_ms: millis(lock.since),
            revoked_ms: revoked.map(millis),
        });
        let queue = self.queue.iter().zip(1..).filter_map(|(peer, position)| {
            let waiting = Waiting::of(peer, position)?;
            Some(InLine { who: Who::of(peer, remotes), waiting })
        });
        SemaphoreShape {
            name: self.semaphore.name.as_str(),
            now_ms: millis(now),
            max: self.semaphore.max.get(),
            level: self.semaphore.level.0,
            manners: Manners::of(self.semaphore.manners),
            paused: self.semaphore.paused,
            held: self.semaphore.held,
            delayed: self.semaphore.delayed,
            holder_count: self.semaphore.holders,
            pending: self.semaphore.pending,
            waiters: self.semaphore.waiters,
            bucket: self.semaphore.bucket.as_ref().map(Bucket::of),
            holders: holders.collect(),
            queue: queue.collect(),
            blocked: self.blocked.iter().map(BlockedShape::of).collect(),
        }
    }
}

fn connection(peer: &PeerView) -> Option<ConnectionId> {
    match peer.life {
        Life::Bound(connection) => Some(connection),
        Life::Until(_) => None,
    }
}

/// An object without its braces: it becomes part of another one.
fn fields(shape: &impl Serialize) -> String {
    let json = json(shape);
    json.strip_prefix('{').and_then(|json| json.strip_suffix('}')).unwrap_or_default().to_owned()
}

#[derive(Serialize)]
struct SemaphoreShape<'a> {
    name: &'a str,
    now_ms: u64,
    max: u32,
    level: i32,
    #[serde(flatten)]
    manners: Manners,
    #[serde(skip_serializing_if = "is_false")]
    paused: bool,
    held: u64,
    #[serde(skip_serializing_if = "is_zero")]
    delayed: u64,
    holder_count: usize,
    pending: u64,
    waiters: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<Bucket>,
    holders: Vec<Holder<'a>>,
    queue: Vec<InLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocked: Vec<BlockedShape<'a>>,
}

/// What nobody gets yet.
#[derive(Serialize)]
struct BlockedShape<'a> {
    count: u32,
    fence: u64,
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    slots: &'a [u32],
    until_ms: u64,
}

impl<'a> BlockedShape<'a> {
    fn of(Blocked { count, fence, slots, until }: &'a Blocked) -> Self {
        Self { count: count.get(), fence: fence.0, slots, until_ms: millis(*until) }
    }
}

/// A peer, and how it is connected.
#[derive(Serialize)]
struct Who<'a> {
    #[serde(serialize_with = "text")]
    peer: PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    transport: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<SocketAddr>,
    /// Only when no connection keeps it alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_ms: Option<u64>,
}

impl<'a> Who<'a> {
    fn of(peer: &'a PeerView, remotes: &Remotes) -> Self {
        let bound = connection(peer);
        let is_session = bound.is_some() || matches!(peer.id, PeerId::Session(_));
        Self {
            peer: peer.id,
            label: peer.label.as_ref().map(|label| label.as_str()),
            transport: if is_session { "websocket" } else { "rest" },
            remote: bound.and_then(|connection| remotes.get(&connection).copied()),
            expires_ms: match peer.life {
                Life::Bound(_) => None,
                Life::Until(end) => Some(millis(end)),
            },
        }
    }
}

#[derive(Serialize)]
struct Holder<'a> {
    #[serde(flatten)]
    who: Who<'a>,
    count: u32,
    fence: u64,
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    slots: &'a [u32],
    since_ms: u64,
    /// When it will be taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_ms: Option<u64>,
}

#[derive(Serialize)]
struct InLine<'a> {
    #[serde(flatten)]
    who: Who<'a>,
    #[serde(flatten)]
    waiting: Waiting<'a>,
}

#[derive(Serialize)]
struct Waiting<'a> {
    position: usize,
    #[serde(serialize_with = "counts")]
    want: &'a [(SemaphoreName, Count)],
    priority: i8,
    since_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
}

impl<'a> Waiting<'a> {
    fn of(peer: &'a PeerView, position: usize) -> Option<Self> {
        let ticket = peer.pending.as_ref()?;
        Some(Self {
            position,
            want: &ticket.want,
            priority: ticket.priority.0,
            since_ms: millis(ticket.since),
            until_ms: ticket.until.map(millis),
        })
    }
}

#[derive(Serialize)]
struct PeerShape<'a> {
    now_ms: u64,
    #[serde(flatten)]
    who: Who<'a>,
    expires_in_ms: u64,
    /// When an operator will take it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_ms: Option<u64>,
    locks: Vec<LockShape<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting<'a>>,
}

#[derive(Serialize)]
struct LockShape<'a> {
    semaphore: &'a str,
    count: u32,
    fence: u64,
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    slots: &'a [u32],
    since_ms: u64,
    /// When it will be taken away, by itself or with its peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_ms: Option<u64>,
}

impl<'a> LockShape<'a> {
    fn of(lock: &'a Lock, revoked: Option<Time>) -> Self {
        Self {
            semaphore: lock.name.as_str(),
            count: lock.count.get(),
            fence: lock.fence.0,
            slots: &lock.slots,
            since_ms: millis(lock.since),
            revoked_ms: revoked.map(millis),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
fn counts<S: serde::Serializer>(
    want: &&[(SemaphoreName, Count)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(want.iter().map(|(name, count)| (name.as_str(), count.get())))
}
