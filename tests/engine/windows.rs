//! What a bucket promises: no window of time gets more than its capacity and the refill for the window's length. Here
//! nothing is known of how that is done: permits are counted, in every window that begins and ends with one.

use fastrand::Rng;
use throttle::engine::{
    Command, Count, Effect, Engine, Fence, Level, Limits, PeerId, Priority, Rate, Reply,
    SemaphoreName, SemaphoreSettings, Settings, Span, Time, Want,
};

const STEPS: usize = 300;
const PEERS: u64 = 4;

struct World {
    dice: Rng,
    engine: Engine,
    now: Time,
    /// How many tokens may be used from when on, and the permits that can still be given up.
    used: Vec<(Time, u64, Fence)>,
}

fn bucket() -> SemaphoreName {
    SemaphoreName::new("bucket").unwrap()
}

impl World {
    fn new(seed: u64, capacity: u32, rate: Rate) -> Self {
        let capacity = Count::new(capacity.into()).unwrap();
        let gpu = SemaphoreName::new("gpu").unwrap();
        let semaphores = vec![
            SemaphoreSettings::bucket(bucket(), capacity, rate),
            SemaphoreSettings::semaphore(gpu, Count::new(1).unwrap(), Level(0)),
        ];
        let (limits, last_fence) = (Limits::default(), Fence(0));
        let settings = Settings { semaphores, limits, last_fence, grants_from: Time::default() };
        let mut world = Self {
            dice: Rng::with_seed(seed),
            engine: Engine::new(settings),
            now: Time::from_micros(1),
            used: vec![],
        };
        for peer in 1..=PEERS {
            let (peer, expires_in) = (PeerId::Rest(peer), Span::from_secs(86_400 * 300));
            world.apply(&Command::Open { peer, expires_in, session: None });
        }
        world
    }

    fn apply(&mut self, command: &Command) -> Option<Reply> {
        let outcome = self.engine.apply(self.now, command);
        for effect in &outcome.effects {
            if let Effect::Granted { locks, .. } = effect {
                let permits = locks.iter().filter(|lock| lock.name == bucket());
                let permits = permits.map(|lock| (self.now, lock.count.get().into(), lock.fence));
                self.used.extend(permits);
            }
        }
        outcome.reply.ok()
    }

    /// Mostly on to the next moment at which something happens, sometimes beyond, sometimes short of it.
    fn step(&mut self, capacity: u32, interval: Span) {
        let next = self.engine.next_deadline().filter(|_| self.dice.u32(0..3) > 0);
        let ahead = Span::from_micros(self.dice.u64(0..=interval.as_micros() * 2));
        self.now = next.unwrap_or(self.now.after(ahead)).max(self.now);
        let peer = PeerId::Rest(self.dice.u64(1..=PEERS));
        let count = i64::from(self.dice.u32(1..=capacity));
        match self.dice.u32(0..10) {
            0..4 => {
                let mut want = vec![(bucket(), count)];
                if self.dice.u32(0..4) == 0 {
                    want.push((SemaphoreName::new("gpu").unwrap(), 1));
                }
                let (want, priority) = (Want::new(want).unwrap(), Priority(self.dice.i8(0..2)));
                let (timeout, max_wait, expires_in) = (None, None, None);
                let command = Command::Acquire {
                    peer,
                    want,
                    priority,
                    timeout,
                    max_wait,
                    expires_in,
                    declared: [].into(),
                };
                self.apply(&command);
            }
            4..6 => drop(self.apply(&Command::Release { peer, names: None })),
            6 => drop(self.apply(&Command::Cancel { peer })),
            7..9 => {
                let reserve =
                    Command::Reserve { name: bucket(), count, max_wait: None, declared: None };
                if let Some(Reply::Reserved { permit, from, .. }) = self.apply(&reserve) {
                    self.used.push((from, count.unsigned_abs(), permit));
                }
            }
            _ => self.give_up(),
        }
    }

    fn give_up(&mut self) {
        let later: Vec<_> = self.used.iter().filter(|(from, ..)| *from > self.now).collect();
        let Some((.., permit)) = self.dice.choice(later).copied() else { return };
        let unreserve = Command::Unreserve { name: bucket(), permit };
        assert!(self.apply(&unreserve).is_some(), "a permit that is not due can be given up");
        self.used.retain(|(.., other)| *other != permit);
    }
}

fn check_windows(used: &[(Time, u64)], capacity: u32, rate: Rate) {
    for (first, (begin, _)) in used.iter().enumerate() {
        let mut tokens = 0;
        for (end, count) in &used[first..] {
            tokens += count;
            let length = u128::from(end.since(*begin).as_micros());
            let back = length * u128::from(rate.refill().get());
            // Whole tokens are all that can be given.
            let allowed = u128::from(capacity) + back / u128::from(rate.every().as_micros());
            assert!(u128::from(tokens) <= allowed, "{tokens} from {begin} to {end}");
        }
    }
}

/// Many buckets, each with its seed.
fn buckets() -> impl Iterator<Item = (u64, u32, Rate)> {
    (0..200).map(|seed| {
        let mut dice = Rng::with_seed(seed);
        let (capacity, refill) = (dice.u32(1..8), Count::new(dice.i64(1..12)).unwrap());
        (seed, capacity, Rate::new(refill, Span::from_micros(dice.u64(1_000..50_000))).unwrap())
    })
}

#[test]
fn no_window_gets_more_than_the_capacity_and_the_refill() {
    for (seed, capacity, rate) in buckets() {
        println!("seed {seed}: {capacity}, {rate:?}");
        let mut world = World::new(seed, capacity, rate);
        for _ in 0..STEPS {
            world.step(capacity, rate.interval());
        }
        world.used.sort_by_key(|(from, ..)| *from);
        let used: Vec<_> = world.used.iter().map(|(from, count, _)| (*from, *count)).collect();
        assert!(used.len() > 20, "hardly anything was used: {}", used.len());
        check_windows(&used, capacity, rate);
        world.engine.check().unwrap();
    }
}

/// A rule that refuses everything would pass the other test. While somebody waits, each token is given at the first
/// microsecond at which no window has too many.
#[test]
fn nothing_is_wasted_while_somebody_waits() {
    for (seed, capacity, rate) in buckets() {
        let mut world = World::new(seed, capacity, rate);
        for peer in (1..=PEERS).cycle().take(STEPS) {
            let (peer, want) = (PeerId::Rest(peer), Want::one(bucket(), 1));
            world.apply(&Command::Release { peer, names: None });
            let (priority, timeout, max_wait, expires_in) = (Priority(0), None, None, None);
            let acquire = Command::Acquire {
                peer,
                want,
                priority,
                timeout,
                max_wait,
                expires_in,
                declared: [].into(),
            };
            world.apply(&acquire);
            if world.engine.peer(peer).unwrap().pending.is_some() {
                world.now = world.engine.next_deadline().unwrap();
                world.apply(&Command::Expire);
            }
        }
        let used: Vec<_> = world.used.iter().map(|(at, ..)| at.as_micros()).collect();
        assert_eq!(used.len(), STEPS);
        for (number, at) in used.iter().enumerate() {
            // As early as every window before it allows.
            let allowed = used[..number].iter().enumerate().map(|(first, begin)| {
                let beyond = (number - first + 1).saturating_sub(capacity as usize) as u64;
                begin + (beyond * rate.every().as_micros()).div_ceil(rate.refill().get().into())
            });
            let due = allowed.max().unwrap_or(used[0]);
            assert_eq!(*at, due, "permit {number} of seed {seed}");
        }
    }
}
