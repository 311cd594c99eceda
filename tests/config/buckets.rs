//! The section `[buckets]`: what is read, and what is said about what is wrong.

use throttle::engine::{SemaphoreSettings, Span};

use crate::Start;

fn buckets(text: &str) -> Vec<String> {
    let shown = |it: &SemaphoreSettings| {
        let rate = it.rate.unwrap();
        format!("{} = {it}, slop {}, {} ahead", it.name, rate.slop, rate.max_reserved)
    };
    Start::with_file(text).config().semaphores.iter().map(shown).collect()
}

#[test]
fn buckets_and_pacers_are_read() {
    let text = r#"
[buckets]
crawl = { min_interval = "3s", max_reserved = 2 }
api = { capacity = 10, refill = 5, every = "60s" }
one = { capacity = 3, every = "1s", slop = "0s" }
"#;
    let expected = [
        "api = 10, 5 every 1m, slop 1200ms, 1000 ahead",
        "crawl = 1, 1 every 3s, slop 300ms, 2 ahead",
        "one = 3, 1 every 1s, slop 0us, 1000 ahead",
    ];
    assert_eq!(buckets(text), expected);
    assert_eq!(Span::from_millis(1_200).to_string(), "1200ms");
}

#[test]
fn what_is_wrong_with_a_bucket_is_told_with_its_place() {
    let text = r#"[semaphores]
both = 1
[buckets]
a = 3
b = { capacity = 0, every = "1s" }
c = { every = "1s" }
d = { capacity = 1 }
e = { min_interval = "1s", capacity = 1 }
f = { min_interval = "0s" }
g = { capacity = 1, every = "1s", refil = 2 }
h = { capacity = 1, every = "400d" }
both = { min_interval = "1s" }
"" = { min_interval = "1s" }
i = { min_interval = "1s", max_reserved = -1 }
"#;
    let start = Start::with_file(text);
    let problems = start.problems();
    let expected = [
        r#"2:1: "both" is a semaphore and a bucket"#,
        r#"4:5: bucket "a": expected a table such as { capacity = 10, refill = 10, every = "60s" } or { min_interval = "3s" }, found 3"#,
        r#"5:18: bucket "b", capacity: expected a whole number from 1 to 2147483648, found 0"#,
        r#"6:1: bucket "c": "capacity" is missing"#,
        r#"7:1: bucket "d": "every" is missing"#,
        r#"8:1: bucket "e": "min_interval" makes it a pacer, which has no "capacity", "refill" and "every""#,
        r#"9:22: bucket "f", min_interval: expected a duration such as "250ms", "5min" or "1day", more than 0 and at most 365d, found "0s""#,
        r#"10:35: unknown key "refil"; did you mean "refill"?"#,
        r#"11:29: bucket "h", every: expected a duration such as "250ms", "5min" or "1day", more than 0 and at most 365d, found "400d""#,
        r#"13:1: bucket "": a semaphore's name must not be empty"#,
        r#"14:43: bucket "i", max_reserved: expected a whole number from 0 to 1000000, found -1"#,
    ];
    assert_eq!(problems, expected.map(|it| format!("throttle.toml:{it}")).join("\n"));
}
