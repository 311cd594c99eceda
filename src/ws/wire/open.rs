//! `open`: who a peer is, where it comes from, and what becomes of it when its connection is gone.

use super::buckets;
use super::fields::{Field, Fields, missing, named_twice, unfit};
use super::rejected::Wrong;
use super::request::{COUNTS, peer, want};
use super::{LocalPeer, MAX_INTEGER};
use crate::engine::{
    Claims, Key, Label, OnDisconnect, PeerId, SemaphoreName, SemaphoreSettings, Span, Want,
};

const SLOTS: &str =
    "an object of semaphores' names with lists of numbers from 0, such as {\"A\":[0,3]}";

/// A peer that is to be bound to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) struct Open {
    pub(in crate::ws) peer: LocalPeer,
    pub(in crate::ws) expires_in: Span,
    pub(in crate::ws) label: Option<Label>,
    pub(in crate::ws) on_disconnect: OnDisconnect,
    pub(in crate::ws) origin: Origin,
}

/// Where a peer comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ws) enum Origin {
    /// It is new.
    New,
    /// It was on a connection before. If the server does not know it, it is restored with what it held.
    Resume { peer: PeerId, key: Key, held: Held },
    /// It was made over REST. If the server does not know it, it is restored when `held` is there.
    Adopt { peer: PeerId, held: Option<Held> },
}

/// What a client believes to hold. It may be nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ws) struct Held {
    pub(in crate::ws) want: Option<Want>,
    /// The numbers of that.
    pub(in crate::ws) slots: Claims,
    /// What the client takes names of that for.
    pub(in crate::ws) declared: Box<[SemaphoreSettings]>,
}

pub(super) fn read(fields: &Fields<'_>) -> Result<Open, Wrong> {
    Ok(Open {
        peer: peer(fields)?,
        expires_in: expires_in(fields)?,
        label: label(fields)?,
        on_disconnect: on_disconnect(fields)?,
        origin: origin(fields)?,
    })
}

/// A peer that is gone with its connection has `on_disconnect`; it need not be born dead.
fn expires_in(fields: &Fields<'_>) -> Result<Span, Wrong> {
    let field = Field::ExpiresInMs;
    let millis = fields.integer(field, 1..=MAX_INTEGER)?;
    let millis = millis.ok_or_else(|| missing(field, "a number of milliseconds"))?;
    Ok(Span::from_millis(millis.unsigned_abs()))
}

fn label(fields: &Fields<'_>) -> Result<Option<Label>, Wrong> {
    let Some(text) = fields.text(Field::Label, "a text")? else { return Ok(None) };
    match Label::new(&text) {
        Ok(label) => Ok(Some(label)),
        Err(invalid) => Err(Wrong::bad(invalid.to_string())),
    }
}

fn on_disconnect(fields: &Fields<'_>) -> Result<OnDisconnect, Wrong> {
    let expected = "\"expire\" or \"release\"";
    match fields.text(Field::OnDisconnect, expected)?.as_deref() {
        None | Some("expire") => Ok(OnDisconnect::Expire),
        Some("release") => Ok(OnDisconnect::Release),
        Some(_) => {
            let raw = fields.get(Field::OnDisconnect).unwrap_or_default();
            Err(unfit(Field::OnDisconnect, raw, expected).into())
        }
    }
}

fn origin(fields: &Fields<'_>) -> Result<Origin, Wrong> {
    let (slots, held) = (slots(fields)?, held(fields)?);
    let declared = buckets::declared(fields, held.iter().flatten(), Field::Held)?;
    let held = held.map(|want| Held { want, slots, declared });
    match (resume(fields)?, adopt(fields)?, held) {
        (None, None, None) => Ok(Origin::New),
        (Some((peer, key)), None, held) => {
            Ok(Origin::Resume { peer, key, held: held.unwrap_or_default() })
        }
        (None, Some(peer), held) => Ok(Origin::Adopt { peer, held }),
        (Some(_), Some(_), _) => Err(Wrong::bad("\"resume\" and \"adopt\" exclude each other")),
        (None, None, Some(_)) => Err(Wrong::bad("\"held\" needs \"resume\" or \"adopt\"")),
    }
}

fn resume(fields: &Fields<'_>) -> Result<Option<(PeerId, Key)>, Wrong> {
    // It is a secret: it must not show up in a message that may be logged.
    let wrong = || Wrong::bad("\"resume\" must be the text that came with \"opened\"");
    let Some(text) = fields.text(Field::Resume, "a text").map_err(|_| wrong())? else {
        return Ok(None);
    };
    let (peer, key) = text.split_once('-').ok_or_else(wrong)?;
    let peer = peer.parse().map_err(|_| wrong())?;
    if key.len() != 32 || !key.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let key = u128::from_str_radix(key, 16).map_err(|_| wrong())?;
    Ok(Some((peer, Key::new(key))))
}

/// REST knows peers as numbers; here ids are texts, because a browser cannot hold all numbers.
fn adopt(fields: &Fields<'_>) -> Result<Option<PeerId>, Wrong> {
    let expected = "the id of a peer made over REST, as a text, such as \"42\"";
    let Some(text) = fields.text(Field::Adopt, expected)? else { return Ok(None) };
    match text.parse() {
        Ok(peer @ PeerId::Rest(_)) => Ok(Some(peer)),
        Ok(PeerId::Session(_)) | Err(_) => {
            let raw = fields.get(Field::Adopt).unwrap_or_default();
            Err(unfit(Field::Adopt, raw, expected).into())
        }
    }
}

fn held(fields: &Fields<'_>) -> Result<Option<Option<Want>>, Wrong> {
    let Some(counts) = fields.counts(Field::Held, COUNTS)? else { return Ok(None) };
    if counts.is_empty() { Ok(Some(None)) } else { want(counts).map(|want| Some(Some(want))) }
}

/// Nothing can be held of what is no name, so it is left out like what is not held.
fn slots(fields: &Fields<'_>) -> Result<Claims, Wrong> {
    let slots = fields.entries::<Vec<u32>>(Field::Slots, SLOTS)?.unwrap_or_default();
    if let Some(name) = named_twice(&slots) {
        return Err(Wrong::bad(format!("{name:?} stands in \"slots\" twice")));
    }
    let named = slots.into_iter().map(|(name, numbers)| (SemaphoreName::new(&name), numbers));
    Ok(Claims::new(named.filter_map(|(name, numbers)| Some((name.ok()?, numbers)))))
}
