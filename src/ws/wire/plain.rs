//! The frames that come all the time, read in one go: acquires and releases with nothing unusual about them.
//!
//! Nothing is decided here. Whatever is not plainly one of these, or is wrong, is left to `request`, which reads field
//! by field, and knows what to say about each. What is read here is read the same there.

use smallvec::SmallVec;

use super::request::{Acquire, Ask, Messages, Request};
use super::{LocalPeer, RequestId};
use crate::engine::{Priority, SemaphoreName, Span, Want};

/// So long an integer is below 2^53, whatever its digits.
const MAX_DIGITS: usize = 15;

/// Reads a frame. `None`: something about it is unusual.
pub(super) fn read(text: &str) -> Option<Messages> {
    let mut scanner = Scanner(text);
    let mut messages = Messages::new();
    if scanner.skip("[") {
        loop {
            messages.push(Ok(scanner.message()?));
            if !scanner.skip(",") {
                break;
            }
        }
        scanner.expect("]")?;
    } else {
        messages.push(Ok(scanner.message()?));
    }
    scanner.is_at_end().then_some(messages)
}

/// The fields that are usual.
#[derive(Default)]
struct Plain {
    kind: Option<Kind>,
    id: Option<i64>,
    peer: Option<i64>,
    want: Option<Want>,
    timeout_ms: Option<i64>,
}

enum Kind {
    Acquire,
    Release,
}

impl Plain {
    fn request(self) -> Option<Request> {
        let peer = LocalPeer(self.peer?);
        let ask = match (self.kind?, self.want) {
            (Kind::Acquire, Some(want)) => Ask::Acquire(Acquire {
                peer,
                want,
                timeout: self.timeout_ms.map(|millis| Span::from_millis(millis.unsigned_abs())),
                max_wait: None,
                priority: Priority::default(),
                progress: false,
                declared: Box::default(),
            }),
            (Kind::Release, None) => Ask::Release { peer, names: None },
            (Kind::Acquire, None) | (Kind::Release, Some(_)) => return None,
        };
        Some(Request { id: self.id.map(RequestId), ask })
    }
}

/// What is still to be read.
struct Scanner<'a>(&'a str);

impl<'a> Scanner<'a> {
    /// Fields are compared with what they may be where they stand: to find their ends first costs more.
    fn message(&mut self) -> Option<Request> {
        let mut plain = Plain::default();
        self.expect("{")?;
        loop {
            self.skip_spaces();
            let is_first = if self.skip_field("\"type\"")? {
                plain.kind.replace(self.kind()?).is_none()
            } else if self.skip_field("\"id\"")? {
                plain.id.replace(self.integer()?).is_none()
            } else if self.skip_field("\"peer\"")? {
                plain.peer.replace(self.integer()?).is_none()
            } else if self.skip_field("\"want\"")? {
                plain.want.replace(self.want()?).is_none()
            } else if self.skip_field("\"timeout_ms\"")? {
                plain.timeout_ms.replace(self.integer()?).is_none()
            } else {
                return None;
            };
            if !is_first {
                return None;
            }
            if !self.skip(",") {
                break;
            }
        }
        self.expect("}")?;
        plain.request()
    }

    fn kind(&mut self) -> Option<Kind> {
        if self.skip("\"acquire\"") {
            return Some(Kind::Acquire);
        }
        self.skip("\"release\"").then_some(Kind::Release)
    }

    fn want(&mut self) -> Option<Want> {
        self.expect("{")?;
        let (name, count) = self.count()?;
        if self.skip("}") {
            return Some(Want::one(name, count));
        }
        let mut counts = SmallVec::<[_; 4]>::new();
        counts.push((name, count));
        while self.skip(",") {
            counts.push(self.count()?);
        }
        self.expect("}")?;
        Want::new(counts).ok()
    }

    fn count(&mut self) -> Option<(SemaphoreName, i64)> {
        let name = SemaphoreName::new(self.text()?).ok()?;
        self.expect(":")?;
        Some((name, self.integer()?))
    }

    /// A text that stands there as it is. What it must not have in it is for its reader to know.
    fn text(&mut self) -> Option<&'a str> {
        self.expect("\"")?;
        let end = self.0.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        self.skip_here("\"").then_some(text)
    }

    /// An integer that is not negative.
    fn integer(&mut self) -> Option<i64> {
        self.skip_spaces();
        let mut number = 0;
        let mut digits = 0;
        for digit in self.0.bytes().map(|byte| byte.wrapping_sub(b'0')).take_while(|it| *it < 10) {
            if digits == MAX_DIGITS || (digits == 1 && number == 0) {
                return None;
            }
            number = number * 10 + i64::from(digit);
            digits += 1;
        }
        self.0 = &self.0[digits..];
        (digits > 0).then_some(number)
    }

    /// Skips the name of a field and what stands behind it, if it is this one.
    fn skip_field(&mut self, name: &str) -> Option<bool> {
        let is_next = self.skip_here(name);
        if is_next {
            self.expect(":")?;
        }
        Some(is_next)
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.skip(text).then_some(())
    }

    #[inline]
    fn skip(&mut self, text: &str) -> bool {
        self.skip_spaces();
        self.skip_here(text)
    }

    #[inline]
    fn skip_here(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip_spaces(&mut self) {
        while self.skip_here(" ") {}
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_spaces();
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::super::request::read_any;
    use super::*;

    #[test]
    fn what_is_read_in_one_go_is_what_is_read_field_by_field() {
        for text in [
            r#"{"type":"acquire","id":1,"peer":2,"want":{"A":1}}"#,
            r#"{"peer":2,"want":{"Ä b":0,"B":999999999999999},"type":"acquire"}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{"A":1},"timeout_ms":0}"#,
            r#"{"type":"release","peer":2}"#,
            r#" { "type" : "release" , "id" : 0 , "peer" : 0 } "#,
            r#"[{"type":"release","peer":2}, {"type":"acquire","id":1,"peer":2,"want":{"A":1}}]"#,
        ] {
            assert_eq!(read(text).map(Ok), Some(read_any(text)), "{text}");
        }
    }

    /// However frames are spoilt: whatever is still read in one go is what it is field by field.
    #[test]
    fn nothing_is_read_differently() {
        const FRAME: &str = r#"[{"type":"release","peer":2}, {"type":"acquire","id":10,"peer":2,"want":{"A":1,"B":20}}]"#;
        let mut rng = Rng::with_seed(1);
        let mut read_in_one_go = 0;
        for _ in 0..20_000 {
            let mut bytes = FRAME.as_bytes().to_vec();
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(..bytes.len());
                let piece = rng.choice(br#"{}[]:,"\ 019-.eAB"#).copied();
                bytes.splice(at..at + rng.usize(..2), piece.filter(|_| rng.u8(..4) > 0));
            }
            let text = String::from_utf8(bytes).unwrap();
            if let Some(messages) = read(&text) {
                assert_eq!(Ok(messages), read_any(&text), "{text}");
                read_in_one_go += 1;
            }
        }
        assert!(read_in_one_go > 1_000, "{read_in_one_go}: few are plain, and little was compared");
    }

    #[test]
    fn what_is_unusual_is_left_alone() {
        for text in [
            r#"{"type":"ping","id":1}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{"A":1},"priority":1}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{"A":1},"more":1}"#,
            r#"{"type":"acquire","id":1,"peer":2}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{}}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{"A":-1}}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{"A":1,"A":1}}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{"":1}}"#,
            r#"{"type":"acquire","id":1,"peer":2,"want":{"\u0041":1}}"#,
            "{\"type\":\"acquire\",\"id\":1,\"peer\":2,\"want\":{\"A\n\":1}}",
            r#"{"type":"acquire","id":1,"peer":2,"want":{"A":1},"timeout_ms":null}"#,
            r#"{"type":"release","peer":2,"want":{"A":1}}"#,
            r#"{"type":"release","peer":2,"names":["A"]}"#,
            r#"{"type":"release","peer":2,"peer":2}"#,
            r#"{"type":"release","peer":2.0}"#,
            r#"{"type":"release","peer":2e3}"#,
            r#"{"type":"release","peer":02}"#,
            r#"{"type":"release","peer":-2}"#,
            r#"{"type":"release","peer":}"#,
            r#"{"type":"release","peer":"2"}"#,
            r#"{"type":"release","peer":null}"#,
            r#"{"type":"release","id":1000000000000000,"peer":2}"#,
            r#"{"type":"release","peer":2,}"#,
            r#"{"type":"release","peer":2}{}"#,
            r#"{"type":"release","peer":2"#,
            r#"{"type":"release"}"#,
            r#"["release",null,2,null]"#,
            r#"[[{"type":"release","peer":2}]]"#,
            r#"[{"type":"release","peer":2},1]"#,
            r#"[{"type":"release","peer":2},]"#,
            r#"[{"type":"release","peer":2}"#,
            r#"{"#,
            "[]",
            "1",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
