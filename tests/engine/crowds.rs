//! Many peers are due at once, and other things between them: all of it happens in the same order as if it had been done
//! in time.

use throttle::engine::{
    Command, Count, Effect, Engine, Fence, Level, Limits, PeerId, Priority, SemaphoreName,
    SemaphoreSettings, Settings, Span, Time, Want,
};

const PEERS: u64 = 3_000;

/// The peer that is still there at the end.
const SURVIVOR: PeerId = PeerId::Rest(u64::MAX);

fn name(text: &str) -> SemaphoreName {
    SemaphoreName::new(text).unwrap()
}

fn apply(engine: &mut Engine, now: u64, command: &Command) {
    assert!(engine.apply(Time::from_micros(now), command).reply.is_ok());
}

fn acquire(peer: PeerId, text: &str, timeout: Option<Span>) -> Command {
    Command::Acquire {
        peer,
        want: Want::one(name(text), 1),
        priority: Priority::default(),
        timeout,
        max_wait: None,
        declared: [].into(),
        expires_in: None,
    }
}

/// Peers that end within a few microseconds. Some hold something, and some wait for what the survivor holds, mostly until
/// about then.
fn crowded() -> Engine {
    let settings =
        |text, max| SemaphoreSettings::semaphore(name(text), Count::new(max).unwrap(), Level(0));
    let mut engine = Engine::new(Settings {
        semaphores: vec![settings("roomy", 1 << 20), settings("taken", 1)],
        limits: Limits::default(),
        last_fence: Fence(0),
        grants_from: Time::default(),
    });
    let end = |dice: &mut fastrand::Rng| 1_000_000 + dice.u64(..20);
    let open = |peer, expires_in| Command::Open { peer, expires_in, session: None };
    apply(&mut engine, 0, &open(SURVIVOR, Span::from_secs(3_600)));
    apply(&mut engine, 0, &acquire(SURVIVOR, "taken", None));
    let mut dice = fastrand::Rng::with_seed(7);
    for now in 0..PEERS {
        let peer = PeerId::Rest(dice.u64(..1 << 53));
        apply(&mut engine, now, &open(peer, Span::from_micros(end(&mut dice) - now)));
        let timeout = Span::from_micros(end(&mut dice) - now);
        match dice.u32(..10) {
            0..3 => apply(&mut engine, now, &acquire(peer, "roomy", None)),
            3 => apply(&mut engine, now, &acquire(peer, "taken", Some(timeout))),
            4 => apply(&mut engine, now, &acquire(peer, "taken", None)),
            _ => {}
        }
    }
    engine
}

/// What was told, but for how long locks were held, which is longer when all of it happens late.
fn told(effects: Vec<Effect>) -> impl Iterator<Item = String> {
    effects.into_iter().map(|effect| match effect {
        Effect::Released { peer, lock, .. } => format!("{peer} released {}", lock.fence),
        Effect::Ended { peer, ticket, reason, .. } => format!("{peer} ended {ticket} {reason:?}"),
        Effect::Expired { peer } => format!("{peer} expired"),
        other @ (Effect::Granted { .. }
        | Effect::Restored { .. }
        | Effect::Closed { .. }
        | Effect::Yield { .. }
        | Effect::Revoked { .. }
        | Effect::Superseded { .. }) => panic!("{other:?}"),
    })
}

#[test]
fn what_is_done_late_is_done_in_the_same_order() {
    let (mut late, mut in_time) = (crowded(), crowded());
    let now = Time::from_micros(2_000_000);
    let all_at_once: Vec<_> = told(late.apply(now, &Command::Expire).effects).collect();
    late.check().unwrap();
    let mut one_by_one = Vec::new();
    while let Some(due) = in_time.next_deadline().filter(|due| *due <= now) {
        one_by_one.extend(told(in_time.apply(due, &Command::Expire).effects));
        in_time.check().unwrap();
    }
    assert_eq!(all_at_once, one_by_one);
    assert_eq!((late.peer_count(), in_time.peer_count()), (1, 1));
    let expired = all_at_once.iter().filter(|it| it.ends_with("expired")).count();
    assert_eq!(expired as u64, PEERS);
    assert!(all_at_once.iter().any(|it| it.contains("TimedOut")), "no wait was over in time");
    assert!(all_at_once.iter().any(|it| it.ends_with(" Expired")), "nobody waited to the end");
    assert!(all_at_once.iter().any(|it| it.contains("released")), "nobody held anything");
}
