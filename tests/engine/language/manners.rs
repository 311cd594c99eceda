//! What a semaphore is told beyond its maximum and its level: `A=3~max_pending:2,lock_delay:15s`.

use throttle::engine::{Manners, Span};

use super::{number, parse_span};

pub(super) fn parse(text: &str) -> Result<Manners, String> {
    let mut manners = Manners::NONE;
    for word in text.split(',') {
        match word.split_once(':').unwrap_or((word, "")) {
            ("max_pending", most) => manners.max_pending = Some(number(most)?),
            ("max_hold", longest) => manners.max_hold = Some(parse_span(longest)?),
            ("slots", "") => manners.slots = true,
            ("lock_delay", delay) => manners.lock_delay = parse_span(delay)?,
            (word, _) => return Err(format!("{word}: no manners")),
        }
    }
    Ok(manners)
}

pub(super) fn write(manners: Manners) -> String {
    let Manners { max_pending, max_hold, lock_delay, slots } = manners;
    let max_pending = max_pending.map(|most| format!("max_pending:{most}"));
    let max_hold = max_hold.map(|longest| format!("max_hold:{longest}"));
    let slots = slots.then(|| "slots".to_owned());
    let delay = (lock_delay > Span::ZERO).then(|| format!("lock_delay:{lock_delay}"));
    let all: Vec<_> = max_pending.into_iter().chain(max_hold).chain(delay).chain(slots).collect();
    if all.is_empty() { String::new() } else { format!("~{}", all.join(",")) }
}
