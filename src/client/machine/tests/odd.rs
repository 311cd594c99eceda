//! Servers that say anything at any time: nothing panics, and no lease comes back.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::*;

#[test]
fn a_grant_of_something_else_is_refused_and_given_back() {
    for locks in
        [json!({}), json!({"A": {"count": 2, "fence": 1}}), json!({"B": {"count": 1, "fence": 1}})]
    {
        let (mut stage, peer) = Stage::with_peer();
        stage.machine.acquire(stage.now, peer, want("A")).unwrap();
        let asked = stage.one("acquire");
        stage.say(json!({"type": "granted", "id": asked["id"], "peer": peer.0, "locks": locks, "waited_ms": 0}));
        assert!(matches!(
            stage.events()[..],
            [Event::Acquired { result: Err(Error::Protocol(_)), .. }]
        ));
        assert_eq!(stage.kinds(), ["cancel", "release"]);
    }
}

#[test]
fn what_nobody_asked_for_is_given_back() {
    let (mut stage, peer, _) = Stage::with_lease();
    stage.say(json!({"type": "granted", "peer": peer.0, "locks": {"A": {"count": 1, "fence": 1}, "B": {"count": 1, "fence": 2}}, "waited_ms": 0}));
    assert_eq!(stage.one("release")["names"], json!(["B"]));
}

#[test]
fn a_wait_that_is_answered_twice_is_answered_once() {
    let (mut stage, peer) = Stage::with_peer();
    stage.machine.acquire(stage.now, peer, want("A")).unwrap();
    let asked = stage.one("acquire");
    stage.say(refused(&asked, "never"));
    let events = stage.events();
    let [Event::Acquired { result: Err(error), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.code(), Some(crate::client::Code::Never));
    stage.say(granted(&asked, 1));
    stage.say(refused(&asked, "timeout"));
    assert_eq!(stage.events(), []);
}

#[test]
fn a_want_is_checked_before_it_is_sent() {
    let (mut stage, peer, _) = Stage::with_lease();
    let mut ask = |want: Want| stage.machine.acquire(stage.now, peer, Ask::new(want));
    for names in [vec![], vec![("B", 1), ("B", 2)], vec![("", 1)], vec![("a\nb", 1)]] {
        assert!(matches!(ask(names.into()), Err(Error::InvalidWant(_))));
    }
    let taken = ask([("B", 1), ("A", 1)].into());
    assert_eq!(taken, Err(Error::AlreadyHeld { semaphore: "A".to_owned() }));
    assert!(ask("B".into()).is_ok());
    assert_eq!(ask("C".into()), Err(Error::AlreadyPending));
}

#[test]
fn no_server_can_make_it_panic_or_bring_a_lease_back() {
    for seed in 0..300 {
        random_life(&mut Rng::with_seed(seed));
    }
}

/// Calls, answers, cuts and time in any order, with a server that answers as it likes.
fn random_life(dice: &mut Rng) {
    let mut stage = Stage::new();
    let (mut peers, mut acquires, mut leases, mut lost) = (vec![], vec![], vec![], BTreeSet::new());
    let mut asked = Vec::new();
    for _ in 0..200 {
        match dice.u32(..12) {
            0 => stage.machine.connected(stage.now),
            1 if dice.u32(..4) == 0 => stage.disconnect(),
            2 => peers.push(stage.machine.open(ten_seconds())),
            3 | 4 => {
                if let Some(peer) = dice.choice(&peers) {
                    let name = ["A", "B", "C"][dice.usize(..3)];
                    acquires.extend(stage.machine.acquire(stage.now, *peer, want(name)));
                }
            }
            5 => {
                if let Some(acquire) = dice.choice(&acquires) {
                    stage.machine.cancel(*acquire);
                }
            }
            6 => {
                if let Some(lease) = dice.choice(&leases) {
                    stage.machine.release(*lease, stage.now);
                }
            }
            7 if dice.u32(..8) == 0 => {
                if let Some(peer) = dice.choice(&peers) {
                    stage.machine.close_peer(*peer);
                }
            }
            8 => stage.pass(dice.u64(..4_000)),
            _ => {
                let message = random_message(dice, &asked);
                stage.say(message);
            }
        }
        asked.extend(stage.sent());
        for event in stage.events() {
            match event {
                Event::Acquired { result: Ok(lease), .. } => leases.push(lease),
                Event::Lost { lease } => assert!(lost.insert(lease), "lost twice"),
                Event::Acquired { .. }
                | Event::Opened { .. }
                | Event::Progress { .. }
                | Event::Noticed { .. }
                | Event::Released { .. }
                | Event::Reported { .. } => {}
            }
        }
        for lease in &leases {
            let known = stage.machine.leases.contains_key(lease);
            assert!(!known || !lost.contains(lease) || stage.is_lost(*lease).is_some());
        }
    }
}

/// Something that a server might say, and mostly about what it was asked.
fn random_message(dice: &mut Rng, asked: &[Value]) -> Value {
    let none = json!({"id": 1, "peer": 1});
    let about = if dice.u32(..10) == 0 { &none } else { dice.choice(asked).unwrap_or(&none) };
    let (id, peer) = (&about["id"], &about["peer"]);
    let locks = json!({"A": {"count": dice.u32(..3), "fence": 1}});
    let held = if dice.bool() { json!({}) } else { locks.clone() };
    match (dice.u32(..14), kind_of(about)) {
        (0..=1, _) | (_, "hello") => {
            json!({"type": "welcome", "epoch": (["e", "f"][dice.usize(..2)]), "heartbeat_ms": 1000})
        }
        (2, _) => json!({"type": "lost", "peer": peer, "reason": "superseded", "locks": locks}),
        (7, _) => json!({"type": "yield", "peer": peer, "locks": locks, "within_ms": 3_000}),
        (3, _) => refused(
            about,
            ["timeout", "unknown_peer", "draining", "unknown_semaphore", "revoked"]
                [dice.usize(..5)],
        ),
        (4, _) => json!({"type": "draining", "reconnect_in_ms": 5}),
        (5, _) => json!({"type": "granted", "peer": peer, "locks": locks, "waited_ms": 1}),
        (6, _) => json!({"type": "queued", "id": id, "peer": peer, "position": 3}),
        (_, "open") => {
            json!({"type": "opened", "id": id, "peer": peer, "peer_id": "s", "resume": "k",
            "held": held, "pending": dice.bool(), "restored": dice.bool()})
        }
        (_, "acquire") => granted(about, 4),
        (_, "release") => json!({"type": "released", "id": id, "peer": peer, "locks": locks}),
        (_, "close") => json!({"type": "closed", "id": id, "peer": peer}),
        (_, _) => json!({"type": "pong", "id": id}),
    }
}

fn kind_of(message: &Value) -> &str {
    message["type"].as_str().unwrap_or_default()
}
