//! The frames that come all the time, read in one go: acquires and releases with nothing unusual about them.
//!
//! Nothing is decided here. Whatever is not plainly one of these, or is wrong, is left to `request`, which reads field
//! by field, and knows what to say about each. What is read here is read the same there.

use std::borrow::Cow;

use super::fields::Counts;
use super::request::{Acquire, Ask, Messages, Request, want};
use super::{LocalPeer, RequestId};
use crate::engine::{Priority, Span};

/// So long an integer is below 2^53, whatever its digits.
const MAX_DIGITS: usize = 15;

/// Reads a frame. `None`: something about it is unusual.
pub(super) fn read(text: &str) -> Option<Messages> {
    let mut scanner = Scanner(text.as_bytes());
    let mut messages = Messages::new();
    if scanner.skip(b'[') {
        loop {
            messages.push(Ok(scanner.message()?));
            if !scanner.skip(b',') {
                break;
            }
        }
        scanner.expect(b']')?;
    } else {
        messages.push(Ok(scanner.message()?));
    }
    scanner.is_at_end().then_some(messages)
}

/// The fields that are usual.
#[derive(Default)]
struct Plain<'a> {
    kind: Option<&'a [u8]>,
    id: Option<i64>,
    peer: Option<i64>,
    want: Option<Counts<'a>>,
    timeout_ms: Option<i64>,
}

impl Plain<'_> {
    fn request(self) -> Option<Request> {
        let peer = LocalPeer(self.peer?);
        let ask = match (self.kind?, self.want) {
            (b"acquire", Some(counts)) => Ask::Acquire(Acquire {
                peer,
                want: want(counts).ok()?,
                timeout: self.timeout_ms.map(|millis| Span::from_millis(millis.unsigned_abs())),
                max_wait: None,
                priority: Priority::default(),
                progress: false,
                declared: Box::default(),
            }),
            (b"release", None) => Ask::Release { peer, names: None },
            _ => return None,
        };
        Some(Request { id: self.id.map(RequestId), ask })
    }
}

/// What is still to be read.
struct Scanner<'a>(&'a [u8]);

impl<'a> Scanner<'a> {
    fn message(&mut self) -> Option<Request> {
        let mut plain = Plain::default();
        self.expect(b'{')?;
        loop {
            let field = self.text()?;
            self.expect(b':')?;
            let is_first = match field {
                b"type" => plain.kind.replace(self.text()?).is_none(),
                b"id" => plain.id.replace(self.integer()?).is_none(),
                b"peer" => plain.peer.replace(self.integer()?).is_none(),
                b"want" => plain.want.replace(self.counts()?).is_none(),
                b"timeout_ms" => plain.timeout_ms.replace(self.integer()?).is_none(),
                _ => return None,
            };
            if !is_first {
                return None;
            }
            if !self.skip(b',') {
                break;
            }
        }
        self.expect(b'}')?;
        plain.request()
    }

    fn counts(&mut self) -> Option<Counts<'a>> {
        let mut counts = Counts::new();
        self.expect(b'{')?;
        loop {
            let name = self.text()?;
            self.expect(b':')?;
            counts.push((Cow::Borrowed(str::from_utf8(name).ok()?), self.integer()?));
            if !self.skip(b',') {
                break;
            }
        }
        self.expect(b'}')?;
        Some(counts)
    }

    /// A text that stands there as it is. What it must not have in it is for its reader to know.
    fn text(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let end = self.0.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        self.skip_here(b'"').then_some(text)
    }

    /// An integer that is not negative.
    fn integer(&mut self) -> Option<i64> {
        self.skip_spaces();
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (text, rest) = self.0.split_at(digits);
        let padded = digits > 1 && text.starts_with(b"0");
        if padded || !(1..=MAX_DIGITS).contains(&digits) {
            return None;
        }
        self.0 = rest;
        Some(text.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip(byte).then_some(())
    }

    fn skip(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        self.skip_here(byte)
    }

    fn skip_here(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            Some(_) | None => false,
        }
    }

    fn skip_spaces(&mut self) {
        while self.skip_here(b' ') {}
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
