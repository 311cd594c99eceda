//! What names stand for, as programs declare them to a server that lets them come into being.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::error::Error;
use super::wire::MAX_INTEGER;

/// Declarations by name.
pub(super) type Limits = BTreeMap<String, Limit>;

/// How many or how often: what a name stands for, as a program declares it. Where the server's configuration has
/// `[dynamic] allow = true`, the first one who declares a name makes it; all others have to say the same, or nothing.
///
/// A server that is started again has forgotten it. What was acquired with a declaration is brought back with it; what
/// was acquired without one is lost then, unless somebody else has declared the name before. So declare each time.
///
/// ```no_run
/// # use std::time::Duration;
/// use throttle::client::Limit;
///
/// # async fn example(client: throttle::client::Client) -> Result<(), throttle::client::Error> {
/// let peer = client.peer("").await?;
/// let lease = peer.acquire("reports").declare("reports", Limit::semaphore(5)).await?;
/// let mail = client.bucket("mail").declare(Limit::bucket(10, 1, Duration::from_secs(60)));
/// let permit = mail.take(1).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// How many at once.
    Semaphore {
        /// At most so many.
        max: u32,
    },
    /// How often.
    Bucket {
        /// How many tokens it holds.
        capacity: u32,
        /// How many of them come back in each `every`.
        refill: u32,
        /// The time in which they do.
        every: Duration,
        /// How many may be waited for, or promised, at a time; `None`: not said.
        max_reserved: Option<u32>,
    },
    /// How far apart: a bucket of one token.
    Pacer {
        /// The time in which it comes back.
        min_interval: Duration,
        /// As of a bucket.
        max_reserved: Option<u32>,
    },
}

impl Limit {
    /// At most `max` at once.
    pub const fn semaphore(max: u32) -> Self {
        Self::Semaphore { max }
    }

    /// A bucket that holds up to `capacity` tokens, of which `refill` come back in each `every`.
    pub const fn bucket(capacity: u32, refill: u32, every: Duration) -> Self {
        Self::Bucket { capacity, refill, every, max_reserved: None }
    }

    /// A bucket of one token, which is back after `min_interval`. That is rounded up to whole milliseconds.
    pub const fn pacer(min_interval: Duration) -> Self {
        Self::Pacer { min_interval, max_reserved: None }
    }

    /// How many tokens of a bucket may be waited for, or promised, at a time. A semaphore stays as it is.
    #[must_use]
    pub const fn max_reserved(self, tokens: u32) -> Self {
        let max_reserved = Some(tokens);
        match self {
            Self::Semaphore { max } => Self::Semaphore { max },
            Self::Bucket { capacity, refill, every, .. } => {
                Self::Bucket { capacity, refill, every, max_reserved }
            }
            Self::Pacer { min_interval, .. } => Self::Pacer { min_interval, max_reserved },
        }
    }

    /// What the server could not read is not sent to it.
    pub(super) fn check(&self) -> Result<(), Error> {
        let (least, time) = match *self {
            Self::Semaphore { max } => (max, Duration::MAX),
            Self::Bucket { capacity, refill, every, .. } => (capacity.min(refill), every),
            Self::Pacer { min_interval, .. } => (1, min_interval),
        };
        if least == 0 || time.is_zero() {
            return Err(Error::InvalidWant("a limit that is declared must be above 0"));
        }
        Ok(())
    }

    /// What the server says of a name. `None`: something that is not known here.
    pub(super) fn read(value: Value) -> Option<Self> {
        let written: Written = serde_json::from_value(value).ok()?;
        let Written { max, capacity, refill, every_ms, min_interval_ms, max_reserved } = written;
        let refill = u32::try_from(refill.unwrap_or(1)).ok()?;
        match (max, capacity, every_ms, min_interval_ms) {
            (Some(max), _, _, _) => Some(Self::Semaphore { max }),
            (None, Some(capacity), Some(every), _) => {
                let every = Duration::from_millis(every);
                Some(Self::Bucket { capacity, refill, every, max_reserved })
            }
            (None, None, _, Some(interval)) => {
                Some(Self::Pacer { min_interval: Duration::from_millis(interval), max_reserved })
            }
            (None, _, _, _) => None,
        }
    }
}

/// A limit as it stands on the wire.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refill: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_interval_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_reserved: Option<u32>,
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match *self {
            Self::Semaphore { max } => Written { max: Some(max), ..Written::default() },
            Self::Bucket { capacity, refill, every, max_reserved } => {
                let (refill, every_ms) = whole(refill, every);
                let (capacity, refill, every_ms) = (Some(capacity), Some(refill), Some(every_ms));
                Written { capacity, refill, every_ms, max_reserved, ..Written::default() }
            }
            Self::Pacer { min_interval, max_reserved } => {
                let millis = min_interval.as_micros().div_ceil(MICROS.into());
                let min_interval_ms = Some(bounded(millis));
                Written { min_interval_ms, max_reserved, ..Written::default() }
            }
        };
        written.serialize(serializer)
    }
}

/// Microseconds in a millisecond.
const MICROS: u64 = 1_000;

/// The same rate, for a time of whole milliseconds: 1 in 1.5 ms is 2 in 3 ms. What is finer than a microsecond is
/// rounded.
fn whole(refill: u32, every: Duration) -> (u64, u64) {
    let micros = bounded(every.as_nanos().div_ceil(1_000));
    let divisor = common_divisor(micros, MICROS);
    (u64::from(refill) * (MICROS / divisor), micros / divisor)
}

const fn common_divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { common_divisor(right, left % right) }
}

/// The server refuses what is too large in words of its own.
fn bounded(number: u128) -> u64 {
    u64::try_from(number).map_or(MAX_INTEGER, |number| number.min(MAX_INTEGER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_the_server_reads_them() {
        let (minute, odd) = (Duration::from_secs(60), Duration::from_micros(1_500));
        for (limit, expected) in [
            (Limit::semaphore(5), r#"{"max":5}"#),
            (Limit::bucket(10, 3, minute), r#"{"capacity":10,"refill":3,"every_ms":60000}"#),
            (
                Limit::bucket(10, 3, odd).max_reserved(0),
                r#"{"capacity":10,"refill":6,"every_ms":3,"max_reserved":0}"#,
            ),
            (
                Limit::bucket(1, 1, Duration::from_micros(1)),
                r#"{"capacity":1,"refill":1000,"every_ms":1}"#,
            ),
            (Limit::pacer(odd).max_reserved(2), r#"{"min_interval_ms":2,"max_reserved":2}"#),
            (Limit::pacer(Duration::MAX), r#"{"min_interval_ms":9007199254740991}"#),
        ] {
            assert_eq!(serde_json::to_string(&limit).unwrap(), expected);
            assert_eq!(limit.check(), Ok(()));
        }
    }

    #[test]
    fn limits_are_read_leniently() {
        let bucket = Limit::bucket(10, 3, Duration::from_secs(60));
        for (text, expected) in [
            (r#"{"max":5,"level":1}"#, Some(Limit::semaphore(5))),
            (r#"{"capacity":10,"refill":3,"every_ms":60000}"#, Some(bucket)),
            (
                r#"{"capacity":10,"refill":3,"every_ms":60000,"max_reserved":2}"#,
                Some(bucket.max_reserved(2)),
            ),
            (r#"{"min_interval_ms":3}"#, Some(Limit::pacer(Duration::from_millis(3)))),
            (r#"{"capacity":10}"#, None),
            (r#"{"max":-1}"#, None),
            (r#""a semaphore""#, None),
        ] {
            assert_eq!(Limit::read(serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_no_limit() {
        for limit in [
            Limit::semaphore(0),
            Limit::bucket(0, 1, Duration::from_secs(1)),
            Limit::bucket(1, 0, Duration::from_secs(1)),
            Limit::bucket(1, 1, Duration::ZERO),
            Limit::pacer(Duration::ZERO),
        ] {
            assert!(matches!(limit.check(), Err(Error::InvalidWant(_))), "{limit:?}");
        }
    }
}
