//! What a semaphore is told beyond its maximum and its level: `A=3~max_pending:2`.

use throttle::engine::Manners;

use super::number;

pub(super) fn parse(text: &str) -> Result<Manners, String> {
    let mut manners = Manners::NONE;
    for word in text.split(',') {
        match word.split_once(':').unwrap_or((word, "")) {
            ("max_pending", most) => manners.max_pending = Some(number(most)?),
            (word, _) => return Err(format!("{word}: no manners")),
        }
    }
    Ok(manners)
}

pub(super) fn write(manners: Manners) -> String {
    let Manners { max_pending } = manners;
    let max_pending = max_pending.map(|most| format!("max_pending:{most}"));
    let all: Vec<_> = max_pending.into_iter().collect();
    if all.is_empty() { String::new() } else { format!("~{}", all.join(",")) }
}
