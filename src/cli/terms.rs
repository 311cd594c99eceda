//! What operators say of a semaphore or a bucket, as flags. They are sent as they stand there: what they mean, and which of
//! them go together, is the server's to say.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use serde::{Serialize, Serializer};

/// How a semaphore treats those who hold it and those who wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize)]
pub struct Manners {
    /// How much of it may be waited for at once, or `none`: whoever would have to wait beyond that is refused
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending: Option<OrNone<u32>>,

    /// For how long it may be held, such as 1h, or `none`; then it is taken away
    #[arg(long, value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hold: Option<OrNone<Length>>,

    /// For how long nobody gets what a peer held that has expired, such as 15s, or `none`
    #[arg(long, value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_delay: Option<OrNone<Length>>,

    /// Whether each lock also gets distinct numbers
    #[arg(long, value_name = "true|false")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<bool>,
}

/// How much a bucket holds, and how fast it comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize)]
pub struct Terms {
    /// How many tokens it holds when it is full
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,

    /// How many tokens come back in each `--every`; one if nothing is said
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refill: Option<u32>,

    /// In which time they come back, such as 60s
    #[arg(long, value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Length>,

    /// Instead of these: the time between two tokens, which makes it a pacer
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["capacity", "refill", "every"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_interval: Option<Length>,

    /// How many tokens may be promised and not yet due; 1000 for `none`
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_reserved: Option<OrNone<u32>>,

    /// How long after it became valid a permit may be used; a tenth of the time between two tokens for `none`
    #[arg(long, value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slop: Option<OrNone<Length>>,
}

/// Something, or `none`, which is as if nobody had said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrNone<T>(Option<T>);

impl<T: FromStr> FromStr for OrNone<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|it| Self(Some(it))) }
    }
}

/// A duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(Duration);

impl FromStr for Length {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text).map(Self)
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_sent_and_none_is_null() {
        let manners = Manners {
            max_pending: Some("none".parse().unwrap()),
            max_hold: Some("90min".parse().unwrap()),
            ..Manners::default()
        };
        let json = serde_json::to_string(&manners).unwrap();
        assert_eq!(json, r#"{"max_pending":null,"max_hold":"1h 30m"}"#);
        assert!("soon".parse::<OrNone<Length>>().is_err());
        assert!("-1".parse::<OrNone<u32>>().is_err());
    }
}
