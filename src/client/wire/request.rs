//! What is said to the server: messages as they are written. Nothing is checked or decided here.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{PeerNumber, RequestId};
use crate::client::limit::Limits;
use crate::client::token::Token;
use crate::client::want::Want;

/// One message to the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::client) enum Request<'a> {
    Hello {
        id: RequestId,
        client: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a Token>,
    },
    Open {
        id: RequestId,
        peer: PeerNumber,
        expires_in_ms: u64,
        #[serde(skip_serializing_if = "str::is_empty")]
        label: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        on_disconnect: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resume: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        held: Option<BTreeMap<&'a str, u32>>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        slots: BTreeMap<&'a str, &'a [u32]>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        declare: Limits,
    },
    Acquire {
        id: RequestId,
        peer: PeerNumber,
        #[serde(serialize_with = "counts")]
        want: &'a Want,
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_wait_ms: Option<u64>,
        #[serde(skip_serializing_if = "is_default")]
        priority: i8,
        #[serde(skip_serializing_if = "is_default")]
        progress: bool,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        declare: &'a Limits,
    },
    Release {
        id: RequestId,
        peer: PeerNumber,
        names: [&'a str; 1],
    },
    Cancel {
        peer: PeerNumber,
    },
    Close {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        peer: PeerNumber,
    },
    Settle {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        peer: PeerNumber,
        used: BTreeMap<&'a str, u32>,
    },
    Throttled {
        id: RequestId,
        peer: PeerNumber,
        name: &'a str,
        retry_after_ms: u64,
    },
    Ping {
        id: RequestId,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn counts<S: Serializer>(want: &Want, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(want.iter())
}
