//! What a semaphore is told beyond its maximum and its level.

use throttle::engine::Manners;

use crate::Start;

#[test]
fn manners_are_read() {
    let text = r#"
[semaphores]
a = { max = 4, max_pending = 100, max_hold = "1h", lock_delay = "15s", slots = true }
b = { max = 1, max_pending = 0, level = 2, lock_delay = "0s" }
"k/*" = { max_pending = 1, max = 1 }
plain = { max = 1 }
"#;
    let config = Start::with_file(text).config();
    let shown = config.semaphores.iter().map(|it| format!("{} = {it}", it.name));
    let expected = [
        "a = 4, max_pending 100, max_hold 1h, lock_delay 15s, slots",
        "b = 1, level 2, max_pending 0",
        "k/* = 1, max_pending 1",
        "plain = 1",
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert_eq!(config.semaphores[3].manners, Manners::NONE);
}

#[test]
fn bad_manners_are_told_with_their_place() {
    let text = r#"[semaphores]
a = { max = 4, max_pending = -1 }
b = { max = 4, max_pendin = 1 }
c = { max_pending = 1 }
e = { max = 1, lock_delay = 15 }
f = { max = 1, lock_delay = "400d" }
g = { max = 1, max_hold = "0s" }
h = { max = 10001, slots = true }
i = { max = 1, slots = 1 }
[buckets]
d = { min_interval = "1s", max_pending = 1 }
"#;
    let problems = Start::with_file(text).problems();
    let expected = [
        r#"2:30: semaphore "a", max_pending: expected a whole number from 0 to 2147483648, found -1"#,
        r#"3:16: unknown key "max_pendin"; did you mean "max_pending"?"#,
        r#"4:1: semaphore "c": "max" is missing"#,
        r#"5:29: semaphore "e", lock_delay: expected 0, or a duration such as "250ms", "5min" or "1day", at most 365d, found 15"#,
        r#"6:29: semaphore "f", lock_delay: expected 0, or a duration such as "250ms", "5min" or "1day", at most 365d, found "400d""#,
        r#"7:27: semaphore "g", max_hold: expected a duration such as "250ms", "5min" or "1day", more than 0 and at most 365d, found "0s""#,
        r#"8:1: semaphore "h": with "slots" its "max" is at most 10000"#,
        r#"9:24: semaphore "i", slots: expected true or false, found 1"#,
        r#"11:28: unknown key "max_pending""#,
    ];
    assert_eq!(problems, expected.map(|it| format!("throttle.toml:{it}")).join("\n"));
}
