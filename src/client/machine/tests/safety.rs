//! How long a lease is one's own.

use super::*;
use crate::client::settings::OnDisconnect;

#[test]
fn the_deadline_counts_from_the_sending_of_what_was_answered() {
    let (mut stage, peer) = Stage::with_peer();
    stage.pass(1_000);
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let acquire = stage.one("acquire");
    stage.pass(500);
    stage.say(granted(&acquire, 7));
    let [Event::Acquired { result: Ok(lease), .. }] = stage.events()[..] else { panic!() };
    assert_eq!(stage.machine.deadlines(lease), Some((at(9.0), at(11.0))));
    // It is pinged in time, and the answer counts from when the ping was sent, not from when it came.
    assert_eq!(stage.machine.ping_due(), Some(at(1.0).after(Duration::from_secs(10) / 6)));
    stage.pass(2_000);
    let ping = stage.one("ping");
    stage.pass(1_000);
    stage.pong(&ping);
    assert_eq!(stage.machine.deadlines(lease), Some((at(11.5), at(13.5))));
    assert_eq!(stage.machine.locks(lease).unwrap()["A"].fence, 7);
}

#[test]
fn a_lease_is_lost_at_its_time_whether_somebody_looks_or_not() {
    let (mut stage, _, lease) = Stage::with_lease();
    stage.now = at(7.999_999);
    assert_eq!(stage.is_lost(lease), None);
    stage.now = at(8.0);
    assert_eq!(stage.is_lost(lease), Some(LostReason::Silence));
    let lost = stage.machine.lost(lease, stage.now).unwrap();
    assert_eq!(lost.deadline.0, at(10.0));
    assert_eq!(stage.events(), [Event::Lost { lease }]);
}

#[test]
fn what_comes_too_late_does_not_bring_a_lease_back() {
    let (mut stage, _, lease) = Stage::with_lease();
    stage.pass(2_000);
    let ping = stage.one("ping");
    stage.now = at(8.0);
    stage.pong(&ping);
    assert_eq!(stage.is_lost(lease), Some(LostReason::Silence));
    assert_eq!(stage.one("release")["names"], json!(["A"]));
}

#[test]
fn only_fitting_answers_prove_something() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.pass(2_000);
    let ping = stage.one("ping");
    let proved = stage.machine.deadlines(lease);
    for message in [
        json!({"type": "pong", "id": 99}),
        json!({"type": "pong"}),
        json!({"type": "released", "id": ping["id"], "peer": peer.0, "locks": {}}),
        json!({"type": "granted", "id": ping["id"], "peer": peer.0, "locks": {}, "waited_ms": 0}),
        json!({"type": "opened", "id": ping["id"], "peer": peer.0, "peer_id": "s1", "resume": "x", "held": {}, "restored": false}),
        json!({"type": "queued", "id": ping["id"], "peer": peer.0, "position": 1}),
        json!({"type": "error", "id": null, "code": "bad_message", "message": "m", "retryable": false}),
    ] {
        stage.say(message);
    }
    assert_eq!(stage.machine.deadlines(lease), proved);
    stage.pong(&ping);
    assert_ne!(stage.machine.deadlines(lease), proved);
}

#[test]
fn what_was_sent_before_a_peer_was_there_proves_nothing_for_it() {
    let (mut stage, _, _) = Stage::with_lease();
    stage.pass(2_000);
    let ping = stage.one("ping");
    let second = stage.machine.open(ten_seconds());
    stage.pass(1_000);
    let open = stage.one("open");
    stage.say(opened(&open, json!({})));
    // Answers in another order than any server gives them.
    stage.pong(&ping);
    assert_eq!(stage.machine.free_at(second), Some(at(13.0)));
}

#[test]
fn while_something_is_held_the_server_is_asked_often_enough() {
    let (mut stage, _, lease) = Stage::with_lease();
    for _ in 0..100 {
        stage.now = stage.machine.due(stage.now).unwrap();
        stage.machine.tick(stage.now);
        for message in stage.sent() {
            assert_eq!(kind(&message), "ping");
            stage.pong(&message);
        }
        assert_eq!(stage.is_lost(lease), None);
    }
    // Without a lease, the server's own heartbeat is enough.
    stage.machine.release(lease, stage.now);
    let release = stage.one("release");
    stage.say(json!({"type": "released", "id": release["id"], "peer": 1, "locks": {}}));
    assert_eq!(stage.machine.ping_due(), Some(stage.now.after(HEARTBEAT)));
}

#[test]
fn a_lease_is_looked_at_every_second() {
    let (mut stage, _, _) = Stage::with_lease();
    stage.machine.heard();
    for _ in 0..20 {
        let due = stage.machine.due(stage.now).unwrap();
        assert!(due <= stage.now.after(Duration::from_secs(1)));
        stage.now = due;
        stage.machine.tick(stage.now);
        stage.sent();
    }
}

#[test]
fn a_grant_that_is_not_known_to_be_good_is_confirmed_first() {
    let (mut stage, peer) = Stage::with_peer();
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let acquire = stage.one("acquire");
    stage.say(json!({"type": "queued", "id": acquire["id"], "peer": peer.0, "position": 1}));
    stage.events();
    // The program was held up: what it knows of the server is nine seconds old.
    stage.now = at(9.0);
    stage.say(granted(&acquire, 3));
    assert_eq!(stage.events(), []);
    let ping = stage.one("ping");
    stage.pass(100);
    stage.pong(&ping);
    let [Event::Acquired { result: Ok(lease), .. }] = stage.events()[..] else { panic!() };
    assert_eq!(stage.machine.deadlines(lease), Some((at(17.0), at(19.0))));
}

#[test]
fn a_silent_connection_is_given_up_before_leases_are_lost() {
    let (mut stage, _, lease) = Stage::with_lease();
    while stage.machine.trouble().is_none() {
        stage.now = stage.machine.due(stage.now).unwrap();
        stage.machine.tick(stage.now);
        stage.sent();
        assert_eq!(stage.is_lost(lease), None);
    }
    assert!(stage.now <= at(5.0), "{}", stage.now);
}

#[test]
fn a_server_that_does_not_say_welcome_is_given_up() {
    let mut stage = Stage::new();
    stage.machine.connected(stage.now);
    assert_eq!(stage.kinds(), ["hello"]);
    stage.pass(4_999);
    assert_eq!(stage.machine.trouble(), None);
    stage.pass(1);
    assert!(stage.machine.trouble().is_some());
}

#[test]
fn the_margin_is_the_peers_choice_within_bounds() {
    for (margin, lost_at) in [(Some(1_000), 9.0), (Some(60_000), 5.0), (Some(0), 10.0), (None, 8.0)]
    {
        let mut stage = Stage::up();
        let margin = margin.map(Duration::from_millis);
        let peer = stage.machine.open(PeerSettings { margin, ..ten_seconds() });
        stage.answer_open();
        stage.events();
        let lease = stage.lease(peer, "A");
        assert_eq!(stage.machine.deadlines(lease), Some((at(lost_at), at(10.0))));
    }
}

#[test]
fn who_goes_with_the_connection_counts_on_the_heartbeat_and_loses_at_once() {
    let mut stage = Stage::up();
    let expires_in = Duration::from_secs(3_600);
    let on_disconnect = OnDisconnect::Release;
    let settings = PeerSettings { expires_in, on_disconnect, ..PeerSettings::default() };
    let peer = stage.machine.open(settings);
    let open = stage.one("open");
    assert_eq!(open["on_disconnect"], "release");
    stage.say(opened(&open, json!({})));
    stage.events();
    let lease = stage.lease(peer, "A");
    assert_eq!(stage.machine.deadlines(lease), Some((at(24.0), at(30.0))));
    stage.pass(1_000);
    stage.disconnect();
    assert_eq!(stage.is_lost(lease), Some(LostReason::Disconnected));
    assert_eq!(stage.machine.lost(lease, stage.now).unwrap().deadline.0, at(1.0));
}

#[test]
fn what_the_server_takes_away_is_lost_at_once() {
    for (reason, expected) in [
        ("superseded", LostReason::Superseded),
        ("revoked", LostReason::Revoked),
        ("expired", LostReason::Expired),
        ("unheard of", LostReason::Revoked),
    ] {
        let (mut stage, peer, lease) = Stage::with_lease();
        stage.pass(100);
        stage.say(json!({"type": "lost", "peer": peer.0, "reason": reason, "locks": {}}));
        assert_eq!(stage.events(), [Event::Lost { lease }]);
        assert_eq!(stage.is_lost(lease), Some(expected));
        assert_eq!(stage.machine.lost(lease, stage.now).unwrap().deadline.0, at(0.1));
        stage.machine.release(lease, stage.now);
        assert!(matches!(
            stage.events()[..],
            [Event::Released { result: Err(Error::Lost(_)), .. }]
        ));
        // Nothing is to be given back, and the peer is opened anew when it is needed again.
        assert_eq!(stage.kinds(), Vec::<String>::new());
        stage.machine.acquire(stage.now, peer, want("A")).unwrap();
        let sent = stage.sent();
        assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "acquire"]);
        assert_eq!(sent[0].get("resume"), None);
    }
}

#[test]
fn a_lock_that_an_operator_takes_is_lost_and_the_peer_stays() {
    let (mut stage, peer, lease) = Stage::with_lease();
    let other = json!({"type": "lost", "peer": peer.0, "reason": "revoked", "bound": true,
        "locks": {"X": {"count": 1, "fence": 9}}});
    stage.say(other);
    assert_eq!(stage.events(), []);
    let mut taken = json!({"type": "lost", "peer": peer.0, "reason": "revoked", "bound": true,
        "locks": {}, "message": "maintenance"});
    taken["locks"]["A"] = json!({"count": 1, "fence": 1});
    stage.say(taken);
    assert_eq!(stage.events(), [Event::Lost { lease }]);
    let lost = stage.machine.lost(lease, stage.now).unwrap();
    assert_eq!(lost.to_string(), "somebody has taken it away: maintenance");
    // The peer is not opened anew; that the lock is given back once more does no harm.
    stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    assert_eq!(stage.kinds(), ["release", "acquire"]);
}

#[test]
fn whoever_was_revoked_while_offline_loses_its_leases_and_waits_on_as_somebody_new() {
    let (mut stage, peer, lease) = Stage::with_lease();
    let acquire = stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    stage.disconnect();
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "acquire"]);
    stage.say(refused(&sent[0], "revoked"));
    stage.say(refused(&sent[1], "unknown_peer"));
    assert_eq!(stage.events(), [Event::Lost { lease }]);
    let lost = stage.machine.lost(lease, stage.now).unwrap();
    assert_eq!((lost.reason, lost.message.as_deref()), (LostReason::Revoked, Some("m")));
    let again = stage.sent();
    assert_eq!(again.iter().map(kind).collect::<Vec<_>>(), ["open", "acquire"]);
    assert_eq!(again[0].get("resume"), None);
    stage.say(opened(&again[0], json!({})));
    stage.say(granted(&again[1], 7));
    let events = stage.events();
    let [Event::Acquired { acquire: done, result: Ok(_) }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*done, acquire);
}

#[test]
fn an_operator_who_is_going_to_take_a_lock_is_announced() {
    let (mut stage, peer, lease) = Stage::with_lease();
    assert_eq!(stage.machine.notice(lease), None);
    let told = |name: &str, within_ms, message| {
        let lock = json!({"count": 1, "fence": 1});
        json!({"type": "yield", "peer": peer.0, "locks": {name: lock}, "within_ms": within_ms, "message": message})
    };
    stage.say(told("X", 1_000, "not of this lease"));
    assert_eq!((stage.events(), stage.machine.notice(lease)), (vec![], None));
    for (within_ms, until) in [(5_000, at(5.0)), (3_000, at(3.0))] {
        stage.say(told("A", within_ms, "deploy"));
        assert_eq!(stage.events(), [Event::Noticed { lease }]);
        let notice = stage.machine.notice(lease).unwrap();
        assert_eq!((notice.until.0, notice.message.as_deref()), (until, Some("deploy")));
    }
    stage.say(told("A", 4_000, "later"));
    assert_eq!(stage.events(), []);
    assert_eq!(stage.machine.notice(lease).unwrap().until.0, at(3.0));
    assert_eq!(stage.is_lost(lease), None);
}
