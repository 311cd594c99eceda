//! What is asked of buckets, read from text: `reserve A 2 max-wait 5s declare A=10%5/1m`, `unreserve A 17`, `settle 1 A=7`, `back-off A 30s by 1`.

use throttle::engine::{Command, Fence, Want};

use super::{Words, number, parse_name, parse_span};

/// `None`: the verb is about something else.
pub(super) fn parse(verb: &str, words: &mut Words<'_>) -> Result<Option<Command>, String> {
    let command = match verb {
        "reserve" => Command::Reserve {
            name: parse_name(words.next("a bucket")?)?,
            count: number(words.next("a count")?)?,
            max_wait: words.span("max-wait")?,
            declared: words.declared()?.into_iter().next().map(Box::new),
        },
        "unreserve" => Command::Unreserve {
            name: parse_name(words.next("a bucket")?)?,
            permit: Fence(number(words.next("a permit")?)?),
        },
        "settle" => Command::Settle {
            peer: words.next("a peer")?.parse().map_err(|_| "not a peer")?,
            used: Want::new(words.want()?).map_err(|error| error.to_string())?,
        },
        "back-off" => Command::BackOff {
            name: parse_name(words.next("a bucket")?)?,
            retry_after: parse_span(words.next("a time")?)?,
            peer: words.option("by")?,
        },
        _ => return Ok(None),
    };
    Ok(Some(command))
}
