//! Peers that an operator takes away: who has nothing goes on as somebody new.

use super::*;

#[test]
fn who_is_about_to_be_taken_away_waits_on_as_somebody_new() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.machine.release(lease, stage.now);
    let acquire = stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["release", "acquire"]);
    stage.say(json!({"type": "released", "id": sent[0]["id"], "peer": peer.0, "locks": {}}));
    stage.say(refused(&sent[1], "revoked"));
    assert_eq!(stage.events(), [Event::Released { lease, result: Ok(()) }]);
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["close", "open", "acquire"]);
    assert_eq!((&sent[0]["id"], &sent[1]["resume"]), (&json!(null), &json!(null)));
    // This crosses what was sent, and is about the one of before.
    stage.say(json!({"type": "lost", "peer": peer.0, "reason": "revoked", "locks": {}}));
    stage.say(json!({"type": "error", "id": null, "code": "unknown_peer", "message": "m", "retryable": false}));
    stage.say(opened(&sent[1], json!({})));
    stage.say(granted(&sent[2], 9));
    let [Event::Acquired { acquire: it, result: Ok(lease) }] = stage.events()[..] else { panic!() };
    assert_eq!((it, stage.is_lost(lease)), (acquire, None));
}

#[test]
fn who_holds_something_is_refused() {
    let (mut stage, peer, lease) = Stage::with_lease();
    stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    let asked = stage.one("acquire");
    stage.say(refused(&asked, "revoked"));
    let events = stage.events();
    let [Event::Acquired { result: Err(error), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.code(), Some(crate::client::Code::Revoked));
    assert_eq!((stage.is_lost(lease), stage.kinds()), (None, vec![]));
}

#[test]
fn who_waits_no_more_is_not_opened_again() {
    let (mut stage, peer) = Stage::with_peer();
    let acquire = stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    let asked = stage.one("acquire");
    stage.machine.cancel(acquire);
    stage.say(refused(&asked, "revoked"));
    let sent = stage.sent();
    assert_eq!(sent.iter().map(kind).collect::<Vec<_>>(), ["cancel", "release"]);
    stage.say(json!({"type": "released", "id": sent[1]["id"], "peer": peer.0, "locks": {}}));
    // Nor does the close of the old one hold for another connection, which does not have it.
    stage.machine.acquire(stage.now, peer, want("B")).unwrap();
    let asked = stage.one("acquire");
    stage.say(refused(&asked, "revoked"));
    stage.disconnect();
    stage.connect();
    assert_eq!(stage.kinds(), ["open", "acquire"]);
}
