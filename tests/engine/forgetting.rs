//! A hundred thousand keys come, and are forgotten: nothing is left of them.

use throttle::engine::{
    Command, Count, Engine, Fence, Level, Limits, PeerId, Priority, Rate, Reply, SemaphoreName,
    SemaphoreSettings, Settings, Span, Time, Want,
};

const KEYS: usize = 100_000;

fn name(text: &str) -> SemaphoreName {
    SemaphoreName::new(text).unwrap()
}

fn engine() -> Engine {
    let (one, rate) =
        (Count::new(1).unwrap(), Rate::new(Count::new(1).unwrap(), Span::from_secs(1)));
    Engine::new(Settings {
        semaphores: vec![
            SemaphoreSettings::semaphore(name("job/*"), one, Level(0)),
            SemaphoreSettings::bucket(name("api/*"), one, rate.unwrap()),
        ],
        limits: Limits::default(),
        last_fence: Fence(0),
        grants_from: Time::default(),
    })
}

#[test]
fn keys_that_are_idle_leave_nothing_behind() {
    let mut engine = engine();
    let fresh = format!("{engine:?}").len();
    let peer = PeerId::Rest(1);
    let mut now = Time::from_micros(1);
    let open = Command::Open { peer, expires_in: Span::from_secs(3_600), session: None };
    assert!(engine.apply(now, &open).reply.is_ok());
    for number in 0..KEYS {
        now = now.after(Span::from_micros(1));
        let want = Want::one(name(&format!("job/{number}")), 1);
        let (priority, timeout, max_wait, expires_in) = (Priority(0), None, None, None);
        let declared = [].into();
        let acquire =
            Command::Acquire { peer, want, priority, timeout, max_wait, expires_in, declared };
        assert!(engine.apply(now, &acquire).reply.is_ok());
        assert!(engine.apply(now, &Command::Release { peer, names: None }).reply.is_ok());
        let bucket = name(&format!("api/{number}"));
        let reserve = Command::Reserve { name: bucket, count: 1, max_wait: None, declared: None };
        assert!(engine.apply(now, &reserve).reply.is_ok());
    }
    let keys = |engine: &Engine| engine.semaphores().filter_map(|it| it.keys).sum::<usize>();
    assert_eq!(keys(&engine), 2 * KEYS);
    engine.check().unwrap();
    let mut steps = 0;
    while keys(&engine) > 0 {
        now = engine.next_deadline().unwrap();
        let expired = engine.apply(now, &Command::Expire).reply;
        assert_eq!(expired, Ok(Reply::Expired { peers: 0 }));
        steps += 1;
        assert!(steps <= 4 * KEYS, "it never ends");
    }
    assert!(now < Time::from_micros(3_600_000_000), "they were there until the peer went");
    assert!(engine.apply(now, &Command::Close { peer }).reply.is_ok());
    engine.check().unwrap();
    // All that is in it is in its debug output.
    let left = format!("{engine:?}").len();
    assert!(left < fresh + 200, "{left} instead of {fresh}");
}
