//! How long is waited, what is declared, and refusals that say more than that.

use super::*;
use crate::client::limit::Limit;

fn asked(ask: Ask) -> (Stage, Value) {
    let (mut stage, peer) = Stage::with_peer();
    stage.machine.acquire(stage.now, peer, ask).unwrap();
    let asked = stage.one("acquire");
    (stage, asked)
}

fn error(stage: &mut Stage) -> Error {
    let events = stage.events();
    let [Event::Acquired { result: Err(error), .. }] = &events[..] else { panic!("{events:?}") };
    error.clone()
}

#[test]
fn a_longest_wait_is_a_timeout_too() {
    let (short, long) = (Some(Duration::from_secs(2)), Some(Duration::from_secs(5)));
    for (max_wait, timeout, over) in [(short, None, 4), (long, short, 4), (short, long, 4)] {
        let (mut stage, asked) = asked(Ask { max_wait, timeout, ..want("api") });
        let millis = |time: Option<Duration>| json!(time.map(|time| time.as_secs() * 1_000));
        assert_eq!(
            (&asked["max_wait_ms"], &asked["timeout_ms"]),
            (&millis(max_wait), &millis(timeout))
        );
        // The server has two more seconds to say so.
        while stage.events().is_empty() {
            stage.now = stage.machine.due(stage.now).unwrap();
            stage.machine.tick(stage.now);
            for ping in stage.sent() {
                stage.pong(&ping);
            }
            assert!(stage.now <= at(f64::from(over)));
        }
        assert_eq!(stage.now, at(f64::from(over)));
    }
}

#[test]
fn what_is_left_of_a_longest_wait_is_asked_again() {
    let (mut stage, asked) = asked(Ask { max_wait: Some(Duration::from_secs(5)), ..want("api") });
    assert_eq!(asked["max_wait_ms"], 5_000);
    stage.disconnect();
    stage.pass(2_000);
    stage.connect();
    assert_eq!(stage.sent()[1]["max_wait_ms"], 3_000);
    let (_, asked) = self::asked(Ask { max_wait: Some(Duration::ZERO), ..want("api") });
    assert_eq!((&asked["max_wait_ms"], &asked["timeout_ms"]), (&json!(0), &json!(null)));
}

#[test]
fn refusals_say_how_long_it_would_take() {
    let (mut stage, asked) = asked(want("api"));
    let mut answer = refused(&asked, "timeout");
    answer["eta_ms"] = json!(1_500);
    stage.say(answer);
    assert_eq!(error(&mut stage), Error::Timeout { eta: Some(Duration::from_millis(1_500)) });

    let (mut stage, asked) = self::asked(want("api"));
    let mut answer = refused(&asked, "busy");
    (answer["semaphore"], answer["retry_after_ms"]) = (json!("api"), json!(200));
    stage.say(answer);
    let busy = error(&mut stage);
    assert_eq!(busy.code().unwrap().as_str(), "busy");
    let retry_after = Duration::from_millis(200);
    assert_eq!(busy, Error::Busy { semaphore: "api".to_owned(), retry_after });
}

#[test]
fn a_code_that_is_not_known_is_told_as_it_is() {
    let (mut stage, asked) = asked(want("api"));
    let answer = refused(&asked, "news");
    stage.say(answer);
    assert_eq!(error(&mut stage).code().unwrap().as_str(), "news");
}

#[test]
fn what_names_stand_for_is_declared() {
    let bucket = Limit::bucket(10, 10, Duration::from_secs(60));
    let pacer = Limit::pacer(Duration::from_secs(3)).max_reserved(2);
    let declare: Limits = [("a", Limit::semaphore(5)), ("b", bucket), ("c", pacer)]
        .map(|(n, l)| (n.to_owned(), l))
        .into();
    let want = [("a", 1), ("b", 1), ("c", 1), ("d", 1)].into();
    let (mut stage, asked) = asked(Ask { declare, ..Ask::new(want) });
    let expected = json!({"a": {"max": 5}, "b": {"capacity": 10, "refill": 10, "every_ms": 60_000},
        "c": {"min_interval_ms": 3_000, "max_reserved": 2}});
    assert_eq!(asked["declare"], expected);
    let mut answer = refused(&asked, "declared_otherwise");
    answer["semaphore"] = json!("a");
    (answer["declared"], answer["actual"]) = (json!({"max": 5}), json!("a riddle"));
    stage.say(answer);
    let (semaphore, message) = ("a".to_owned(), "m".to_owned());
    let (declared, actual) = (Some(Limit::semaphore(5)), None);
    let expected = Error::DeclaredOtherwise { semaphore, declared, actual, message };
    assert_eq!(error(&mut stage), expected);
}

#[test]
fn a_declaration_is_checked_before_it_is_sent() {
    let (mut stage, peer) = Stage::with_peer();
    for (name, limit) in [("B", Limit::semaphore(1)), ("A", Limit::semaphore(0))] {
        let declare = [(name.to_owned(), limit)].into();
        let refused = stage.machine.acquire(stage.now, peer, Ask { declare, ..want("A") });
        assert!(matches!(refused, Err(Error::InvalidWant(_))), "{refused:?}");
    }
    assert_eq!(stage.kinds(), Vec::<String>::new());
}
