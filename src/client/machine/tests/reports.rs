//! What is told about tokens: what was used, and that somebody was refused.

use super::*;

/// A lease of a semaphore and a bucket.
fn mixed() -> (Stage, PeerNumber, LeaseId) {
    let (mut stage, peer) = Stage::with_peer();
    let ask = Ask::new([("gpu", 1), ("api", 5)].into());
    stage.machine.acquire(stage.now, peer, ask).unwrap();
    let asked = stage.one("acquire");
    stage.say(granted(&asked, 1));
    let [Event::Acquired { result: Ok(lease), .. }] = stage.events()[..] else { panic!() };
    (stage, peer, lease)
}

fn held(tokens: u32) -> Value {
    json!({"gpu": {"count": 1, "fence": 1}, "api": {"count": tokens, "fence": 1}})
}

#[test]
fn what_was_used_is_what_is_held() {
    let (mut stage, peer, lease) = mixed();
    let report = stage.used(lease, ("api", 7)).unwrap();
    let settle = stage.one("settle");
    assert_eq!((&settle["peer"], &settle["used"]), (&json!(peer.0), &json!({"api": 7})));
    assert_eq!(stage.kinds(), Vec::<String>::new());
    stage.say(settled(&settle));
    assert_eq!(stage.events(), [Event::Reported { report, result: Ok(()) }]);
    assert_eq!(stage.machine.locks(lease).unwrap()["api"].count, 7);
    // A server without memory is told so.
    stage.disconnect();
    stage.epoch = "second";
    stage.connect();
    let open = stage.one("open");
    assert_eq!(open["held"], json!({"gpu": 1, "api": 7}));
    stage.say(opened(&open, held(7)));
    assert_eq!(stage.is_lost(lease), None);
}

#[test]
fn of_what_was_not_used_nothing_is_held() {
    let (mut stage, _, lease) = mixed();
    stage.used(lease, ("api", 0)).unwrap();
    let settle = stage.one("settle");
    stage.say(settled(&settle));
    stage.disconnect();
    stage.epoch = "second";
    stage.connect();
    let open = stage.one("open");
    assert_eq!(open["held"], json!({"gpu": 1}));
    stage.say(opened(&open, json!({"gpu": {"count": 1, "fence": 9}})));
    assert_eq!(stage.is_lost(lease), None);
}

#[test]
fn a_report_is_told_again_until_it_is_answered() {
    for (there, lost) in [(5, None), (3, None), (4, Some(LostReason::NotHeld))] {
        let (mut stage, _, lease) = mixed();
        stage.used(lease, ("api", 3)).unwrap();
        assert_eq!(stage.kinds(), ["settle"]);
        stage.disconnect();
        stage.connect();
        let sent = stage.sent();
        assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "settle"]);
        // The answer may have been lost, or the question.
        stage.say(opened(&sent[0], held(there)));
        assert_eq!(stage.is_lost(lease), lost, "{there}");
    }
    // But what is not there at all is not held, even if somebody has said that nothing of it was used.
    let (mut stage, _, lease) = mixed();
    stage.used(lease, ("gpu", 0)).unwrap();
    stage.disconnect();
    stage.connect();
    let open = stage.sent().remove(0);
    stage.say(opened(&open, json!({"api": {"count": 5, "fence": 1}})));
    assert_eq!(stage.is_lost(lease), Some(LostReason::NotHeld));
}

#[test]
fn whoever_was_refused_says_for_how_long() {
    let (mut stage, _, lease) = mixed();
    let retry_after = Duration::from_micros(1_500_100);
    let told = Told::Throttled { name: "api".to_owned(), retry_after };
    let report = stage.machine.report(stage.now, lease, told).unwrap();
    let told = stage.one("throttled");
    assert_eq!((&told["name"], &told["retry_after_ms"]), (&json!("api"), &json!(1_501)));
    stage.say(json!({"type": "backed_off", "id": told["id"], "peer": told["peer"], "name": "api", "for_ms": 9}));
    assert_eq!(stage.events(), [Event::Reported { report, result: Ok(()) }]);
}

#[test]
fn a_report_may_be_refused() {
    let semaphore = "gpu".to_owned();
    for (code, expected) in [
        ("not_a_bucket", Error::NotABucket { semaphore: semaphore.clone() }),
        ("not_held", Error::NotHeld { semaphore: semaphore.clone() }),
        ("unknown_peer", Error::NotHeld { semaphore }),
    ] {
        let (mut stage, _, lease) = mixed();
        let report = stage.used(lease, ("gpu", 1)).unwrap();
        let settle = stage.one("settle");
        let mut answer = refused(&settle, code);
        answer["semaphore"] = json!("gpu");
        stage.say(answer);
        assert_eq!(stage.events(), [Event::Reported { report, result: Err(expected) }]);
        assert_eq!(stage.is_lost(lease), None);
    }
}

#[test]
fn there_is_nothing_to_tell_about_what_is_not_held() {
    let (mut stage, peer, lease) = mixed();
    assert_eq!(stage.used(lease, ("other", 1)), Err(not_held("other")));
    assert!(matches!(stage.used(lease, Vec::<(&str, u32)>::new()), Err(Error::InvalidWant(_))));
    assert_eq!(stage.used(LeaseId(99), ("api", 1)), Err(not_held("api")));
    let report = stage.used(lease, ("api", 1)).unwrap();
    stage.say(json!({"type": "lost", "peer": peer.0, "reason": "revoked", "locks": {}}));
    let nothing = Event::Reported { report, result: Err(not_held("api")) };
    assert_eq!(stage.events(), [Event::Lost { lease }, nothing]);
    assert!(matches!(stage.used(lease, ("api", 1)), Err(Error::Lost(_))));
}

#[test]
fn a_report_comes_before_the_release_and_ends_with_the_peer() {
    let (mut stage, _, lease) = mixed();
    let report = stage.used(lease, ("api", 1)).unwrap();
    stage.machine.release(lease, stage.now);
    assert_eq!(stage.kinds(), ["settle", "release", "release"]);
    stage.disconnect();
    stage.pass(9_999);
    assert_eq!(stage.events(), []);
    stage.pass(1);
    let gone = || Err(Error::Disconnected { reason: "cut".to_owned() });
    let expected =
        [Event::Reported { report, result: gone() }, Event::Released { lease, result: gone() }];
    assert_eq!(stage.events(), expected);
}
