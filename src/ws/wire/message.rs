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
    pub(in crate::ws) fn write(&self, text: &mut String) {
        if let Self::Granted { id, peer, locks, waited_ms } = self {
            write_granted(text, *id, *peer, *locks, *waited_ms);
        } else {
            write_any(text, self);
        }
    }
}

fn write_granted(
    text: &mut String,
    id: Option<RequestId>,
    peer: LocalPeer,
    LockMap(locks): LockMap<'_>,
    waited_ms: u64,
) {
    text.push_str(r#"{"type":"granted""#);
    if let Some(RequestId(id)) = id {
        text.push_str(r#","id":"#);
        write_number(text, id);
    }
    text.push_str(r#","peer":"#);
    write_number(text, peer.0);
    text.push_str(r#","locks":"#);
    let mut before = "{";
    for lock in locks {
        text.push_str(before);
        write_name(text, lock.name.as_str());
        text.push_str(r#":{"count":"#);
        write_number(text, lock.count.get());
        text.push_str(r#","fence":"#);
        write_number(text, lock.fence.0);
        if !lock.slots.is_empty() {
            text.push_str(r#","slots":"#);
            write_any(text, &lock.slots);
        }
        before = "},";
    }
    text.push_str(if locks.is_empty() { "{}" } else { "}}" });
    text.push_str(r#","waited_ms":"#);
    write_number(text, waited_ms);
    text.push('}');
}

fn write_number(text: &mut String, number: impl itoa::Integer) {
    text.push_str(itoa::Buffer::new().format(number));
}

/// A name has no control characters. Few have anything else that is to be escaped.
fn write_name(text: &mut String, name: &str) {
    if name.bytes().any(|byte| matches!(byte, b'"' | b'\\')) {
        return write_any(text, name);
    }
    text.push('"');
    text.push_str(name);
    text.push('"');
}

fn write_any<T: Serialize + ?Sized>(text: &mut String, value: &T) {
    let written = serde_json::to_string(value);
    debug_assert!(written.is_ok(), "numbers and texts are always JSON");
    text.push_str(&written.unwrap_or_default());
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
            let mut text = String::new();
            granted.write(&mut text);
            assert_eq!(text, serde_json::to_string(&granted).unwrap());
        }
    }
}
