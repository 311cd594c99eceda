//! Messages that are no requests: what is wrong with them, in words and as a code.

use super::fields::Unfit;
use super::kind::Kind;
use super::{Code, RequestId};

/// A message that is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) struct Rejected {
    pub(in crate::ws) id: Option<RequestId>,
    pub(in crate::ws) code: Code,
    pub(in crate::ws) message: String,
    pub(in crate::ws) because: Because,
}

/// What explains a rejection to a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) enum Because {
    /// Nothing but the message.
    Message,
    /// This was taken for a semaphore's name.
    Semaphore(Box<str>),
    /// There may be so many, whenever it is said.
    Limit(usize),
}

impl Rejected {
    /// One that cannot be read, or has a wrong field.
    pub(in crate::ws) fn bad(id: Option<RequestId>, message: &str) -> Self {
        Self { id, code: Code::BadMessage, message: message.to_owned(), because: Because::Message }
    }
}

/// Why a message is rejected, before it is known to whom that is said.
pub(super) struct Wrong {
    code: Code,
    message: String,
    because: Because,
}

impl Wrong {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), because: Because::Message }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(Code::BadMessage, message)
    }

    /// There cannot be a semaphore of that name.
    pub(super) fn unknown_semaphore(name: &str, message: impl Into<String>) -> Self {
        let because = Because::Semaphore(name.into());
        Self { because, ..Self::new(Code::UnknownSemaphore, message) }
    }

    /// There are more than there may be.
    pub(super) fn too_many(limit: usize, message: impl Into<String>) -> Self {
        Self { because: Because::Limit(limit), ..Self::new(Code::LimitExceeded, message) }
    }

    /// The same of a message of that type.
    pub(super) fn in_message(self, id: Option<RequestId>, kind: Kind) -> Rejected {
        let Self { code, message, because } = self;
        Rejected { id, code, message: format!("{}: {message}", kind.name()), because }
    }
}

impl From<Unfit> for Wrong {
    fn from(Unfit(message): Unfit) -> Self {
        Self::bad(message)
    }
}
