//! What operators write about a semaphore or a bucket that is to be made or changed.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Problem, body};
use crate::body::Object;
use crate::config::{RESERVED, Said};
use crate::engine::{Label, SemaphoreName, SemaphoreSettings, Wish};

/// One that is to be made.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct New(Fields);

impl Object for New {
    const EXAMPLE: &str = r#"{"name":"A","max":10}"#;
}

/// What is to be different about one that is there.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Changes(Fields);

impl Object for Changes {
    const EXAMPLE: &str = r#"{"max":10}"#;
}

/// As they came: a name that stands there twice must not get lost.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// What the fields say.
#[derive(Default)]
struct Written {
    name: Option<SemaphoreName>,
    paused: Option<bool>,
    why: Option<Label>,
    said: Said,
}

impl New {
    /// And why.
    pub(super) fn settings(self) -> Result<(SemaphoreSettings, Option<Label>), Problem> {
        let Written { name, paused, why, said } = self.0.read()?;
        let name = name.ok_or_else(|| Problem::invalid("\"name\" is missing"))?;
        if name.is_reserved() {
            return Err(Problem::invalid(format!("\"name\": {name}: {RESERVED}")));
        }
        if paused.is_some() {
            return Err(Problem::invalid("what is made is not \"paused\"; it can be, then"));
        }
        Ok((said.settings(name).map_err(Problem::invalid)?, why))
    }
}

impl Changes {
    /// And why.
    pub(super) fn wish(self) -> Result<(Wish, Option<Label>), Problem> {
        let Written { name, paused, why, said } = self.0.read()?;
        if name.is_some() {
            return Err(Problem::invalid("\"name\" cannot be changed"));
        }
        let wish = Wish { paused, ..said.wish().map_err(Problem::invalid)? };
        if wish == Wish::default() {
            return Err(Problem::invalid(
                "nothing to change: give paused, something of a semaphore such as max, or of a bucket such as capacity",
            ));
        }
        Ok((wish, why))
    }
}

impl Fields {
    fn read(self) -> Result<Written, Problem> {
        let mut written = Written::default();
        let mut seen: Vec<&str> = Vec::new();
        for (field, value) in &self.0 {
            if seen.contains(&field.as_str()) {
                return Err(Problem::invalid(format!("{field:?} stands there twice")));
            }
            // What is not known ends it, so they are few.
            seen.push(field);
            written.take(field, value).map_err(Problem::invalid)?;
        }
        Ok(written)
    }
}

impl Written {
    fn take(&mut self, field: &str, value: &Value) -> Result<(), String> {
        let wrong = |error: serde_json::Error| format!("\"{field}\": {error}");
        match field {
            "name" => self.name = Some(body::name(value).map_err(wrong)?),
            "paused" => self.paused = Option::deserialize(value).map_err(wrong)?,
            "why" => self.why = body::why(value).map_err(|error| error.to_string())?,
            _ => self.said.take(field, value)?,
        }
        Ok(())
    }
}
