//! What a request says of a semaphore or a bucket: in the words of the file, and by the same rules.

use serde_json::Value;

use super::input::Input;
use super::suggestion::nearest;
use super::{buckets, semaphores};
use crate::engine::{MAX_RESERVED, RateWish, SemaphoreName, SemaphoreSettings, Span, Terms, Wish};

/// What is said. The errors are sentences for whoever has said it, without the full stop.
#[derive(Debug, Default)]
pub struct Said {
    semaphore: semaphores::Written,
    bucket: Terms,
    /// The slop is to be what it is when nobody says anything.
    usual_slop: bool,
    /// The first words that only fit a semaphore, or only a bucket.
    of_semaphores: Option<&'static str>,
    of_buckets: Option<&'static str>,
}

impl Said {
    /// Takes in one of the words. `null` stands for what is so when nobody says anything.
    ///
    /// # Errors
    /// There is no such word, or the value is not what it should be.
    pub fn take(&mut self, word: &str, value: &Value) -> Result<(), String> {
        let (of_semaphores, of_buckets) =
            (known(&semaphores::KEYS, word), known(&buckets::KEYS, word));
        if of_semaphores.is_none() && of_buckets.is_none() {
            return Err(unknown(word));
        }
        if value.is_null() {
            self.forget(word);
            return Ok(());
        }
        self.of_semaphores = self.of_semaphores.or(of_semaphores);
        self.of_buckets = self.of_buckets.or(of_buckets);
        let input = Input::Json(value);
        let taken = self.semaphore.take(word, input);
        let taken = taken.or_else(|| buckets::take(&mut self.bucket, word, input));
        taken.unwrap_or(Ok(())).map_err(|wrong| format!("\"{word}\": {wrong}"))
    }

    /// What is there when this is made.
    ///
    /// # Errors
    /// It is neither a semaphore nor a bucket.
    pub fn settings(&self, name: SemaphoreName) -> Result<SemaphoreSettings, String> {
        self.check_kind()?;
        if self.of_buckets.is_some() {
            let (capacity, rate) = self.bucket.bucket()?;
            return Ok(SemaphoreSettings::bucket(name, capacity, rate));
        }
        let missing = "\"max\" is missing; what has \"capacity\" and \"every\", or \"min_interval\", is a bucket";
        self.semaphore.settings(name).ok_or_else(|| missing.to_owned())
    }

    /// What is to be different when this is changed.
    ///
    /// # Errors
    /// It fits neither a semaphore nor a bucket.
    pub fn wish(&self) -> Result<Wish, String> {
        self.check_kind()?;
        let (capacity, refill, every) = self.bucket.parts()?;
        let mut rate = RateWish::new(refill, every).ok_or("nothing would ever come back")?;
        rate.capacity = capacity;
        rate.slop = self.bucket.slop.map(Some).or(self.usual_slop.then_some(None));
        rate.max_reserved = self.bucket.max_reserved;
        let semaphores::Written { max, level, manners } = self.semaphore;
        Ok(Wish { max, level, paused: None, manners, rate })
    }

    fn check_kind(&self) -> Result<(), String> {
        match (self.of_semaphores, self.of_buckets) {
            (Some(one), Some(other)) => Err(format!(
                "\"{one}\" is for a semaphore and \"{other}\" for a bucket: it cannot be both"
            )),
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// What always has to be something stays as it is.
    fn forget(&mut self, word: &str) {
        let manners = &mut self.semaphore.manners;
        match word {
            "max_pending" => manners.max_pending = Some(None),
            "max_hold" => manners.max_hold = Some(None),
            "lock_delay" => manners.lock_delay = Some(Span::ZERO),
            "slots" => manners.slots = Some(false),
            "max_reserved" => self.bucket.max_reserved = Some(MAX_RESERVED),
            "slop" => self.usual_slop = true,
            _ => {}
        }
    }
}

fn known(words: &[&'static str], word: &str) -> Option<&'static str> {
    words.iter().copied().find(|known| *known == word)
}

fn unknown(word: &str) -> String {
    let hint = nearest(word, semaphores::KEYS.into_iter().chain(buckets::KEYS));
    let hint = hint.map(|nearest| format!("; did you mean \"{nearest}\"?"));
    format!("unknown field {word:?}{}", hint.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(words: &Value) -> Result<Said, String> {
        let mut said = Said::default();
        for (word, value) in words.as_object().unwrap() {
            said.take(word, value)?;
        }
        Ok(said)
    }

    fn made(words: &Value) -> Result<String, String> {
        let settings = said(words)?.settings(SemaphoreName::new("A").unwrap())?;
        let rate = settings.rate;
        let reserved = rate.map(|it| format!(", slop {}, {} ahead", it.slop, it.max_reserved));
        Ok(format!("{settings}{}", reserved.unwrap_or_default()))
    }

    #[test]
    fn the_words_are_those_of_the_file() {
        for (words, expected) in [
            (json!({"max": 3, "level": -1}), "3, level -1"),
            (
                json!({"max": 3, "max_pending": 0, "max_hold": "1h", "lock_delay": "15s", "slots": true}),
                "3, max_pending 0, max_hold 1h, lock_delay 15s, slots",
            ),
            (
                json!({"max": 3, "max_pending": null, "max_hold": null, "slots": null, "capacity": null}),
                "3",
            ),
            (json!({"capacity": 10, "every": "60s"}), "10, 1 every 1m, slop 6s, 1000 ahead"),
            (
                json!({"min_interval": "3s", "max_reserved": 0, "slop": "0s", "max_hold": null}),
                "1, 1 every 3s, slop 0us, 0 ahead",
            ),
        ] {
            assert_eq!(made(&words).as_deref(), Ok(expected), "{words}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (words, expected) in [
            (json!({}), "\"max\" is missing"),
            (json!({"max": 0}), "\"max\": expected a whole number from 1 to 2147483648, found 0"),
            (json!({"max": 1.5}), "\"max\": expected a whole number"),
            (json!({"max": u64::MAX}), "found 18446744073709551615"),
            (json!({"max": 1, "capacity": 1}), "it cannot be both"),
            (json!({"level": 1, "every": "1s", "capacity": 1}), "\"level\" is for a semaphore and"),
            (json!({"slots": false, "min_interval": "1s"}), "it cannot be both"),
            (json!({"capacity": 1}), "\"every\" is missing"),
            (json!({"every": "1s"}), "\"capacity\" is missing"),
            (json!({"min_interval": "1s", "refill": 2}), "makes it a pacer"),
            (json!({"capacity": 1, "every": "400d"}), "\"every\": expected a duration"),
            (json!({"max": 1, "max_hold": 5}), "\"max_hold\": expected a duration"),
            (json!({"max": 1, "slots": "yes"}), "\"slots\": expected true or false"),
            (json!({"max": 1, "lock-delay": "5s"}), "did you mean \"lock_delay\"?"),
            (json!({"max": [1]}), "found an array"),
        ] {
            let error = made(&words).unwrap_err();
            assert!(error.contains(expected), "{words}: {error}");
        }
    }

    #[test]
    fn a_wish_is_of_what_was_said_alone() {
        let wish = |words: &Value| said(words).unwrap().wish().unwrap();
        assert_eq!(wish(&json!({})), Wish::default());
        assert_eq!(wish(&json!({"max": null, "level": null, "every": null})), Wish::default());
        let gone = wish(
            &json!({"max_pending": null, "max_hold": null, "lock_delay": null, "slots": null}),
        );
        assert_eq!((gone.manners.max_pending, gone.manners.max_hold), (Some(None), Some(None)));
        assert_eq!((gone.manners.lock_delay, gone.manners.slots), (Some(Span::ZERO), Some(false)));
        let usual = wish(&json!({"slop": null, "max_reserved": null})).rate;
        assert_eq!((usual.slop, usual.max_reserved), (Some(None), Some(MAX_RESERVED)));
        let pacer = wish(&json!({"min_interval": "3s"})).rate;
        assert_eq!((pacer.every(), pacer.refill()), (Some(Span::from_secs(3)), pacer.capacity));
        assert!(said(&json!({"max": 1, "every": "1s"})).unwrap().wish().is_err());
    }
}
