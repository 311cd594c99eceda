//! Connections that go away, and what is said on the next one.

use super::*;
use crate::client::limit::Limit;

#[test]
fn a_resumed_peer_keeps_its_leases() {
    let (mut stage, _, lease) = Stage::with_lease();
    stage.disconnect();
    stage.pass(3_000);
    stage.connect();
    let open = stage.one("open");
    // The server knows what the peer holds. If it does not know the peer any more, it must not take our word.
    assert_eq!((&open["resume"], &open["held"]), (&json!("s1-key"), &json!({})));
    assert_eq!(stage.machine.deadlines(lease), Some((at(8.0), at(10.0))));
    stage.pass(1_000);
    stage.say(opened(&open, json!({"A": {"count": 1, "fence": 1}})));
    assert_eq!(stage.machine.deadlines(lease), Some((at(11.0), at(13.0))));
    assert_eq!((stage.events(), stage.is_lost(lease)), (vec![], None));
}

#[test]
fn after_a_restart_the_server_is_told_what_is_held() {
    let (mut stage, _, lease) = Stage::with_lease();
    stage.disconnect();
    stage.epoch = "second";
    stage.connect();
    let open = stage.one("open");
    assert_eq!((&open["held"], open.get("slots")), (&json!({"A": 1}), None));
    let mut back = opened(&open, json!({"A": {"count": 1, "fence": 50}}));
    back["restored"] = json!(true);
    stage.say(back);
    assert_eq!(stage.is_lost(lease), None);
    assert_eq!(stage.machine.locks(lease).unwrap()["A"].fence, 50);
}

#[test]
fn after_a_restart_the_server_is_told_what_was_declared_of_what_is_held() {
    let (mut stage, peer) = Stage::with_peer();
    let mut leases = Vec::new();
    for names in [["a", "b"], ["c", "d"]] {
        let limit = |name: &str| (name.to_owned(), Limit::semaphore(5));
        let declare = [limit(names[0])].into();
        let ask = Ask { declare, ..Ask::new(names.map(|name| (name, 1)).into()) };
        stage.machine.acquire(stage.now, peer, ask).unwrap();
        let asked = stage.one("acquire");
        stage.say(granted(&asked, 1));
        let [Event::Acquired { result: Ok(lease), .. }] = stage.events()[..] else { panic!() };
        leases.push(lease);
    }
    stage.machine.release(leases[1], stage.now);
    stage.disconnect();
    stage.epoch = "second";
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent[0]["held"], json!({"a": 1, "b": 1}));
    assert_eq!(sent[0]["declare"], json!({"a": {"max": 5}}));

    // The server does not take it.
    let mut answer = refused(&sent[0], "unknown_semaphore");
    answer["message"] = json!("there is no \"b\"");
    stage.say(answer);
    let lost = stage.machine.lost(leases[0], stage.now).unwrap();
    assert_eq!(
        (lost.reason, lost.message.as_deref()),
        (LostReason::NotHeld, Some("there is no \"b\""))
    );
}

#[test]
fn what_a_server_knows_is_not_declared_to_it_again() {
    let (mut stage, peer) = Stage::with_peer();
    let declare = [("A".to_owned(), Limit::semaphore(5))].into();
    stage.machine.acquire(stage.now, peer, Ask { declare, ..want("A") }).unwrap();
    let asked = stage.one("acquire");
    stage.say(granted(&asked, 1));
    stage.disconnect();
    stage.connect();
    assert_eq!(stage.one("open").get("declare"), None);
}

#[test]
fn after_a_restart_the_server_is_told_which_ones_were_held() {
    // The server may have others by then.
    for (slots, after) in
        [(json!([0, 3]), vec![0, 3]), (json!([1, 2]), vec![1, 2]), (json!(null), vec![])]
    {
        let (mut stage, peer) = Stage::with_peer();
        let ask = Ask::new([("A", 1), ("gpu", 2)].into());
        stage.machine.acquire(stage.now, peer, ask).unwrap();
        let mut locks = granted(&stage.one("acquire"), 1);
        locks["locks"]["gpu"]["slots"] = json!([0, 3]);
        stage.say(locks);
        let [Event::Acquired { result: Ok(lease), .. }] = stage.events()[..] else { panic!() };
        assert_eq!(stage.machine.locks(lease).unwrap()["gpu"].slots, [0, 3]);
        stage.disconnect();
        stage.epoch = "second";
        stage.connect();
        let open = stage.one("open");
        assert_eq!(open["held"], json!({"A": 1, "gpu": 2}));
        assert_eq!(open["slots"], json!({"gpu": [0, 3]}));
        let mut held = json!({"A": {"count": 1, "fence": 5}, "gpu": {"count": 2, "fence": 6}});
        if !slots.is_null() {
            held["gpu"]["slots"] = slots;
        }
        stage.say(opened(&open, held));
        assert_eq!(stage.machine.locks(lease).unwrap()["gpu"].slots, after);
        assert_eq!(stage.is_lost(lease), None);
    }
}

#[test]
fn more_numbers_than_a_frame_takes_are_not_told() {
    let (mut stage, peer) = Stage::with_peer();
    stage.machine.acquire(stage.now, peer, Ask::new(("gpu", 7_000).into())).unwrap();
    let mut locks = granted(&stage.one("acquire"), 1);
    locks["locks"]["gpu"]["slots"] = json!((0..7_000).collect::<Vec<_>>());
    stage.say(locks);
    stage.disconnect();
    stage.epoch = "second";
    stage.connect();
    let open = stage.one("open");
    assert_eq!((&open["held"], open.get("slots")), (&json!({"gpu": 7_000}), None));
}

#[test]
fn what_is_not_held_any_more_is_lost() {
    let held = json!({"A": {"count": 1, "fence": 2}});
    for (held, restored, reason) in [
        (json!({}), false, LostReason::NotHeld),
        (json!({"A": {"count": 2, "fence": 1}}), false, LostReason::NotHeld),
        // It has expired, so that somebody else may have had the lock meanwhile.
        (held, true, LostReason::Expired),
    ] {
        let (mut stage, _, lease) = Stage::with_lease();
        stage.disconnect();
        stage.connect();
        let open = stage.one("open");
        let mut back = opened(&open, held);
        back["restored"] = json!(restored);
        stage.say(back);
        assert_eq!(stage.events(), [Event::Lost { lease }]);
        assert_eq!(stage.is_lost(lease), Some(reason));
        assert!(stage.kinds().contains(&"release".to_owned()));
    }
}

#[test]
fn a_peer_that_cannot_be_resumed_has_lost_its_leases() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.disconnect();
    stage.connect();
    let open = stage.one("open");
    stage.say(refused(&open, "forbidden"));
    assert_eq!(stage.is_lost(lease), Some(LostReason::NotHeld));
    // From then on it is a new one.
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let sent = stage.sent();
    assert_eq!((kind(&sent[0]).as_str(), sent[0].get("resume")), ("open", None));
}

#[test]
fn what_was_lost_meanwhile_is_given_back() {
    let (mut stage, _, lease) = Stage::with_lease();
    stage.disconnect();
    stage.pass(8_000);
    assert_eq!(stage.is_lost(lease), Some(LostReason::Silence));
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "release"]);
    assert_eq!((&sent[0]["held"], &sent[1]["names"]), (&json!({}), &json!(["A"])));
}

#[test]
fn what_is_held_without_a_lease_is_given_back() {
    let (mut stage, _, _) = Stage::with_lease();
    stage.disconnect();
    stage.connect();
    let open = stage.one("open");
    let held = json!({"A": {"count": 1, "fence": 1}, "B": {"count": 3, "fence": 2}});
    stage.say(opened(&open, held));
    assert_eq!(stage.one("release")["names"], json!(["B"]));
}

#[test]
fn a_wait_goes_on_with_the_time_that_is_left() {
    let (mut stage, peer) = Stage::with_peer();
    let timeout = Some(Duration::from_secs(5));
    let ask = Ask { timeout, priority: 3, progress: true, ..want("A") };
    stage.machine.acquire(stage.now, peer, ask).unwrap();
    let first = stage.one("acquire");
    assert_eq!(
        (&first["timeout_ms"], &first["priority"], &first["progress"]),
        (&json!(5_000), &json!(3), &json!(true))
    );
    stage.pass(2_000);
    stage.disconnect();
    stage.pass(999);
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "acquire"]);
    assert_eq!(sent[1]["timeout_ms"], 2_001);
    // It was granted on the way, which is said to have been before.
    stage.say(opened(&sent[0], json!({"A": {"count": 1, "fence": 9}})));
    stage.say(granted(&sent[1], 9));
    assert!(matches!(stage.events()[..], [Event::Acquired { result: Ok(_), .. }]));
    assert_eq!(stage.kinds(), Vec::<String>::new());
}

#[test]
fn a_wait_that_is_over_without_a_connection_says_so() {
    let (mut stage, peer) = Stage::with_peer();
    let ask = Ask { timeout: Some(Duration::from_secs(5)), ..want("A") };
    stage.machine.acquire(stage.now, peer, ask).unwrap();
    assert_eq!(stage.kinds(), ["acquire"]);
    stage.disconnect();
    stage.pass(5_000);
    let events = stage.events();
    assert!(
        matches!(&events[..], [Event::Acquired { result: Err(Error::Disconnected { .. }), .. }]),
        "{events:?}"
    );
    stage.connect();
    assert_eq!(stage.kinds(), ["open", "cancel", "release"]);
}

#[test]
fn the_end_of_a_wait_is_the_servers_to_say_but_not_for_ever() {
    let (mut stage, peer) = Stage::with_peer();
    let ask = Ask { timeout: Some(Duration::ZERO), ..want("A") };
    stage.machine.acquire(stage.now, peer, ask).unwrap();
    // The clock may be looked at before anything is sent.
    stage.pass(0);
    assert_eq!(stage.events(), []);
    let asked = stage.one("acquire");
    assert_eq!(asked["timeout_ms"], 0);
    stage.pass(1_999);
    assert_eq!(stage.events(), []);
    stage.pass(1);
    assert!(matches!(
        stage.events()[..],
        [Event::Acquired { result: Err(Error::Timeout { .. }), .. }]
    ));
    let sent = stage.kinds();
    assert!(sent.starts_with(&["cancel".to_owned(), "release".to_owned()]), "{sent:?}");
    stage.say(refused(&asked, "timeout"));
    assert_eq!(stage.events(), []);
}

#[test]
fn refusals_of_a_server_that_goes_away_are_no_answers() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.machine.release(lease, stage.now);
    stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    let sent = stage.sent();
    stage.say(json!([{"type": "draining", "reconnect_in_ms": 700}, refused(&sent[0], "draining"), refused(&sent[1], "draining")]));
    assert_eq!((stage.events(), stage.kinds()), (vec![], vec![]));
    stage.machine.disconnected(stage.now, Gone::of_close(1012, ""), 0.5);
    assert_eq!(stage.machine.connect_at(), Some(at(0.7)));
    stage.epoch = "second";
    stage.connect();
    assert_eq!(stage.kinds(), ["open", "release", "acquire"]);
}

#[test]
fn attempts_are_spread_and_bounded() {
    let mut stage = Stage::up();
    let mut waits = Vec::new();
    for _ in 0..12 {
        stage.machine.disconnected(stage.now, Gone::Broken(String::new()), 1.0);
        let at = stage.machine.connect_at().unwrap();
        waits.push(at.since(stage.now).as_millis());
        stage.now = at;
    }
    assert_eq!(
        waits,
        [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000, 10_000]
    );
    stage.machine.disconnected(stage.now, Gone::Broken(String::new()), 0.0);
    assert_eq!(stage.machine.connect_at(), Some(stage.now));
    // A connection that has lasted lets it begin anew.
    stage.connect();
    stage.pass(10_000);
    stage.machine.disconnected(stage.now, Gone::Broken(String::new()), 1.0);
    assert_eq!(stage.machine.connect_at(), Some(stage.now.after(Duration::from_millis(100))));
}

#[test]
fn whoever_holds_something_is_back_in_time() {
    let (mut stage, _, _) = Stage::with_lease();
    for _ in 0..12 {
        stage.machine.disconnected(stage.now, Gone::Broken(String::new()), 1.0);
        let wait = stage.machine.connect_at().unwrap().since(stage.now);
        assert!(wait <= Duration::from_millis(1_250), "{wait:?}");
    }
}

#[test]
fn close_codes_say_whether_to_come_back() {
    for code in [1002, 1003, 1007, 1009, 4400, 4401, 4403] {
        let (mut stage, _, lease) = Stage::with_lease();
        stage.machine.disconnected(stage.now, Gone::of_close(code, "no"), 0.5);
        assert_eq!(stage.machine.connect_at(), None);
        assert_eq!(stage.machine.over(), Some(Error::Closed { code, reason: "no".to_owned() }));
        let lost = stage.machine.lost(lease, stage.now).unwrap();
        assert_eq!((lost.reason, lost.deadline.0), (LostReason::Ended, at(10.0)));
        assert!(stage.machine.is_done());
    }
    for code in [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4408, 4429, 4999] {
        let (mut stage, _, lease) = Stage::with_lease();
        stage.machine.disconnected(stage.now, Gone::of_close(code, ""), 0.5);
        assert!(stage.machine.connect_at().is_some(), "{code}");
        assert_eq!(stage.is_lost(lease), None);
    }
}

#[test]
fn at_the_end_everybody_is_told() {
    let (mut stage, peer, lease) = Stage::with_lease();
    let opening = stage.machine.open(ten_seconds());
    let acquire = stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    let error = Error::Closed { code: 4401, reason: "who are you?".to_owned() };
    stage.machine.disconnected(stage.now, Gone::ForGood(error.clone()), 0.5);
    let failed = || Err(error.clone());
    assert_eq!(
        stage.events(),
        [
            Event::Lost { lease },
            Event::Acquired { acquire, result: Err(error.clone()) },
            Event::Opened { peer: opening, result: failed() },
        ]
    );
    assert_eq!(stage.machine.acquire(stage.now, peer, want("B")), Err(error.clone()));
    let late = stage.machine.open(ten_seconds());
    assert_eq!(stage.events(), [Event::Opened { peer: late, result: failed() }]);
}

#[test]
fn a_wait_that_is_repeated_at_its_very_end_joins_itself() {
    let (mut stage, peer) = Stage::with_peer();
    let ask = Ask { timeout: Some(Duration::from_secs(5)), ..want("A") };
    stage.machine.acquire(stage.now, peer, ask).unwrap();
    assert_eq!(stage.kinds(), ["acquire"]);
    stage.disconnect();
    stage.now = at(5.0);
    stage.connect();
    // 0 would be an answer to itself, and leave the wait of before alone.
    assert_eq!(stage.sent()[1]["timeout_ms"], 1);
}

#[test]
fn a_grant_that_was_not_confirmed_is_asked_for_again() {
    let (mut stage, peer) = Stage::with_peer();
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let acquire = stage.one("acquire");
    stage.now = at(9.0);
    stage.say(granted(&acquire, 3));
    stage.disconnect();
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "acquire"]);
    stage.say(opened(&sent[0], json!({"A": {"count": 1, "fence": 3}})));
    stage.say(granted(&sent[1], 3));
    assert!(matches!(stage.events()[..], [Event::Acquired { result: Ok(_), .. }]));
}

#[test]
fn what_crosses_the_loss_of_its_peer_is_asked_for_again() {
    let (mut stage, peer) = Stage::with_peer();
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let crossing = stage.one("acquire");
    stage.say(json!({"type": "lost", "peer": peer.0, "reason": "revoked", "locks": {}}));
    stage.say(refused(&crossing, "unknown_peer"));
    assert_eq!(stage.events(), []);
    assert_eq!(stage.kinds(), ["open", "acquire"]);
}
