//! How many acquire + release pairs one thread does, and whether that depends on how many peers are alive.
//!
//! `cargo bench --bench engine`. In `pairs/one` one peer acquires and releases while all others are idle; in
//! `pairs/any` each pair is by another peer, at random, so that nothing of it is in the processor's caches. In `takes`
//! tokens are taken of one bucket, of each in turn and of random ones, all of them keys of one pattern.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use throttle::engine::{
    Command, Count, Engine, Fence, Level, Limits, Operation, PeerId, Priority, Rate, SemaphoreName,
    SemaphoreSettings, Settings, Span, Time, Want,
};

const ALIVE: [u64; 4] = [1, 1_000, 100_000, 1_000_000];

/// Identities are random in the product. Here they are scattered by a fixed odd factor, which has no cycle.
fn peer(number: u64) -> PeerId {
    PeerId::Rest(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11)
}

fn name() -> SemaphoreName {
    SemaphoreName::new("database").expect("it is short")
}

fn engine(peers: u64) -> Engine {
    let max = Count::new(10).expect("it is small");
    let mut engine = Engine::new(Settings {
        semaphores: vec![SemaphoreSettings::semaphore(name(), max, Level(0))],
        limits: Limits::default(),
        last_fence: Fence(0),
        grants_from: Time::default(),
    });
    for number in 0..peers {
        let expires_in = Span::from_secs(300 + number % 60);
        let open = Command::Open { peer: peer(number), expires_in, session: None };
        assert!(engine.apply(Time::from_micros(number), &open).reply.is_ok());
    }
    engine
}

fn pair(engine: &mut Engine, now: Time, peer: PeerId, name: &SemaphoreName) {
    let acquire = Command::Acquire {
        peer,
        want: Want::one(name.clone(), 1),
        priority: Priority::default(),
        timeout: None,
        max_wait: None,
        declared: [].into(),
        expires_in: None,
    };
    assert!(black_box(engine.apply(now, &acquire)).reply.is_ok());
    let leave = Command::Leave { peer, name: name.clone() };
    assert!(black_box(engine.apply(now, &leave)).reply.is_ok());
}

fn pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pairs");
    group.throughput(Throughput::Elements(1));
    for alive in ALIVE {
        let mut engine = engine(alive);
        let (name, now) = (name(), Time::from_micros(2_000_000));
        group.bench_with_input(BenchmarkId::new("one", alive), &alive, |bencher, alive| {
            bencher.iter(|| pair(&mut engine, now, peer(alive / 2), &name));
        });
        group.bench_with_input(BenchmarkId::new("any", alive), &alive, |bencher, alive| {
            let mut dice = fastrand::Rng::with_seed(1);
            bencher.iter(|| pair(&mut engine, now, peer(dice.u64(..alive)), &name));
        });
    }
    group.finish();
}

/// A mutex handed from one waiting peer to the next: the released peer goes to the end of the line.
fn handoffs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("handoffs");
    group.throughput(Throughput::Elements(1));
    for waiting in [32, 256, 10_000] {
        let mut engine = engine(waiting);
        let (name, now) = (name(), Time::from_micros(2_000_000));
        let acquire = |number| Command::Acquire {
            peer: peer(number),
            want: Want::one(name.clone(), 10),
            priority: Priority::default(),
            timeout: None,
            max_wait: None,
            declared: [].into(),
            expires_in: None,
        };
        for number in 0..waiting {
            assert!(engine.apply(now, &acquire(number)).reply.is_ok());
        }
        let mut holder = 0;
        group.bench_with_input(
            BenchmarkId::from_parameter(waiting),
            &waiting,
            |bencher, waiting| {
                bencher.iter(|| {
                    let leave = Command::Leave { peer: peer(holder), name: name.clone() };
                    assert_eq!(black_box(engine.apply(now, &leave)).effects.len(), 2);
                    assert!(black_box(engine.apply(now, &acquire(holder))).reply.is_ok());
                    holder = (holder + 1) % waiting;
                });
            },
        );
    }
    group.finish();
}

const KEYS: [usize; 3] = [1, 100_000, 1_000_000];

/// Tokens of buckets that nobody has listed. So many come back in no time that all takes are granted at once.
fn takes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("takes");
    group.throughput(Throughput::Elements(1));
    for keys in KEYS {
        let mut engine = engine(0);
        let pattern = SemaphoreName::new("tenant/*").expect("it is short");
        let capacity = Count::new(1 << 30).expect("it is not too large");
        let rate = Rate::new(capacity, Span::from_micros(1)).expect("it is not zero");
        let bucket = SemaphoreSettings::bucket(pattern, capacity, rate);
        let create = Command::Operate(Operation::Create(bucket));
        assert!(engine.apply(Time::from_micros(1), &create).reply.is_ok());
        let take = |number: usize| Command::Reserve {
            name: SemaphoreName::new(&format!("tenant/{number}")).expect("it is short"),
            count: 1,
            max_wait: None,
            declared: None,
        };
        let takes: Vec<_> = (0..keys).map(take).collect();
        let mut now = 1;
        let mut apply = |take: &Command| {
            now += 1;
            assert!(black_box(engine.apply(Time::from_micros(now), take)).reply.is_ok());
        };
        takes.iter().for_each(&mut apply);
        group.bench_function(BenchmarkId::new("in turn", keys), |bencher| {
            let mut next = takes.iter().cycle();
            bencher.iter(|| next.next().map(&mut apply));
        });
        group.bench_function(BenchmarkId::new("any", keys), |bencher| {
            let mut dice = fastrand::Rng::with_seed(1);
            bencher.iter(|| apply(&takes[dice.usize(..keys)]));
        });
    }
    group.finish();
}

/// Peers come and go.
fn peers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peers");
    group.throughput(Throughput::Elements(100_000));
    group.sample_size(20);
    group.bench_function("open 100,000", |bencher| bencher.iter(|| engine(100_000)));
    group.bench_function("expire 100,000 at once", |bencher| {
        bencher.iter_batched(
            || engine(100_000),
            |mut engine| {
                let _ = black_box(engine.apply(Time::from_micros(3_600_000_000), &Command::Expire));
                engine
            },
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, pairs, handoffs, takes, peers);
criterion_main!(benches);
