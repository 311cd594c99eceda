//! Peers: opened, kept alive, closed, brought back.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::Rest;
use super::answer::{Answer, Failure, Source};
use super::body::JsonObject;
use super::declared::{Declared, malformed};
use super::params::{Humantime, Lifetime, Name, Peer};
use crate::body::{Object, Strict};
use crate::engine::{Claims, Command, PeerId, Refusal, Reply, SemaphoreSettings, Want};

/// Ids are random. With a million peers, the chance that one is taken is one in nine billion.
const ID_TRIES: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenBody {
    expires_in: Lifetime,
}

impl Object for OpenBody {
    const EXAMPLE: &str = r#"{"expires_in":"5m"}"#;
}

pub(super) async fn open(
    State(rest): State<Rest>,
    JsonObject(body): JsonObject<OpenBody>,
) -> Answer {
    let expires_in = rest.time_to_live(body.expires_in.0);
    for _ in 0..ID_TRIES {
        let id = random_id()?;
        let open = Command::Open { peer: PeerId::Rest(id), expires_in, session: None };
        match rest.apply(open).await? {
            Ok(_) => return Ok(JsonBody(id).into_response()),
            Err(Refusal::PeerInUse | Refusal::Revoked { .. }) => {}
            Err(refusal) => return Err(Failure::refused(&refusal, Source::Body)),
        }
    }
    Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "No free id was found. Try again."))
}

/// Between 1 and 2^53 - 1: a browser can hold it.
fn random_id() -> Result<u64, Failure> {
    match getrandom::u64() {
        Ok(random) => Ok((random >> 11).max(1)),
        Err(error) => {
            tracing::error!(%error, "the system has no random numbers");
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error"))
        }
    }
}

/// Zero is accepted here: it is how older clients let a peer expire at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeepAliveBody {
    expires_in: Humantime,
}

impl Object for KeepAliveBody {
    const EXAMPLE: &str = OpenBody::EXAMPLE;
}

pub(super) async fn keep_alive(
    State(rest): State<Rest>,
    Peer(peer): Peer,
    JsonObject(body): JsonObject<KeepAliveBody>,
) -> Answer {
    let keep_alive =
        Command::KeepAlive { peer, expires_in: rest.time_to_live(body.expires_in.span()) };
    match rest.apply(keep_alive).await? {
        Ok(_) => Ok("Ok".into_response()),
        Err(refusal) => Err(Failure::refused(&refusal, Source::Body)),
    }
}

pub(super) async fn close(State(rest): State<Rest>, Peer(peer): Peer) -> Answer {
    match rest.apply(Command::Close { peer }).await? {
        Ok(_) => Ok(JsonBody("Peer released").into_response()),
        Err(Refusal::UnknownPeer) => Ok(JsonBody("Peer not found").into_response()),
        Err(refusal) => Err(Failure::refused(&refusal, Source::Body)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreBody {
    expires_in: Lifetime,
    peer_id: u64,
    acquired: Entries<i64>,
    /// The numbers that the locks have, where they have some.
    slots: Option<Entries<Vec<u32>>>,
    /// What the caller takes them for.
    declare: Option<Entries<Strict<Declared>>>,
}

impl Object for RestoreBody {
    const EXAMPLE: &str = r#"{"expires_in":"5m","peer_id":42,"acquired":{"A":1}}"#;
}

pub(super) async fn restore(
    State(rest): State<Rest>,
    JsonObject(body): JsonObject<RestoreBody>,
) -> Answer {
    let held = body.acquired.want()?;
    let declared = body.declare.map(|declared| declared.settings(held.as_ref())).transpose()?;
    let restore = Command::Restore {
        peer: PeerId::Rest(body.peer_id),
        expires_in: rest.time_to_live(body.expires_in.0),
        session: None,
        held,
        slots: body.slots.map(Entries::claims).transpose()?.unwrap_or_default(),
        declared: declared.unwrap_or_default(),
    };
    match rest.apply(restore).await? {
        Ok(_) => Ok("Ok".into_response()),
        Err(refusal) => Err(Failure::refused(&refusal, Source::Body)),
    }
}

/// Names with something for each, as they came.
struct Entries<T>(Vec<(Name, T)>);

/// What may stand behind a name.
trait Entry {
    const SEVERAL: &str;
}

impl Entry for i64 {
    const SEVERAL: &str = "counts";
}

impl Entry for Vec<u32> {
    const SEVERAL: &str = "lists of numbers from 0";
}

impl Entry for Strict<Declared> {
    const SEVERAL: &str = "what they are";
}

impl Entries<i64> {
    fn want(self) -> Result<Option<Want>, Failure> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let items = self.0.into_iter().map(|(name, count)| {
            name.0.map(|name| (name, count)).ok_or_else(Failure::unknown_semaphore)
        });
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Want::held(items).map(Some).map_err(|invalid| {
            Failure::new(StatusCode::UNPROCESSABLE_ENTITY, format!("Unexpected body: {invalid}"))
        })
    }
}

impl Entries<Vec<u32>> {
    /// Nothing can be held of what is no name, so it is left out like what is not held.
    fn claims(self) -> Result<Claims, Failure> {
        let mut named = BTreeMap::new();
        for (name, numbers) in self.0.into_iter().filter_map(|(it, numbers)| Some((it.0?, numbers)))
        {
            let twice = format!("Unexpected body: {name:?} stands in \"slots\" twice");
            if named.insert(name, numbers).is_some() {
                return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, twice));
            }
        }
        Ok(Claims::new(named))
    }
}

impl Entries<Strict<Declared>> {
    fn settings(self, held: Option<&Want>) -> Result<Box<[SemaphoreSettings]>, Failure> {
        let mut declared: Vec<SemaphoreSettings> = Vec::new();
        for (name, Strict(written)) in self.0 {
            let mut names = held.into_iter().flat_map(Want::iter).map(|(name, _)| name);
            let name = name.0.filter(|name| names.any(|it| it == name));
            let name = name.ok_or_else(|| malformed("names stand in \"acquired\", too"))?;
            if declared.iter().any(|it| it.name == name) {
                return Err(malformed(&format!("{name:?} stands there twice")));
            }
            declared.push(written.settings(name)?);
        }
        Ok(declared.into())
    }
}

/// Not through a map: that would hide a name that stands there twice.
impl<'de, T: Entry + Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);

        impl<'de, T: Entry + Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object of semaphores' names with {}", T::SEVERAL)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = map.next_entry()? {
                    items.push(item);
                }
                Ok(Entries(items))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

/// Expiry is immediate, so there is hardly ever anything left to sweep; but old clients ask.
pub(super) async fn remove_expired(State(rest): State<Rest>) -> Answer {
    match rest.apply(Command::Expire).await? {
        Ok(Reply::Expired { peers }) => Ok(JsonBody(peers).into_response()),
        Ok(reply) => Err(Failure::misunderstood(&reply)),
        Err(refusal) => Err(Failure::refused(&refusal, Source::Body)),
    }
}
