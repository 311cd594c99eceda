//! What a client asks for. A message becomes a request or is rejected; a rejection names the field and says what was
//! expected. What is decided here depends on nothing but the message.

use std::ops::RangeInclusive;

use serde::de::DeserializeSeed;
use smallvec::SmallVec;

use super::buckets;
use super::fields::{Counts, Field, Fields, Unfit, missing, unfit};
use super::frame::Walk;
use super::kind::Kind;
use super::look::{self, Look};
use super::open::{self, Open};
use super::plain;
use super::rejected::{Rejected, Wrong};
use super::{LocalPeer, MAX_INTEGER, RequestId};
use crate::access::Token;
use crate::engine::{
    InvalidWant, MAX_WANT_NAMES, Priority, SemaphoreName, SemaphoreSettings, Span, Want,
};

/// Longest text of a token and of a client's name, in bytes.
const MAX_TEXT_BYTES: usize = 4096;

/// How long a message is, about.
const MESSAGE_BYTES: usize = 40;

const INTEGERS: RangeInclusive<i64> = -MAX_INTEGER..=MAX_INTEGER;
const MILLIS: RangeInclusive<i64> = 0..=MAX_INTEGER;

const TYPES: &str = "one of \"hello\", \"open\", \"acquire\", \"release\", \"cancel\", \"close\", \"settle\", \"throttled\", \"ping\", \
    \"watch\", \"unwatch\" and \"inspect\"";
pub(super) const COUNTS: &str =
    "an object of semaphores' names with whole numbers, such as {\"A\":1}";
pub(super) const NAMES: &str = "a list of semaphores' names, such as [\"A\"]";

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) struct Request {
    /// `None`: only a failure is answered.
    pub(in crate::ws) id: Option<RequestId>,
    pub(in crate::ws) ask: Ask,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) enum Ask {
    /// With the token, if there is one.
    Hello(Option<Token>),
    Open(Box<Open>),
    Acquire(Acquire),
    Release {
        peer: LocalPeer,
        names: Option<Vec<SemaphoreName>>,
    },
    Cancel {
        peer: LocalPeer,
    },
    Close {
        peer: LocalPeer,
    },
    Settle {
        peer: LocalPeer,
        used: Want,
    },
    Throttled {
        peer: LocalPeer,
        name: SemaphoreName,
        retry_after: Span,
    },
    Ping,
    Look(Box<Look>),
}

impl Ask {
    /// The type of its message.
    pub(in crate::ws) fn kind(&self) -> Kind {
        match self {
            Self::Hello(_) => Kind::Hello,
            Self::Open(_) => Kind::Open,
            Self::Acquire(_) => Kind::Acquire,
            Self::Release { .. } => Kind::Release,
            Self::Cancel { .. } => Kind::Cancel,
            Self::Close { .. } => Kind::Close,
            Self::Settle { .. } => Kind::Settle,
            Self::Throttled { .. } => Kind::Throttled,
            Self::Ping => Kind::Ping,
            Self::Look(look) => match **look {
                Look::Watch { .. } => Kind::Watch,
                Look::Unwatch => Kind::Unwatch,
                Look::Semaphore { .. } | Look::Peer(_) => Kind::Inspect,
            },
        }
    }

    /// The peer that it is about, or is to be.
    pub(in crate::ws) fn peer(&self) -> Option<LocalPeer> {
        match self {
            Self::Hello(_) | Self::Ping | Self::Look(_) => None,
            Self::Open(open) => Some(open.peer),
            Self::Acquire(Acquire { peer, .. })
            | Self::Release { peer, .. }
            | Self::Cancel { peer }
            | Self::Close { peer }
            | Self::Settle { peer, .. }
            | Self::Throttled { peer, .. } => Some(*peer),
        }
    }
}

/// A want of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) struct Acquire {
    pub(in crate::ws) peer: LocalPeer,
    pub(in crate::ws) want: Want,
    pub(in crate::ws) timeout: Option<Span>,
    pub(in crate::ws) max_wait: Option<Span>,
    pub(in crate::ws) priority: Priority,
    pub(in crate::ws) progress: bool,
    pub(in crate::ws) declared: Box<[SemaphoreSettings]>,
}

/// Reads a frame: its messages in their order. Of a frame that is no JSON, there are none.
///
/// # Errors
/// What is wrong with the frame as a whole.
pub(in crate::ws) fn read(text: &str) -> Result<Messages, Rejected> {
    plain::read(text).map_or_else(|| read_any(text), Ok)
}

/// The messages of a frame. Most have one, or two.
pub(in crate::ws) type Messages = SmallVec<[Result<Request, Rejected>; 2]>;

pub(super) fn read_any(text: &str) -> Result<Messages, Rejected> {
    let several = if text.starts_with('[') { text.len() / MESSAGE_BYTES } else { 0 };
    let mut messages = SmallVec::with_capacity(several);
    let mut reader = serde_json::Deserializer::from_str(text);
    let walk = Walk(|fields: Option<&Fields<'_>>| {
        messages.push(match fields {
            Some(fields) => request(fields),
            None => Err(Rejected::bad(None, "a message must be a JSON object")),
        });
    });
    match walk.deserialize(&mut reader).and_then(|()| reader.end()) {
        Ok(()) => Ok(messages),
        Err(error) => Err(Rejected::bad(None, &format!("the frame is unreadable: {error}"))),
    }
}

fn request(fields: &Fields<'_>) -> Result<Request, Rejected> {
    let id = fields.integer(Field::Id, INTEGERS).map_err(|Unfit(why)| Rejected::bad(None, &why))?;
    let id = id.map(RequestId);
    let bad = |message: &str| Rejected::bad(id, message);
    if let Some(field) = fields.twice() {
        return Err(bad(&format!("\"{field}\" stands there twice")));
    }
    let kind = fields.text(Field::Type, TYPES).map_err(|Unfit(why)| bad(&why))?;
    let Some(kind) = kind else { return Err(bad(&missing(Field::Type, TYPES).0)) };
    let Some(kind) = Kind::named(&kind) else {
        let raw = fields.get(Field::Type).unwrap_or_default();
        return Err(bad(&unfit(Field::Type, raw, TYPES).0));
    };
    match ask(kind, id, fields) {
        Ok(ask) => Ok(Request { id, ask }),
        Err(wrong) => Err(wrong.in_message(id, kind)),
    }
}

fn ask(kind: Kind, id: Option<RequestId>, fields: &Fields<'_>) -> Result<Ask, Wrong> {
    match kind {
        Kind::Hello => hello(fields),
        Kind::Open => open::read(fields).map(|open| Ask::Open(Box::new(open))),
        Kind::Acquire => acquire(fields).map(Ask::Acquire),
        Kind::Release => release(fields),
        Kind::Cancel => peer(fields).map(|peer| Ask::Cancel { peer }),
        Kind::Close => peer(fields).map(|peer| Ask::Close { peer }),
        Kind::Settle => buckets::settle(fields),
        Kind::Throttled => buckets::throttled(fields),
        Kind::Ping => Ok(Ask::Ping),
        Kind::Watch => look(id, look::watch(fields)),
        Kind::Unwatch => look(id, Ok(Look::Unwatch)),
        Kind::Inspect => look(id, look::inspect(fields)),
    }
}

/// What is shown is shown under the number of who asked.
fn look(id: Option<RequestId>, look: Result<Look, Wrong>) -> Result<Ask, Wrong> {
    let look = look?;
    match id {
        Some(_) => Ok(Ask::Look(Box::new(look))),
        None => Err(missing(Field::Id, "a whole number").into()),
    }
}

/// What stands in place of a token is not repeated.
fn hello(fields: &Fields<'_>) -> Result<Ask, Wrong> {
    let expected = format_args!("a text of at most {MAX_TEXT_BYTES} bytes");
    let short = |text: &str| text.len() <= MAX_TEXT_BYTES;
    let token = match fields.text(Field::Token, expected) {
        Ok(token) if token.as_deref().is_none_or(short) => token.map(Token::new),
        Ok(_) | Err(_) => return Err(Wrong::bad(format!("\"token\" must be {expected}"))),
    };
    match fields.text(Field::Client, expected)? {
        Some(text) if !short(&text) => {
            Err(unfit(Field::Client, fields.get(Field::Client).unwrap_or_default(), expected)
                .into())
        }
        Some(_) | None => Ok(Ask::Hello(token)),
    }
}

fn acquire(fields: &Fields<'_>) -> Result<Acquire, Wrong> {
    let peer = peer(fields)?;
    let counts = fields.counts(Field::Want, COUNTS)?;
    let counts = counts.ok_or_else(|| missing(Field::Want, COUNTS))?;
    let priority = fields.integer(Field::Priority, i8::MIN.into()..=i8::MAX.into())?;
    let priority = priority.and_then(|priority| i8::try_from(priority).ok()).unwrap_or_default();
    let want = want(counts)?;
    let declared = buckets::declared(fields, [&want], Field::Want)?;
    Ok(Acquire {
        peer,
        timeout: span(fields, Field::TimeoutMs)?,
        max_wait: span(fields, Field::MaxWaitMs)?,
        priority: Priority(priority),
        progress: fields.flag(Field::Progress)?.unwrap_or_default(),
        want,
        declared,
    })
}

pub(super) fn span(fields: &Fields<'_>, field: Field) -> Result<Option<Span>, Unfit> {
    let millis = fields.integer(field, MILLIS)?;
    Ok(millis.map(|millis| Span::from_millis(millis.unsigned_abs())))
}

pub(super) fn want(counts: Counts<'_>) -> Result<Want, Wrong> {
    let named = counts.into_iter().map(|(text, count)| Ok((name(&text)?, count)));
    let named = named.collect::<Result<SmallVec<[_; 1]>, Wrong>>()?;
    Want::new(named).map_err(|invalid| match invalid {
        InvalidWant::TooMany(_) => Wrong::too_many(MAX_WANT_NAMES, invalid.to_string()),
        InvalidWant::Empty | InvalidWant::Twice(_) => Wrong::bad(invalid.to_string()),
    })
}

fn release(fields: &Fields<'_>) -> Result<Ask, Wrong> {
    let peer = peer(fields)?;
    let Some(texts) = fields.texts(Field::Names, NAMES)? else {
        return Ok(Ask::Release { peer, names: None });
    };
    let names = texts.iter().map(|text| name(text)).collect::<Result<_, _>>()?;
    Ok(Ask::Release { peer, names: Some(names) })
}

/// No semaphore has a name that is none.
pub(super) fn name(text: &str) -> Result<SemaphoreName, Wrong> {
    SemaphoreName::new(text).map_err(|invalid| Wrong::unknown_semaphore(text, invalid.to_string()))
}

pub(super) fn peer(fields: &Fields<'_>) -> Result<LocalPeer, Wrong> {
    let peer = fields.integer(Field::Peer, INTEGERS)?;
    let expected = "the whole number by which this connection calls the peer";
    Ok(LocalPeer(peer.ok_or_else(|| missing(Field::Peer, expected))?))
}
