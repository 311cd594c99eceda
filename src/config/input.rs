//! One value, before it is known to be good: from a file it has a type, from a flag or a variable it is text.
//! What is checked here is the same for both. An error is the rest of a sentence that starts with the setting.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use toml::de::DeValue;

use super::level::{Level, LogFormat};
use super::problem::excerpt;
use crate::access::Hosts;
use crate::engine::Span;

/// Longest path.
const MAX_PATH_BYTES: usize = 4_096;

/// One value.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// From a file.
    Toml(&'a DeValue<'a>),
    /// From a request.
    Json(&'a Value),
    /// From a flag or a variable.
    Text(&'a str),
}

impl<'a> Input<'a> {
    /// "expected this, found that".
    pub(super) fn refused(self, expected: impl std::fmt::Display) -> String {
        format!("expected {expected}, found {}", self.shown())
    }

    pub(super) fn integer<T: TryFrom<i128>>(
        self,
        range: RangeInclusive<i128>,
    ) -> Result<T, String> {
        let number = self.as_integer().filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            self.refused(format_args!("a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// An integer, or `auto`, which is `None`.
    pub(super) fn integer_or_auto<T: TryFrom<i128>>(
        self,
        range: RangeInclusive<i128>,
    ) -> Result<Option<T>, String> {
        if self.as_text().is_some_and(|text| text.eq_ignore_ascii_case("auto")) {
            return Ok(None);
        }
        self.integer(range.clone()).map(Some).map_err(|_| {
            let (from, to) = range.into_inner();
            self.refused(format_args!("\"auto\" or a whole number from {from} to {to}"))
        })
    }

    /// A duration of at least a microsecond, which is what the server counts in.
    pub(super) fn duration(self, longest: Span) -> Result<Duration, String> {
        let duration = self.as_text().and_then(|text| humantime::parse_duration(text).ok());
        let bounds = Duration::from_micros(1)..=Duration::from(longest);
        duration.filter(|duration| bounds.contains(duration)).ok_or_else(|| {
            let examples = examples(longest);
            self.refused(format_args!(
                "a duration such as {examples}, more than 0 and at most {longest}"
            ))
        })
    }

    /// A duration of at least a microsecond, or zero, which needs no unit.
    pub(super) fn duration_or_zero(self, longest: Span) -> Result<Duration, String> {
        let zero = self.as_text().and_then(|text| humantime::parse_duration(text).ok());
        if zero.is_some_and(|it| it.is_zero()) || self.as_integer() == Some(0) {
            return Ok(Duration::ZERO);
        }
        self.duration(longest).map_err(|_| {
            let examples = examples(longest);
            self.refused(format_args!("0, or a duration such as {examples}, at most {longest}"))
        })
    }

    pub(super) fn address(self) -> Result<IpAddr, String> {
        self.as_text().and_then(|text| text.parse().ok()).ok_or_else(|| {
            self.refused("an IP address such as \"127.0.0.1\", \"0.0.0.0\" or \"::1\"")
        })
    }

    pub(super) fn switch(self) -> Result<bool, String> {
        let written = match self {
            Self::Toml(value) => value.as_bool(),
            Self::Json(value) => value.as_bool(),
            Self::Text("true" | "1") => Some(true),
            Self::Text("false" | "0") => Some(false),
            Self::Text(_) => None,
        };
        written.ok_or_else(|| self.refused("true or false"))
    }

    /// `"auto"`, or names: a list, or a text with commas.
    pub(super) fn hosts(self) -> Result<Hosts, String> {
        let names: Option<Vec<&str>> = match (self.as_text(), self) {
            (Some("auto"), _) => return Ok(Hosts::Auto),
            (Some(text), _) => Some(text.split(',').map(str::trim).collect()),
            (None, Self::Toml(value)) => value
                .as_array()
                .and_then(|names| names.iter().map(|name| name.get_ref().as_str()).collect()),
            (None, Self::Json(_) | Self::Text(_)) => None,
        };
        names.and_then(|names| Hosts::named(&names)).ok_or_else(|| {
            let names = "names without ports, such as [\"throttle.example.com\"]";
            self.refused(format_args!("\"auto\", or {names}; [\"*\"] is any"))
        })
    }

    pub(super) fn level(self) -> Result<Level, String> {
        self.as_text()
            .and_then(Level::named)
            .ok_or_else(|| self.refused("one of OFF, ERROR, WARN, INFO, DEBUG, TRACE"))
    }

    pub(super) fn format(self) -> Result<LogFormat, String> {
        self.as_text()
            .and_then(LogFormat::named)
            .ok_or_else(|| self.refused("\"text\" or \"json\""))
    }

    /// A text of 1 to `most` bytes without control characters.
    pub(super) fn line(self, most: usize) -> Result<String, String> {
        self.as_text()
            .filter(|text| (1..=most).contains(&text.len()) && !text.contains(char::is_control))
            .map(str::to_owned)
            .ok_or_else(|| {
                let expected = "bytes without control characters";
                self.refused(format_args!("a text of 1 to {most} {expected}"))
            })
    }

    /// A path, with which nothing has been done yet.
    pub(super) fn path(self) -> Result<PathBuf, String> {
        self.line(MAX_PATH_BYTES).map(PathBuf::from)
    }

    pub(super) fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Json(value) => value.as_str(),
            Self::Text(text) => Some(text),
        }
    }

    fn as_integer(self) -> Option<i128> {
        match self {
            Self::Toml(value) => {
                let integer = value.as_integer()?;
                i128::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            Self::Json(value) => {
                let signed = value.as_i64().map(i128::from);
                signed.or_else(|| value.as_u64().map(i128::from))
            }
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Text(text) => excerpt(text),
            Self::Json(Value::String(text)) => excerpt(text),
            Self::Json(Value::Array(_)) => "an array".into(),
            Self::Json(Value::Object(_)) => "an object".into(),
            Self::Json(value) => value.to_string(),
            Self::Toml(DeValue::String(text)) => excerpt(text),
            Self::Toml(DeValue::Integer(number)) => excerpt(&number.to_string()).replace('"', ""),
            Self::Toml(DeValue::Float(number)) => excerpt(number.as_str()).replace('"', ""),
            Self::Toml(DeValue::Boolean(value)) => value.to_string(),
            Self::Toml(DeValue::Datetime(date)) => date.to_string(),
            Self::Toml(DeValue::Array(_)) => "an array".into(),
            Self::Toml(DeValue::Table(_)) => "a table".into(),
        }
    }
}

/// Durations that are allowed where this is the longest.
fn examples(longest: Span) -> &'static str {
    if longest >= Span::from_secs(86_400) {
        "\"250ms\", \"5min\" or \"1day\""
    } else {
        "\"50us\" or \"2ms\""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Input<'_> {
        Input::Text(text)
    }

    #[test]
    fn integers_have_bounds() {
        assert_eq!(text("0").integer::<u16>(0..=65_535), Ok(0));
        assert_eq!(text("65535").integer::<u16>(0..=65_535), Ok(65_535));
        for bad in ["-1", "65536", "", "1.0", "0x10", "9".repeat(100).as_str()] {
            assert!(text(bad).integer::<u16>(0..=65_535).is_err(), "{bad}");
        }
        assert_eq!(text("AUTO").integer_or_auto::<usize>(1..=9), Ok(None));
        assert_eq!(text("9").integer_or_auto::<usize>(1..=9), Ok(Some(9)));
        assert!(text("0").integer_or_auto::<usize>(1..=9).is_err());
    }

    #[test]
    fn a_number_that_the_type_cannot_hold_is_refused_whatever_the_bounds_say() {
        assert!(text("300").integer::<u8>(0..=1000).is_err());
    }

    #[test]
    fn durations_have_a_unit_and_bounds() {
        let day = Span::from_secs(86_400);
        assert_eq!(text("1day").duration(day), Ok(Duration::from_secs(86_400)));
        assert_eq!(text("1us").duration(day), Ok(Duration::from_micros(1)));
        for bad in ["0s", "1ns", "25h", "5", "", "500000000000y", "-1s", "5 minuets"] {
            assert!(text(bad).duration(day).is_err(), "{bad}");
        }
        assert_eq!(text("0s").duration_or_zero(day), Ok(Duration::ZERO));
        assert_eq!(text("2s").duration_or_zero(day), Ok(Duration::from_secs(2)));
        assert_eq!(text("0").duration_or_zero(day), Ok(Duration::ZERO));
        for bad in ["25h", "", "-0s", "5"] {
            assert!(text(bad).duration_or_zero(day).is_err(), "{bad}");
        }
    }
}
