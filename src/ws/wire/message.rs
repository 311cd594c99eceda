//! What the server says. A message borrows what it tells and is written at once.

use std::fmt;

use serde::{Serialize, Serializer};

use super::failure::Failure;
use super::{LocalPeer, RequestId};
use crate::engine::{Key, Label, Lock, PeerId, Span};

/// One message to the client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::ws) enum Message<'a> {
    Welcome {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        server: &'a str,
        epoch: &'a str,
        /// What the caller may do.
        role: &'a str,
        heartbeat_ms: u64,
        limits: Limits,
    },
    Opened {
        id: RequestId,
        peer: LocalPeer,
        peer_id: PeerIdText,
        resume: ResumeText,
        held: LockMap<'a>,
        #[serde(skip_serializing_if = "is_false")]
        pending: bool,
        restored: bool,
    },
    Granted {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        peer: LocalPeer,
        locks: LockMap<'a>,
        waited_ms: u64,
    },
    Queued {
        id: RequestId,
        peer: LocalPeer,
        position: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        eta_ms: Option<u64>,
        #[serde(skip_serializing_if = "is_empty")]
        blocked_by: Labels<'a>,
    },
    Released {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        peer: LocalPeer,
        locks: LockMap<'a>,
    },
    Closed {
        id: RequestId,
        peer: LocalPeer,
    },
    Settled {
        id: RequestId,
        peer: LocalPeer,
    },
    /// A bucket gives nothing for so long.
    BackedOff {
        id: RequestId,
        peer: LocalPeer,
        name: &'a str,
        for_ms: u64,
    },
    Pong {
        id: RequestId,
    },
    Watching {
        id: RequestId,
        every_ms: u64,
    },
    Lost {
        peer: LocalPeer,
        reason: LostReason,
        locks: LockMap<'a>,
        /// The peer itself stays.
        #[serde(skip_serializing_if = "is_false")]
        bound: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
    /// An operator will take these, and the peer unless it stays bound.
    Yield {
        peer: LocalPeer,
        locks: LockMap<'a>,
        within_ms: u64,
        #[serde(skip_serializing_if = "is_false")]
        bound: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
    Draining {
        reconnect_in_ms: u64,
    },
    Error(Box<Failure<'a>>),
}

impl Message<'_> {
    /// Writes it behind what is there. A server says hardly anything as often as "granted", so that is not left to
    /// serde, which looks for something to escape in the name of every field.
    pub(in crate::ws) fn write(&self, text: &mut Vec<u8>) {
        let written = if let Self::Granted { id, peer, locks, waited_ms } = self {
            write_granted(text, *id, *peer, *locks, *waited_ms)
        } else {
            serde_json::to_writer(text, self)
        };
        debug_assert!(written.is_ok(), "numbers and texts are always JSON");
    }
}

fn write_granted(
    text: &mut Vec<u8>,
    id: Option<RequestId>,
    peer: LocalPeer,
    LockMap(locks): LockMap<'_>,
    waited_ms: u64,
) -> serde_json::Result<()> {
    text.extend_from_slice(br#"{"type":"granted""#);
    if let Some(id) = id {
        write_field(text, br#","id":"#, &id)?;
    }
    write_field(text, br#","peer":"#, &peer)?;
    text.extend_from_slice(br#","locks":"#);
    let mut before: &[u8] = b"{";
    for lock in locks {
        write_field(text, before, lock.name.as_str())?;
        write_field(text, br#":{"count":"#, &lock.count.get())?;
        write_field(text, br#","fence":"#, &lock.fence.0)?;
        if !lock.slots.is_empty() {
            write_field(text, br#","slots":"#, &*lock.slots)?;
        }
        before = b"},";
    }
    text.extend_from_slice(if locks.is_empty() { b"{}" } else { b"}}" });
    write_field(text, br#","waited_ms":"#, &waited_ms)?;
    text.push(b'}');
    Ok(())
}

fn write_field<T: Serialize + ?Sized>(
    text: &mut Vec<u8>,
    before: &[u8],
    value: &T,
) -> serde_json::Result<()> {
    text.extend_from_slice(before);
    serde_json::to_writer(text, value)
}

/// What a client must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(in crate::ws) struct Limits {
    pub(in crate::ws) max_frame_bytes: usize,
    pub(in crate::ws) max_peers: usize,
    pub(in crate::ws) max_expires_in_ms: u64,
}

/// Why a client has lost a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ws) enum LostReason {
    Revoked,
    Superseded,
}

/// Whole milliseconds; what is left is cut off.
pub(in crate::ws) const fn millis(span: Span) -> u64 {
    span.as_micros() / 1_000
}

/// A peer's identity, as operators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ws) struct PeerIdText(pub(in crate::ws) PeerId);

impl Serialize for PeerIdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What a client comes back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ws) struct ResumeText(pub(in crate::ws) PeerId, pub(in crate::ws) Key);

impl fmt::Display for ResumeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:032x}", self.0, self.1.secret())
    }
}

impl Serialize for ResumeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Locks by the names of their semaphores.
#[derive(Clone, Copy, Debug)]
pub(in crate::ws) struct LockMap<'a>(pub(in crate::ws) &'a [Lock]);

#[derive(Serialize)]
struct LockEntry<'a> {
    count: u32,
    fence: u64,
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    slots: &'a [u32],
}

impl Serialize for LockMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|lock| {
            let (count, fence, slots) = (lock.count.get(), lock.fence.0, &*lock.slots);
            (lock.name.as_str(), LockEntry { count, fence, slots })
        }))
    }
}

/// Who holds what others wait for.
#[derive(Clone, Copy, Debug)]
pub(in crate::ws) struct Labels<'a>(pub(in crate::ws) &'a [Label]);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Label::as_str))
    }
}

fn is_empty(labels: &Labels<'_>) -> bool {
    labels.0.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Count, Fence, SemaphoreName, Time};

    #[test]
    fn grants_are_written_as_serde_would() {
        let lock = |name, count, fence, slots: &[u32]| Lock {
            name: SemaphoreName::new(name).unwrap(),
            count: Count::new(count).unwrap(),
            fence: Fence(fence),
            since: Time::default(),
            slots: slots.into(),
        };
        let locks = [lock("A", 1, 0, &[0, 3]), lock("\"\\/\u{e4}", 1 << 31, u64::MAX, &[])];
        for (id, peer, number) in [(None, 0, 0), (Some(1), -1, 2), (Some(-9), 1 << 53, 1)] {
            let granted = Message::Granted {
                id: id.map(RequestId),
                peer: LocalPeer(peer),
                locks: LockMap(&locks[..number]),
                waited_ms: u64::MAX,
            };
            let mut text = Vec::new();
            granted.write(&mut text);
            assert_eq!(text, serde_json::to_vec(&granted).unwrap());
        }
    }
}
