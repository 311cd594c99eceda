//! The fields of one message, still as text: what a field must be depends on the type of its message, and a field
//! that a type does not have may be anything. Each is read when it is asked for, and complains by its name.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

/// So much of a wrong value is repeated in the complaint about it.
const EXCERPT_CHARS: usize = 40;

/// How many fields there are.
const FIELDS: usize = Field::Client as usize + 1;

/// Every field that some request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
pub(super) enum Field {
    Type,
    Id,
    Peer,
    Want,
    TimeoutMs,
    MaxWaitMs,
    Declare,
    Names,
    Priority,
    Progress,
    ExpiresInMs,
    Label,
    OnDisconnect,
    Resume,
    Adopt,
    Held,
    Slots,
    Token,
    Name,
    Used,
    RetryAfterMs,
    EveryMs,
    Limit,
    Client,
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "type",
            Self::Id => "id",
            Self::Peer => "peer",
            Self::Want => "want",
            Self::TimeoutMs => "timeout_ms",
            Self::MaxWaitMs => "max_wait_ms",
            Self::Declare => "declare",
            Self::Names => "names",
            Self::Priority => "priority",
            Self::Progress => "progress",
            Self::ExpiresInMs => "expires_in_ms",
            Self::Label => "label",
            Self::OnDisconnect => "on_disconnect",
            Self::Resume => "resume",
            Self::Adopt => "adopt",
            Self::Held => "held",
            Self::Slots => "slots",
            Self::Token => "token",
            Self::Name => "name",
            Self::Used => "used",
            Self::RetryAfterMs => "retry_after_ms",
            Self::EveryMs => "every_ms",
            Self::Limit => "limit",
            Self::Client => "client",
            Self::Unknown => "another field",
        })
    }
}

/// What a field says and what it should say. The end of a sentence that starts with the message's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) String);

/// The known fields of one message. `null` counts as absent.
#[derive(Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a RawValue>; FIELDS],
    twice: Option<Field>,
}

impl<'a> Fields<'a> {
    /// The fields of an object that is being read, instead of those that were there.
    pub(super) fn collect<A: MapAccess<'a>>(&mut self, mut map: A) -> Result<(), A::Error> {
        *self = Self::default();
        while let Some(field) = map.next_key::<Field>()? {
            let Some(place) = self.values.get_mut(field as usize) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &'a RawValue = map.next_value()?;
            if place.is_some() {
                self.twice = Some(field);
            }
            *place = Some(value).filter(|value| value.get() != "null");
        }
        Ok(())
    }

    /// A field that stands there twice.
    pub(super) fn twice(&self) -> Option<Field> {
        self.twice
    }

    pub(super) fn get(&self, field: Field) -> Option<&'a str> {
        self.values.get(field as usize).copied().flatten().map(RawValue::get)
    }

    pub(super) fn integer(
        &self,
        field: Field,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Unfit> {
        let Some(raw) = self.get(field) else { return Ok(None) };
        match raw.parse::<i64>() {
            // As in an object of counts, and over REST: there it is read as a number with a fraction.
            Ok(number) if range.contains(&number) && raw != "-0" => Ok(Some(number)),
            Ok(_) | Err(_) => {
                let (from, to) = (range.start(), range.end());
                Err(unfit(field, raw, format_args!("a whole number from {from} to {to}")))
            }
        }
    }

    pub(super) fn flag(&self, field: Field) -> Result<Option<bool>, Unfit> {
        match self.get(field) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(raw) => Err(unfit(field, raw, "true or false")),
        }
    }

    pub(super) fn text(
        &self,
        field: Field,
        expected: impl fmt::Display,
    ) -> Result<Option<Cow<'a, str>>, Unfit> {
        let Some(raw) = self.get(field) else { return Ok(None) };
        unquote(raw).map(Some).ok_or_else(|| unfit(field, raw, expected))
    }

    /// A list of texts.
    pub(super) fn texts(
        &self,
        field: Field,
        expected: impl fmt::Display,
    ) -> Result<Option<Vec<String>>, Unfit> {
        let Some(raw) = self.get(field) else { return Ok(None) };
        serde_json::from_str(raw).map(Some).map_err(|_| unfit(field, raw, expected))
    }

    /// An object of integers.
    pub(super) fn counts(
        &self,
        field: Field,
        expected: impl fmt::Display,
    ) -> Result<Option<Counts<'a>>, Unfit> {
        self.entries(field, expected)
    }

    /// An object, in the order in which its entries stand there, with names that stand there twice.
    pub(super) fn entries<T: Deserialize<'a>>(
        &self,
        field: Field,
        expected: impl fmt::Display,
    ) -> Result<Option<Entries<'a, T>>, Unfit> {
        let Some(raw) = self.get(field) else { return Ok(None) };
        match serde_json::from_str(raw) {
            Ok(Named(entries)) => Ok(Some(entries)),
            Err(_) => Err(unfit(field, raw, expected)),
        }
    }
}

/// "it must be this, not that".
pub(super) fn unfit(field: Field, raw: &str, expected: impl fmt::Display) -> Unfit {
    Unfit(format!("\"{field}\" must be {expected}, not {}", excerpt(raw)))
}

pub(super) fn missing(field: Field, expected: impl fmt::Display) -> Unfit {
    Unfit(format!("\"{field}\" is missing, it must be {expected}"))
}

fn excerpt(raw: &str) -> String {
    match raw.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}...", &raw[..end]),
        None => raw.to_owned(),
    }
}

/// The text that a JSON text stands for. `None`: it is none.
fn unquote(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// A name that stands in an object twice.
pub(super) fn named_twice<'b, T>(entries: &'b Entries<'_, T>) -> Option<&'b str> {
    let mut names: Vec<_> = entries.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Names with something for each. Most have one.
pub(super) type Entries<'a, T> = SmallVec<[(Cow<'a, str>, T); 1]>;

/// Names with integers.
pub(super) type Counts<'a> = Entries<'a, i64>;

struct Named<'a, T>(Entries<'a, T>);

/// Not through a map: that would hide a name that stands there twice.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<'de, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
            type Value = Named<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Entries::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    entries.push((name, value));
                }
                Ok(Named(entries))
            }
        }

        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

/// A key. It is copied only if it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}
