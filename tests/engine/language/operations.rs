//! What operators do, as text: `create A=3@1`, `change A max 2 level 1 pause`, `delete A force`, `revoke 1 A grace 5s
//! why late`, `revoke 1`, `free A`.

use throttle::engine::{Label, Operation, Span};

use super::write::{option, write_settings_of};
use super::{Words, parse_name, parse_semaphore, wishes};

/// `None`: the verb is none of an operator's.
pub(super) fn parse(verb: &str, words: &mut Words<'_>) -> Result<Option<Operation>, String> {
    let operation = match verb {
        "create" => {
            let (name, value) = words.next("a semaphore")?.split_once('=').ok_or("no max")?;
            Operation::Create(parse_semaphore(name, value)?)
        }
        "change" => Operation::Change {
            name: parse_name(words.next("a semaphore")?)?,
            wish: wishes::parse(words)?,
        },
        "delete" => Operation::Delete {
            name: parse_name(words.next("a semaphore")?)?,
            force: words.0.next_if_eq(&"force").is_some(),
            why: why(words)?,
        },
        "configure" => {
            let (mut set, mut remove) = (Vec::new(), Vec::new());
            for word in words.0.by_ref() {
                match (word.strip_prefix('-'), word.split_once('=')) {
                    (Some(name), _) => remove.push(parse_name(name)?),
                    (None, Some((name, value))) => set.push(parse_semaphore(name, value)?),
                    (None, None) => return Err(format!("{word}: neither NAME=MAX nor -NAME")),
                }
            }
            Operation::Configure { set, remove }
        }
        "revoke" => Operation::Revoke {
            peer: words.next("a peer")?.parse().map_err(|_| "not a peer")?,
            name: words.0.next_if(|word| !WORDS.contains(word)).map(parse_name).transpose()?,
            grace: words.span("grace")?.unwrap_or(Span::ZERO),
            why: why(words)?,
        },
        "free" => Operation::Free {
            name: parse_name(words.next("a semaphore")?)?,
            grace: words.span("grace")?.unwrap_or(Span::ZERO),
            why: why(words)?,
        },
        _ => return Ok(None),
    };
    Ok(Some(operation))
}

const WORDS: [&str; 2] = ["grace", "why"];

fn why(words: &mut Words<'_>) -> Result<Option<Label>, String> {
    let why = words.option::<String>("why")?.map(|why| Label::new(&why));
    why.transpose().map_err(|error| error.to_string())
}

pub(super) fn write(operation: &Operation) -> String {
    match operation {
        Operation::Create(it) => format!("create {}={}", it.name, write_settings_of(it)),
        Operation::Change { name, wish } => format!("change {name}{}", wishes::write(wish)),
        Operation::Delete { name, force, why } => {
            let force = if *force { " force" } else { "" };
            format!("delete {name}{force}{}", option("why", why.as_ref()))
        }
        Operation::Configure { set, remove } => {
            let set = set.iter().map(|it| format!(" {}={}", it.name, write_settings_of(it)));
            let remove = remove.iter().map(|name| format!(" -{name}"));
            format!("configure{}", set.chain(remove).collect::<String>())
        }
        Operation::Revoke { peer, name, grace, why } => {
            let name = name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("revoke {peer}{name}{}{}", write_grace(*grace), option("why", why.as_ref()))
        }
        Operation::Free { name, grace, why } => {
            format!("free {name}{}{}", write_grace(*grace), option("why", why.as_ref()))
        }
    }
}

fn write_grace(grace: Span) -> String {
    option("grace", Some(grace).filter(|grace| *grace != Span::ZERO))
}

#[test]
fn what_is_written_can_be_read() {
    for text in [
        "create A=3@1",
        "change A max 2 level -1 pause",
        "change A resume",
        "change A max_pending 3 max_hold none lock_delay 15s slots yes",
        "change A max_pending none max_hold 1h slots no",
        "change A capacity 2 refill 3 every 1s slop none max_reserved 7",
        "change A every 1s slop 3ms",
        "delete A force why late",
        "configure A=1@0~max_pending:5,max_hold:1h,lock_delay:15s,slots B=2@0%3/1m+7 -C",
        "revoke 1 A grace 5s why late",
        "revoke s1",
        "free A grace 1ms",
    ] {
        let mut words = Words(text.split_whitespace().peekable());
        let verb = words.next("a verb").unwrap();
        assert_eq!(write(&parse(verb, &mut words).unwrap().unwrap()), text);
    }
}
