//! Messages as they stand on the wire, `throttle.v1`. What is said is written at once; what is heard is read
//! leniently: types and fields that are not known are passed over, and a message that makes no sense too.

mod request;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::refused::{Code, Explanation, Refused};
pub(super) use request::Request;

/// Largest number on the wire.
pub(super) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Number of a request, and of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RequestId(pub(super) u64);

/// The client's number for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PeerNumber(pub(super) u64);

/// A lock as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Lock {
    pub(super) count: u32,
    pub(super) fence: u64,
    /// Which ones, where they are numbered.
    #[serde(default)]
    pub(super) slots: Vec<u32>,
}

/// Locks by the names of their semaphores.
pub(super) type Locks = BTreeMap<String, Lock>;

/// One message from the server.
#[derive(Debug)]
pub(super) enum Said {
    Welcome(Welcome),
    Opened(Opened),
    Granted(Granted),
    Queued(Queued),
    Released(Answered),
    Closed(Answered),
    Reported(Answered),
    Pong(Answered),
    Lost(TakenAway),
    Yield(Yield),
    Draining(Draining),
    Error(Option<RequestId>, Box<Refused>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Welcome {
    pub(super) epoch: String,
    pub(super) heartbeat_ms: u64,
    #[serde(default)]
    pub(super) limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Limits {
    pub(super) max_frame_bytes: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Opened {
    pub(super) id: RequestId,
    pub(super) peer_id: String,
    pub(super) resume: String,
    #[serde(default)]
    pub(super) held: Locks,
    #[serde(default)]
    pub(super) pending: bool,
    #[serde(default)]
    pub(super) restored: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Granted {
    pub(super) id: Option<RequestId>,
    pub(super) peer: PeerNumber,
    pub(super) locks: Locks,
}

#[derive(Debug, Deserialize)]
pub(super) struct Queued {
    pub(super) id: RequestId,
    pub(super) position: u64,
    pub(super) eta_ms: Option<u64>,
    #[serde(default)]
    pub(super) blocked_by: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    pub(super) id: RequestId,
}

#[derive(Debug, Deserialize)]
pub(super) struct TakenAway {
    pub(super) peer: PeerNumber,
    #[serde(default)]
    pub(super) reason: String,
    /// The peer itself stays, and loses these.
    #[serde(default)]
    pub(super) bound: bool,
    #[serde(default)]
    pub(super) locks: Locks,
    pub(super) message: Option<String>,
}

/// An operator is going to take these.
#[derive(Debug, Deserialize)]
pub(super) struct Yield {
    pub(super) peer: PeerNumber,
    pub(super) locks: Locks,
    pub(super) within_ms: u64,
    pub(super) message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Draining {
    #[serde(default)]
    pub(super) reconnect_in_ms: u64,
}

#[derive(Deserialize)]
struct Failure {
    id: Option<RequestId>,
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    retryable: bool,
    #[serde(flatten)]
    explanation: Explanation,
}

/// Reads a frame: its messages in their order, without those that make no sense. `None`: it is no JSON.
pub(super) fn read(frame: &str) -> Option<Vec<Said>> {
    let whole: &RawValue = serde_json::from_str(frame).ok()?;
    if !whole.get().starts_with('[') {
        return Some(message(whole.get()).into_iter().collect());
    }
    let parts: Vec<&RawValue> = serde_json::from_str(frame).ok()?;
    Some(parts.into_iter().filter_map(|part| message(part.get())).collect())
}

fn message(text: &str) -> Option<Said> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "type")]
        kind: String,
    }
    let Head { kind } = fields(text)?;
    Some(match kind.as_str() {
        "welcome" => Said::Welcome(fields(text)?),
        "opened" => Said::Opened(fields(text)?),
        "granted" => Said::Granted(fields(text)?),
        "queued" => Said::Queued(fields(text)?),
        "released" => Said::Released(fields(text)?),
        "closed" => Said::Closed(fields(text)?),
        "settled" | "backed_off" => Said::Reported(fields(text)?),
        "pong" => Said::Pong(fields(text)?),
        "lost" => Said::Lost(fields(text)?),
        "yield" => Said::Yield(fields(text)?),
        "draining" => Said::Draining(fields(text)?),
        "error" => failure(fields(text)?),
        _ => return None,
    })
}

fn failure(failure: Failure) -> Said {
    let Failure { id, code, message, retryable, explanation } = failure;
    let code = Code::from(code.as_str());
    Said::Error(id, Box::new(Refused { code, message, retryable, explanation }))
}

fn fields<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        for frame in ["", "{", "[{}", "x"] {
            assert!(read(frame).is_none(), "{frame}");
        }
        for frame in [
            "1",
            "[]",
            "{}",
            "[1,null,[]]",
            r#"{"type":"state"}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"pong","id":-1}"#,
        ] {
            assert!(read(frame).unwrap().is_empty(), "{frame}");
        }
        let heard =
            read(r#" [{"type":"news"},{"type":"pong","id":"x"},{"type":"pong","id":7,"new":1}]"#)
                .unwrap();
        assert!(
            matches!(heard.as_slice(), [Said::Pong(Answered { id: RequestId(7) })]),
            "{heard:?}"
        );
    }

    #[test]
    fn refusals_bring_what_explains_them() {
        let frame = r#"{"type":"error","id":3,"peer":1,"code":"hierarchy","message":"m","retryable":false,"semaphore":"A","asked":3,"held":2}"#;
        let heard = read(frame).unwrap();
        let [Said::Error(Some(RequestId(3)), refused)] = heard.as_slice() else {
            panic!("{heard:?}")
        };
        let explanation = &refused.explanation;
        assert_eq!((refused.code.clone(), refused.retryable), (Code::Hierarchy, false));
        assert_eq!(
            (explanation.semaphore.as_deref(), explanation.asked, explanation.held),
            (Some("A"), Some(3), Some(2))
        );
        let frame = r#"{"type":"error","id":null,"code":"unheard_of","message":"m"}"#;
        let heard = read(frame).unwrap();
        let [Said::Error(None, refused)] = heard.as_slice() else { panic!("{heard:?}") };
        assert_eq!(refused.code.as_str(), "unheard_of");
    }
}
