//! Permits: never lost, and not taken by whoever does not wait for them any more.

use super::*;
use crate::client::settings::OnDisconnect;

fn tokens(count: u32) -> Value {
    json!({"api": {"count": count, "fence": 1}})
}

#[test]
fn a_permit_outlives_silence() {
    let mut stage = Stage::up();
    let (_, permit) = stage.permit();
    stage.disconnect();
    stage.pass(60_000);
    assert_eq!((stage.events(), stage.machine.lost(permit, stage.now)), (vec![], None));
    // The server may have it or not.
    stage.connect();
    let open = stage.one("open");
    assert_eq!(open["held"], json!({}), "who is known and has expired is not restored");
    stage.say(opened(&open, tokens(5)));
    let report = stage.used(permit, ("api", 3)).unwrap();
    let settle = stage.one("settle");
    stage.say(settled(&settle));
    assert_eq!(stage.events(), [Event::Reported { report, result: Ok(()) }]);
}

#[test]
fn a_permit_is_granted_whatever_is_known_of_the_server() {
    let mut stage = Stage::up();
    let (peer, acquire) = stage.take();
    let sent = stage.sent();
    stage.say(opened(&sent[0], json!({})));
    stage.say(json!({"type": "queued", "id": sent[1]["id"], "peer": peer.0, "position": 1}));
    stage.events();
    stage.now = at(9.0);
    stage.say(granted(&sent[1], 3));
    assert!(
        matches!(stage.events()[..], [Event::Acquired { acquire: it, result: Ok(_) }] if it == acquire)
    );
}

#[test]
fn of_a_permit_that_the_server_has_forgotten_nothing_can_be_told() {
    type Trouble = fn(&mut Stage, PeerNumber);
    let expired: Trouble = |stage, _| {
        stage.disconnect();
        stage.connect();
        let mut answer = opened(&stage.one("open"), json!({}));
        answer["restored"] = json!(true);
        stage.say(answer);
    };
    let revoked: Trouble = |stage, peer| {
        stage.say(json!({"type": "lost", "peer": peer.0, "reason": "revoked", "locks": tokens(5)}));
    };
    let bound: Trouble = |stage, peer| {
        let locks = tokens(5);
        stage.say(json!({"type": "lost", "peer": peer.0, "reason": "revoked", "locks": locks, "bound": true}));
    };
    let gone: Trouble = |stage, peer| {
        stage.machine.peers.get_mut(&peer).unwrap().on_disconnect = OnDisconnect::Release;
        stage.disconnect();
        stage.connect();
    };
    for trouble in [expired, revoked, bound, gone] {
        let mut stage = Stage::up();
        let (peer, permit) = stage.permit();
        trouble(&mut stage, peer);
        assert_eq!(stage.events(), []);
        assert_eq!(stage.machine.lost(permit, stage.now), None);
        assert_eq!(stage.used(permit, ("api", 3)), Err(not_held("api")));
        stage.machine.release(permit, stage.now);
        assert_eq!(stage.events(), [Event::Released { lease: permit, result: Ok(()) }]);
    }
}

#[test]
fn a_server_without_memory_is_told_of_permits_that_are_certain() {
    for (outage, held) in [(1_000, json!({"api": 5})), (8_000, json!({}))] {
        let mut stage = Stage::up();
        let (_, permit) = stage.permit();
        stage.disconnect();
        stage.epoch = "second";
        stage.pass(outage);
        stage.connect();
        let open = stage.one("open");
        assert_eq!(open["held"], held);
        let there = held["api"].as_u64().map_or(json!({}), |_| tokens(5));
        stage.say(opened(&open, there));
        assert_eq!(stage.used(permit, ("api", 3)).is_ok(), outage == 1_000);
    }
}

#[test]
fn tokens_are_given_back_unused_when_nobody_waits_for_them() {
    let mut stage = Stage::up();
    let (peer, acquire) = stage.take();
    assert_eq!(stage.kinds(), ["open", "acquire"]);
    stage.machine.cancel(acquire);
    stage.machine.close_peer(peer);
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["cancel", "settle", "close"]);
    assert_eq!((&sent[1]["used"], &sent[1]["id"]), (&json!({"api": 0}), &json!(null)));
    // Nobody can come back for a peer whose key was never told.
    stage.disconnect();
    stage.connect();
    assert_eq!(stage.kinds(), Vec::<String>::new());
}

#[test]
fn a_grant_that_nobody_has_taken_is_unused() {
    let mut stage = Stage::up();
    let (peer, permit) = stage.permit();
    stage.machine.release_unused(permit, stage.now);
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["settle", "release"]);
    assert_eq!(sent[0]["used"], json!({"api": 0}));
    // A lock is only released.
    let lease = stage.lease(peer, "A");
    stage.machine.release_unused(lease, stage.now);
    assert_eq!(stage.kinds(), ["release"]);
}

#[test]
fn a_permit_whose_release_was_lost_is_not_taken_for_a_new_one() {
    for on_its_way in [false, true] {
        let mut stage = Stage::up();
        let (peer, permit) = stage.permit();
        stage.machine.release(permit, stage.now);
        if on_its_way {
            assert_eq!(stage.kinds(), ["release"]);
        }
        let ask = Ask { permit: true, ..Ask::new(("api", 5).into()) };
        stage.machine.acquire(stage.now, peer, ask).unwrap();
        stage.disconnect();
        stage.connect();
        let sent = stage.sent();
        // What is held is given back first. So what is granted behind that has taken tokens.
        assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["open", "release", "acquire"]);
        stage.say(opened(&sent[0], tokens(5)));
        stage.say(json!({"type": "released", "id": sent[1]["id"], "peer": peer.0, "locks": {}}));
        stage.say(granted(&sent[2], 2));
        let events = stage.events();
        let [Event::Released { .. }, Event::Acquired { result: Ok(new), .. }] = events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(stage.machine.locks(new).unwrap()["api"].fence, 2);
        assert_eq!(stage.kinds(), Vec::<String>::new());
    }
}

#[test]
fn a_permit_that_is_dropped_ends_with_its_peer() {
    let mut stage = Stage::up();
    let (peer, permit) = stage.permit();
    let report = stage.used(permit, ("api", 0)).unwrap();
    stage.machine.release(permit, stage.now);
    stage.machine.close_peer(peer);
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["settle", "close"]);
    stage.say(settled(&sent[0]));
    stage.say(json!({"type": "closed", "id": sent[1]["id"], "peer": peer.0}));
    let released = Event::Released { lease: permit, result: Ok(()) };
    assert_eq!(stage.events(), [released, Event::Reported { report, result: Ok(()) }]);
    assert!(stage.machine.peers.is_empty());
}

#[test]
fn a_peer_that_cannot_be_opened_fails_what_is_taken() {
    let mut stage = Stage::up();
    let (peer, acquire) = stage.take();
    let sent = stage.sent();
    stage.say(refused(&sent[0], "limit_exceeded"));
    stage.say(refused(&sent[1], "unknown_peer"));
    let events = stage.events();
    let [Event::Acquired { acquire: it, result: Err(error) }, Event::Opened { .. }] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((*it, error.code()), (acquire, Some(crate::client::Code::LimitExceeded)));
    assert!(!stage.machine.peers.contains_key(&peer));
}
