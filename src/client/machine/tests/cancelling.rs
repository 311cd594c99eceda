//! Whoever ceases to wait leaves nothing behind.

use super::*;

#[test]
fn what_was_not_sent_is_not_cancelled_either() {
    let mut stage = Stage::up();
    let peer = stage.machine.open(ten_seconds());
    let acquire = stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    stage.machine.cancel(acquire);
    stage.answer_open();
    assert_eq!(stage.kinds(), Vec::<String>::new());
}

#[test]
fn a_wait_is_cancelled_and_released_in_case_the_grant_was_faster() {
    let (mut stage, peer) = Stage::with_peer();
    let acquire = stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let asked = stage.one("acquire");
    stage.machine.cancel(acquire);
    let next = stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["cancel", "release", "acquire"]);
    assert_eq!(sent[1]["names"], json!(["A"]));
    // The grant was on its way. It is nobody's.
    stage.say(granted(&asked, 1));
    assert_eq!(stage.events(), []);
    stage.say(json!({"type": "released", "id": sent[1]["id"], "peer": peer.0, "locks": {}}));
    stage.say(granted(&sent[2], 2));
    let [Event::Acquired { acquire: done, result: Ok(lease) }] = stage.events()[..] else {
        panic!()
    };
    assert_eq!((done, stage.machine.locks(lease).unwrap()["A"].fence), (next, 2));
}

#[test]
fn a_cancel_that_was_not_confirmed_is_said_again() {
    let (mut stage, peer) = Stage::with_peer();
    let acquire = stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    assert_eq!(stage.kinds(), ["acquire"]);
    stage.machine.cancel(acquire);
    for _ in 0..3 {
        stage.disconnect();
        stage.connect();
        let sent = stage.sent();
        assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "cancel", "release"]);
    }
    stage.disconnect();
    stage.connect();
    let sent = stage.sent();
    let mut open = opened(&sent[0], json!({}));
    open["pending"] = json!(true);
    stage.say(open);
    stage.say(json!({"type": "released", "id": sent[2]["id"], "peer": peer.0, "locks": {}}));
    // It was cancelled once more, because the server had said that the peer waits.
    assert_eq!(stage.kinds(), ["cancel"]);
    stage.disconnect();
    stage.connect();
    assert_eq!(stage.kinds(), ["open"]);
}

#[test]
fn what_is_cancelled_while_there_is_no_connection_is_given_back_later() {
    let (mut stage, peer) = Stage::with_peer();
    let acquire = stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    assert_eq!(stage.kinds(), ["acquire"]);
    stage.disconnect();
    stage.machine.cancel(acquire);
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "cancel", "release"]);
}

#[test]
fn a_release_is_told_when_it_is_confirmed_and_repeated_until_then() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.machine.release(lease, stage.now);
    assert_eq!(stage.kinds(), ["release"]);
    assert_eq!(stage.events(), []);
    stage.disconnect();
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "release"]);
    assert_eq!(sent[0]["held"], json!({}));
    stage.say(opened(&sent[0], json!({"A": {"count": 1, "fence": 1}})));
    stage.say(json!({"type": "released", "id": sent[1]["id"], "peer": peer.0, "locks": {}}));
    assert_eq!(stage.events(), [Event::Released { lease, result: Ok(()) }]);
}

#[test]
fn a_release_that_nobody_confirms_is_over_when_the_peer_is() {
    let (mut stage, _, lease) = Stage::with_lease();
    stage.machine.release(lease, stage.now);
    stage.disconnect();
    stage.pass(9_999);
    assert_eq!(stage.events(), []);
    stage.pass(1);
    let events = stage.events();
    let [Event::Released { lease: over, result: Err(Error::Disconnected { reason }) }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((*over, reason.as_str()), (lease, "cut"));
}

#[test]
fn a_name_that_the_server_has_forgotten_does_not_keep_the_others() {
    let (mut stage, peer) = Stage::with_peer();
    let ask = Ask { want: [("A", 1), ("B", 1)].into(), ..want("A") };
    stage.machine.acquire(stage.now, peer, ask).unwrap();
    let asked = stage.one("acquire");
    stage.say(granted(&asked, 1));
    let [Event::Acquired { result: Ok(lease), .. }] = stage.events()[..] else { panic!() };
    stage.machine.release(lease, stage.now);
    // With an acquire of the first already: it must not find what was there before.
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["release", "release", "acquire"]);
    assert_eq!((&sent[0]["names"], &sent[1]["names"]), (&json!(["A"]), &json!(["B"])));
    stage.say(json!({"type": "released", "id": sent[0]["id"], "peer": peer.0, "locks": {}}));
    stage.say(refused(&sent[1], "unknown_semaphore"));
    assert_eq!(stage.events(), [Event::Released { lease, result: Ok(()) }]);
    stage.say(granted(&sent[2], 2));
    assert!(matches!(stage.events()[..], [Event::Acquired { result: Ok(_), .. }]));
    assert_eq!(stage.kinds(), Vec::<String>::new());
}

#[test]
fn a_peer_that_is_dropped_is_closed_with_all_that_it_has() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.machine.release(lease, stage.now);
    stage.machine.close_peer(peer);
    let close = stage.one("close");
    stage.say(json!({"type": "closed", "id": close["id"], "peer": peer.0}));
    assert!(stage.machine.peers.is_empty() && stage.machine.leases.is_empty());
    stage.disconnect();
    stage.connect();
    assert_eq!(stage.kinds(), Vec::<String>::new());
}

#[test]
fn a_peer_that_is_dropped_without_a_connection_is_closed_on_the_next() {
    let (mut stage, peer) = Stage::with_peer();
    stage.disconnect();
    stage.machine.close_peer(peer);
    stage.connect();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "close"]);
    assert_eq!(sent[0]["resume"], "s1-key");
    // Unless it has expired by then, or the server has forgotten it.
    for (millis, epoch) in [(10_000, "first"), (0, "second")] {
        let (mut stage, peer) = Stage::with_peer();
        stage.disconnect();
        stage.machine.close_peer(peer);
        stage.pass(millis);
        stage.epoch = epoch;
        stage.connect();
        assert_eq!(stage.kinds(), Vec::<String>::new());
        assert!(stage.machine.peers.is_empty());
    }
}

#[test]
fn the_end_of_the_client_gives_everything_back() {
    let (mut stage, _, lease) = Stage::with_lease();
    assert!(!stage.machine.is_done());
    stage.machine.close(stage.now);
    assert!(!stage.machine.is_done());
    assert_eq!(stage.events(), [Event::Lost { lease }]);
    let close = stage.one("close");
    assert!(stage.machine.is_done());
    assert_eq!(stage.machine.over(), Some(Error::Ended));
    // The program still has the lease, and may ask for its release when the server has confirmed everything.
    stage.say(json!({"type": "closed", "id": close["id"], "peer": close["peer"]}));
    stage.machine.release(lease, stage.now);
    let events = stage.events();
    assert!(
        matches!(&events[..], [Event::Released { result: Err(Error::Lost(_)), .. }]),
        "{events:?}"
    );
}
