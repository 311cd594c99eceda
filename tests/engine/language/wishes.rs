//! What is to be different about a semaphore or a bucket: `max 2 level 1 pause max_hold none refill 3 every 1s`.

use throttle::engine::{Count, Level, MannersWish, RateWish, Wish};

use super::write::option;
use super::{Words, number, parse_span};

pub(super) fn parse(words: &mut Words<'_>) -> Result<Wish, String> {
    let (max, level) = (words.count("max")?, words.option("level")?.map(Level));
    let paused = words.0.next_if(|word| ["pause", "resume"].contains(word)).map(|w| w == "pause");
    let manners = MannersWish {
        max_pending: words.some("max_pending", number)?,
        max_hold: words.some("max_hold", parse_span)?,
        lock_delay: words.span("lock_delay")?,
        slots: words.option::<String>("slots")?.map(|slots| slots == "yes"),
    };
    let capacity = words.count("capacity")?;
    let rate = RateWish::new(words.count("refill")?, words.span("every")?);
    let mut rate = rate.ok_or("not a rate")?;
    rate.capacity = capacity;
    rate.slop = words.some("slop", parse_span)?;
    rate.max_reserved = words.option("max_reserved")?;
    Ok(Wish { max, level, paused, manners, rate })
}

pub(super) fn write(wish: &Wish) -> String {
    let Wish { max, level, paused, manners, rate } = *wish;
    let MannersWish { max_pending, max_hold, lock_delay, slots } = manners;
    let all = [
        option("max", max),
        option("level", level),
        paused.map(|it| if it { " pause" } else { " resume" }).unwrap_or_default().to_owned(),
        option("max_pending", max_pending.map(some)),
        option("max_hold", max_hold.map(some)),
        option("lock_delay", lock_delay),
        option("slots", slots.map(|it| if it { "yes" } else { "no" })),
        option("capacity", rate.capacity),
        option("refill", rate.refill()),
        option("every", rate.every()),
        option("slop", rate.slop.map(some)),
        option("max_reserved", rate.max_reserved),
    ];
    all.concat()
}

fn some(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

impl Words<'_> {
    fn count(&mut self, name: &str) -> Result<Option<Count>, String> {
        let count = self.option(name)?.map(|count| Count::new(count).ok_or("not a count"));
        Ok(count.transpose()?)
    }

    /// Something, or `none`.
    fn some<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<Option<T>>, String> {
        match self.option::<String>(name)?.as_deref() {
            None => Ok(None),
            Some("none") => Ok(Some(None)),
            Some(text) => parse(text).map(|it| Some(Some(it))),
        }
    }
}
