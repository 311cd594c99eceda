//! Peers that take locks downwards never wait for each other in a circle, whatever they want at once: when all who wait
//! for nothing have given back what they hold, somebody gets on.

use throttle::engine::{
    Command, Count, Engine, Fence, Level, Limits, PeerId, Priority, SemaphoreName,
    SemaphoreSettings, Settings, Span, Time, Want,
};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const PEERS: u64 = 6;

fn peers() -> impl Iterator<Item = PeerId> {
    (1..=PEERS).map(PeerId::Rest)
}

fn engine(dice: &mut fastrand::Rng) -> Engine {
    let mut semaphore = |text: &&str| {
        let (max, level) = (Count::new(dice.i64(1..=2)).unwrap(), Level(dice.i32(0..4)));
        SemaphoreSettings::semaphore(SemaphoreName::new(text).unwrap(), max, level)
    };
    let mut engine = Engine::new(Settings {
        semaphores: NAMES.iter().map(&mut semaphore).collect(),
        limits: Limits::default(),
        last_fence: Fence(0),
        grants_from: Time::default(),
    });
    let expires_in = Span::from_secs(3_600);
    for peer in peers() {
        let open = Command::Open { peer, expires_in, session: None };
        assert!(engine.apply(Time::default(), &open).reply.is_ok());
    }
    engine
}

fn acquire(peer: PeerId, dice: &mut fastrand::Rng) -> Command {
    let mut names = NAMES;
    dice.shuffle(&mut names);
    let part = |text: &&str| (SemaphoreName::new(text).unwrap(), 1);
    Command::Acquire {
        peer,
        want: Want::new(names[..dice.usize(1..=3)].iter().map(part)).unwrap(),
        priority: Priority(dice.i8(0..3)),
        timeout: None,
        max_wait: None,
        declared: [].into(),
        expires_in: None,
    }
}

/// Who waits for nothing gives back all that it holds. Returns how many still wait.
fn give_back(engine: &mut Engine) -> usize {
    let waits = |engine: &Engine, peer: &PeerId| engine.wait_of(*peer).is_some();
    for peer in peers() {
        if !waits(engine, &peer) {
            let release = Command::Release { peer, names: None };
            assert!(engine.apply(Time::default(), &release).reply.is_ok());
        }
    }
    peers().filter(|peer| waits(engine, peer)).count()
}

#[test]
fn nobody_waits_for_himself() {
    let mut most = 0;
    for seed in 0..5_000 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut engine = engine(&mut dice);
        for _ in 0..40 {
            let peer = PeerId::Rest(dice.u64(1..=PEERS));
            // Most of them are refused, for what they would have to wait for already, or hold.
            let _ = engine.apply(Time::default(), &acquire(peer, &mut dice));
        }
        let mut left = give_back(&mut engine);
        most = most.max(left);
        while left > 0 {
            let before = std::mem::replace(&mut left, give_back(&mut engine));
            assert!(left < before, "with seed {seed}, {left} wait for ever");
        }
    }
    assert!(most > 3, "they hardly got in each other's way");
}
