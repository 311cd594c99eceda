//! A frame: one message, or an array of them. Its elements are given out one by one; when a frame turns out to be no
//! JSON, some have been given out already, and whoever took them must not act on them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::Fields;

/// Walks over a frame, whether it is one message or an array of them, and gives each to `take`: an object's fields,
/// or `None` for a number, a text and so on.
pub(super) struct Walk<F>(pub(super) F);

impl<'de, F: FnMut(Option<&Fields<'de>>)> DeserializeSeed<'de> for Walk<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(FrameVisitor(self.0))
    }
}

struct FrameVisitor<F>(F);

impl<'de, F: FnMut(Option<&Fields<'de>>)> Visitor<'de> for FrameVisitor<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        let mut fields = Fields::default();
        fields.collect(map)?;
        (self.0)(Some(&fields));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        // One for all elements: it is large.
        let mut fields = Fields::default();
        while let Some(is_object) = elements.next_element_seed(Element(&mut fields))? {
            (self.0)(is_object.then_some(&fields));
        }
        Ok(())
    }
}

/// Reads one element. Says whether it is an object, whose fields are there then.
struct Element<'a, 'de>(&'a mut Fields<'de>);

impl<'de> DeserializeSeed<'de> for Element<'_, 'de> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, 'de> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        self.0.collect(map)?;
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<bool, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}
