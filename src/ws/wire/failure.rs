//! Requests that were not done: the error that is answered, with what explains it.

use serde::Serialize;

use super::message::millis;
use super::rejected::Because;
use super::{Code, LocalPeer, Rejected, RequestId};
use crate::engine::{Refusal, SemaphoreSettings};

/// A request that was not done, and why.
#[derive(Debug, Serialize)]
pub(in crate::ws) struct Failure<'a> {
    /// `null`: it is not known.
    id: Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<LocalPeer>,
    code: Code,
    message: &'a str,
    retryable: bool,
    #[serde(flatten)]
    explanation: Explanation<'a>,
}

/// What explains a failure to a program.
#[derive(Debug, Default, Serialize)]
#[serde(untagged)]
enum Explanation<'a> {
    #[default]
    None,
    Semaphore {
        semaphore: &'a str,
    },
    Count {
        semaphore: &'a str,
        asked: i64,
    },
    Never {
        semaphore: &'a str,
        asked: i64,
        max: u32,
    },
    Growth {
        semaphore: &'a str,
        asked: i64,
        held: u32,
    },
    Levels {
        semaphore: &'a str,
        level: i32,
        held_semaphore: &'a str,
        held_level: i32,
    },
    TooLong {
        asked_ms: u64,
        max_ms: u64,
    },
    Limit {
        limit: usize,
    },
    TooLate {
        eta_ms: u64,
    },
    Declared {
        semaphore: &'a str,
        declared: Declared,
        actual: Declared,
    },
    Busy {
        semaphore: &'a str,
        retry_after_ms: u64,
    },
}

/// What there is of a name, as clients declare it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Declared {
    Semaphore { max: u32 },
    Bucket { capacity: u32, refill: u32, every_ms: u64, max_reserved: u32 },
}

impl Declared {
    fn of(settings: &SemaphoreSettings) -> Self {
        let max = settings.max.get();
        let Some(rate) = settings.rate else { return Self::Semaphore { max } };
        let (refill, every_ms) = (rate.refill().get(), rate.every().millis_up());
        Self::Bucket { capacity: max, refill, every_ms, max_reserved: rate.max_reserved }
    }
}

impl<'a> Failure<'a> {
    /// One that needs no explanation.
    pub(in crate::ws) fn new(
        id: Option<RequestId>,
        peer: Option<LocalPeer>,
        code: Code,
        message: &'a str,
    ) -> Self {
        let retryable = matches!(code, Code::Timeout | Code::Draining);
        Self { id, peer, code, message, retryable, explanation: Explanation::None }
    }

    /// A message that is no request.
    pub(in crate::ws) fn rejected(rejected: &'a Rejected) -> Self {
        let Rejected { id, code, message, because } = rejected;
        let failure = Self::new(*id, None, *code, message);
        match because {
            Because::Semaphore(semaphore) => failure.about(semaphore),
            Because::Limit(limit) => failure.explained(Explanation::Limit { limit: *limit }),
            Because::Message => failure,
        }
    }

    /// The same with the name of the semaphore that it is about.
    pub(in crate::ws) fn about(self, semaphore: &'a str) -> Self {
        self.explained(Explanation::Semaphore { semaphore })
    }

    /// Something of which there are as many as may be, until one of them is over.
    pub(in crate::ws) fn limit(
        id: Option<RequestId>,
        peer: Option<LocalPeer>,
        message: &'a str,
        limit: usize,
    ) -> Self {
        let failure = Self::new(id, peer, Code::LimitExceeded, message);
        Self { retryable: true, ..failure.explained(Explanation::Limit { limit }) }
    }

    fn explained(self, explanation: Explanation<'a>) -> Self {
        Self { explanation, ..self }
    }

    /// A command that the engine refused; `message` is what it says about it.
    pub(in crate::ws) fn refused(
        id: Option<RequestId>,
        peer: LocalPeer,
        refusal: &'a Refusal,
        message: &'a str,
    ) -> Self {
        let (code, explanation) = explain(refusal);
        let full = matches!(explanation, Explanation::Limit { .. });
        let retryable = full || matches!(code, Code::Timeout | Code::Busy);
        Self { id, peer: Some(peer), code, message, retryable, explanation }
    }
}

fn explain(refusal: &Refusal) -> (Code, Explanation<'_>) {
    match refusal {
        Refusal::UnknownSemaphore(name) => {
            (Code::UnknownSemaphore, Explanation::Semaphore { semaphore: name.as_str() })
        }
        Refusal::Never { name, asked, max } => {
            let semaphore = name.as_str();
            (Code::Never, Explanation::Never { semaphore, asked: *asked, max: max.get() })
        }
        Refusal::UnknownPeer => (Code::UnknownPeer, Explanation::None),
        Refusal::Forbidden => (Code::Forbidden, Explanation::None),
        Refusal::PeerInUse => (Code::PeerInUse, Explanation::None),
        Refusal::InvalidCount { name, asked } | Refusal::InvalidUse { name, asked } => {
            (Code::InvalidCount, Explanation::Count { semaphore: name.as_str(), asked: *asked })
        }
        Refusal::Growth { name, held, asked } => {
            let semaphore = name.as_str();
            (Code::Hierarchy, Explanation::Growth { semaphore, asked: *asked, held: held.get() })
        }
        Refusal::Hierarchy { name, level, held, held_level } => {
            let (semaphore, level) = (name.as_str(), level.0);
            let (held_semaphore, held_level) = (held.as_str(), held_level.0);
            let levels = Explanation::Levels { semaphore, level, held_semaphore, held_level };
            (Code::Hierarchy, levels)
        }
        Refusal::AlreadyPending => (Code::AlreadyPending, Explanation::None),
        Refusal::Timeout => (Code::Timeout, Explanation::None),
        Refusal::RestoreConflict => (Code::RestoreConflict, Explanation::None),
        Refusal::Revoked { .. } => (Code::Revoked, Explanation::None),
        Refusal::TooLong { asked, max } => {
            let (asked_ms, max_ms) = (millis(*asked), millis(*max));
            (Code::LimitExceeded, Explanation::TooLong { asked_ms, max_ms })
        }
        Refusal::TooLate { wait, .. } => {
            (Code::Timeout, Explanation::TooLate { eta_ms: wait.millis_up() })
        }
        Refusal::Busy { name, retry_after } => {
            let (semaphore, retry_after_ms) = (name.as_str(), retry_after.millis_up());
            (Code::Busy, Explanation::Busy { semaphore, retry_after_ms })
        }
        Refusal::NotABucket(name) => {
            (Code::NotABucket, Explanation::Semaphore { semaphore: name.as_str() })
        }
        Refusal::NotHeld(name) => {
            (Code::NotHeld, Explanation::Semaphore { semaphore: name.as_str() })
        }
        // What operators do is not asked here, nor what REST alone has.
        Refusal::SemaphoreExists(_)
        | Refusal::InUse { .. }
        | Refusal::NotASemaphore(_)
        | Refusal::TooManySlots { .. }
        | Refusal::UnknownPermit(_) => (Code::BadMessage, Explanation::None),
        Refusal::DeclaredOtherwise { name, declared, actual } => {
            let semaphore = name.as_str();
            let [declared, actual] = [declared, actual].map(|it| Declared::of(it));
            (Code::DeclaredOtherwise, Explanation::Declared { semaphore, declared, actual })
        }
        Refusal::TooManyKeyed { max }
        | Refusal::TooManySemaphores { max }
        | Refusal::TooManyPeers { max } => {
            (Code::LimitExceeded, Explanation::Limit { limit: *max })
        }
    }
}
