//! Random histories: a small world, so that its few peers are in each other's way all the time.

mod operators;

use std::collections::BTreeMap;

use fastrand::Rng;
use throttle::engine::{
    Claims, Command, ConnectionId, Count, Fence, Key, Label, Level, Limits, Manners, OnDisconnect,
    PeerId, Priority, Rate, SemaphoreName, SemaphoreSettings, Session, Settings, Span, Time, Want,
};

/// What happened to an engine, from its birth on.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) settings: Settings,
    pub(crate) steps: Vec<(Time, Command)>,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Nobody has listed these, but there may be patterns that they fit.
const KEYS: [&str; 4] = ["k/1", "k/2", "x/1", "k/*"];
const PATTERNS: [&str; 3] = ["k/*", "*/1", "k/1"];

impl History {
    /// The history number `seed`, with `steps` commands.
    pub(crate) fn random(seed: u64, steps: usize) -> Self {
        let mut dice = Dice(Rng::with_seed(seed), Plot::default());
        let settings = dice.settings();
        let mut now = Time::from_micros(1_000);
        let steps = (0..steps).map(|_| {
            now = dice.later(now);
            // Now and then the caller's clock is behind.
            let behind = if dice.one_in(50) { dice.0.u64(0..3_000) } else { 0 };
            (Time::from_micros(now.as_micros().saturating_sub(behind)), dice.command())
        });
        let steps = steps.collect();
        Self { settings, steps }
    }
}

struct Dice(Rng, Plot);

/// What chance alone would hardly come to.
#[derive(Default)]
struct Plot {
    /// What each peer has asked for last.
    asked: BTreeMap<PeerId, Command>,
    /// What comes next, from the end.
    next: Vec<Command>,
}

impl Dice {
    fn one_in(&mut self, n: u32) -> bool {
        self.0.u32(0..n) == 0
    }

    fn settings(&mut self) -> Settings {
        let semaphores = NAMES[..self.0.usize(1..=NAMES.len())]
            .iter()
            .map(|name| self.semaphore(SemaphoreName::new(name).unwrap()));
        let mut semaphores: Vec<_> = semaphores.collect();
        for pattern in PATTERNS {
            if self.one_in(3) {
                semaphores.push(self.semaphore(SemaphoreName::new(pattern).unwrap()));
            }
        }
        let max_peers = if self.one_in(4) { 3 } else { 100 };
        let max_semaphores = self.0.usize(3..=5);
        let max_expires_in = Span::from_millis(50);
        let max_keyed = if self.one_in(4) { 2 } else { 100 };
        let (idle_ttl, dynamic) = (Span::from_millis(self.0.u64(1..30)), self.one_in(3));
        let limits =
            Limits { max_expires_in, max_peers, max_semaphores, max_keyed, idle_ttl, dynamic };
        // Some histories begin with a server that has just started, some are over before it grants anything.
        let grants_from = if self.one_in(3) { self.0.u64(0..200_000) } else { 0 };
        let (last_fence, grants_from) = (Fence(self.0.u64(0..10)), Time::from_micros(grants_from));
        Settings { semaphores, limits, last_fence, grants_from }
    }

    /// Often the same instant, mostly a few milliseconds, seldom long enough for everything to expire.
    fn later(&mut self, now: Time) -> Time {
        let millis = match self.0.u32(0..20) {
            0..8 => 0,
            8..19 => self.0.u64(0..4),
            _ => self.0.u64(0..60),
        };
        now.after(Span::from_millis(millis))
    }

    fn command(&mut self) -> Command {
        if let Some(next) = self.1.next.pop() {
            return next;
        }
        let peer = self.peer();
        match self.0.u32(0..100) {
            0..12 => Command::Open {
                peer,
                expires_in: self.span(),
                session: self.0.bool().then(|| self.session()),
            },
            12..17 => self.restore(peer),
            17..21 => Command::KeepAlive { peer, expires_in: self.span() },
            21..26 => Command::Resume { peer, expires_in: self.span(), session: self.session() },
            26..29 => Command::Adopt { peer, expires_in: self.span(), session: self.session() },
            29..32 => Command::Disconnect { connection: self.connection() },
            32..35 => Command::Close { peer },
            35..64 => self.acquire_again(peer),
            64..68 => self.reserve(),
            68..70 => Command::Unreserve { name: self.name(), permit: Fence(self.0.u64(1..=30)) },
            70..72 => Command::Settle { peer, used: self.want() },
            72 => Command::BackOff {
                peer: self.0.bool().then_some(peer),
                name: self.name(),
                retry_after: self.span(),
            },
            73..80 => Command::Release { peer, names: self.names() },
            80..84 => Command::Cancel { peer },
            84..90 => Command::Leave { peer, name: self.name() },
            90..96 => Command::Operate(self.operation()),
            _ => Command::Expire,
        }
    }

    fn restore(&mut self, peer: PeerId) -> Command {
        let held = (!self.one_in(5)).then(|| self.want());
        let mut names: Vec<_> =
            held.iter().flat_map(Want::iter).map(|(name, _)| name.clone()).collect();
        if self.one_in(5) {
            names.push(self.name());
        }
        names.retain(|_| self.0.bool());
        let number = |dice: &mut Self| match dice.0.u32(0..20) {
            0 => *dice.0.choice(&[9_998, 9_999, 10_000, u32::MAX]).unwrap(),
            _ => dice.0.u32(0..=6),
        };
        let mut numbers = || (0..self.0.usize(0..=4)).map(|_| number(self)).collect::<Vec<_>>();
        let slots = Claims::new(names.into_iter().map(|name| (name, numbers())));
        let (expires_in, session) = (self.span(), self.0.bool().then(|| self.session()));
        let named: Vec<_> =
            held.iter().flat_map(Want::iter).map(|(name, _)| name.clone()).collect();
        let declared = if self.one_in(3) {
            named.into_iter().map(|name| self.semaphore(name)).collect()
        } else {
            [].into()
        };
        Command::Restore { peer, expires_in, session, held, slots, declared }
    }

    fn reserve(&mut self) -> Command {
        let name = self.name();
        Command::Reserve {
            count: if self.one_in(20) { self.0.i64(-1..=6) } else { self.0.i64(1..=2) },
            max_wait: self.one_in(3).then(|| self.span()),
            declared: self.one_in(4).then(|| Box::new(self.semaphore(name.clone()))),
            name,
        }
    }

    /// Often what the peer has asked for before, which joins a wait, or that and more, of which some may be held.
    fn acquire_again(&mut self, peer: PeerId) -> Command {
        let before = self.1.asked.get(&peer).cloned();
        let acquire = match (before, self.0.u32(0..6)) {
            (Some(before), 0..3) => before,
            (Some(before), 3) => self.and_more(peer, before),
            (_, _) => self.acquire(peer),
        };
        self.1.asked.insert(peer, acquire.clone());
        acquire
    }

    /// Now and then, what is held of it is given back next, and it is asked for again.
    fn and_more(&mut self, peer: PeerId, mut acquire: Command) -> Command {
        let more = SemaphoreName::new(self.0.choice(&NAMES).unwrap()).unwrap();
        if let Command::Acquire { want, .. } = &mut acquire {
            let before = want.iter().filter(|(name, _)| **name != more);
            let before = before.map(|(name, count)| (name.clone(), count));
            *want = Want::new(before.chain([(more.clone(), 1)]).collect::<Vec<_>>()).unwrap();
        }
        if self.one_in(2) {
            self.1.next = vec![acquire.clone(), Command::Release { peer, names: None }];
        }
        acquire
    }

    fn acquire(&mut self, peer: PeerId) -> Command {
        let want = self.want();
        let names: Vec<_> = want.iter().map(|(name, _)| name.clone()).collect();
        let declared = if self.one_in(3) {
            names.into_iter().map(|name| self.semaphore(name)).collect()
        } else {
            [].into()
        };
        Command::Acquire {
            peer,
            want,
            priority: Priority(if self.one_in(3) { self.0.i8(-2..=2) } else { 0 }),
            timeout: self.one_in(3).then(|| self.span()),
            max_wait: self.one_in(5).then(|| self.span()),
            expires_in: self.one_in(4).then(|| self.span()),
            declared,
        }
    }

    fn semaphore(&mut self, name: SemaphoreName) -> SemaphoreSettings {
        let rate = self.one_in(3).then(|| self.rate());
        let manners = if rate.is_none() { self.manners() } else { Manners::NONE };
        SemaphoreSettings { name, max: self.max(), level: self.level(), rate, manners }
    }

    fn manners(&mut self) -> Manners {
        let max_pending = self.one_in(4).then(|| self.0.u32(0..=3));
        let lock_delay = if self.one_in(3) { self.span() } else { Span::ZERO };
        let max_hold = self.one_in(3).then(|| Span::from_micros(self.0.u64(1..=30_000)));
        Manners { max_pending, max_hold, lock_delay, slots: self.one_in(3) }
    }

    fn rate(&mut self) -> Rate {
        let refill = Count::new(self.0.i64(1..=7)).unwrap();
        // No multiple of anything.
        let mut rate = Rate::new(refill, Span::from_micros(self.0.u64(1..=20_001))).unwrap();
        rate.max_reserved = if self.0.bool() { self.0.u32(0..=4) } else { 100 };
        rate
    }

    fn max(&mut self) -> Count {
        Count::new(self.0.i64(0..=4)).unwrap()
    }

    fn level(&mut self) -> Level {
        Level(self.0.i32(-1..=2))
    }

    fn peer(&mut self) -> PeerId {
        let number = self.0.u64(1..=3);
        if self.0.bool() { PeerId::Rest(number) } else { PeerId::Session(number) }
    }

    fn connection(&mut self) -> ConnectionId {
        ConnectionId(self.0.u64(1..=3))
    }

    fn session(&mut self) -> Session {
        let label = self.one_in(3).then(|| *self.0.choice(&["x", "y"]).unwrap());
        Session {
            connection: self.connection(),
            // Mostly the right one.
            key: Key::new(if self.one_in(4) { 2 } else { 1 }),
            label: label.map(|label| Label::new(label).unwrap()),
            on_disconnect: match self.one_in(3) {
                true => OnDisconnect::Release,
                false => OnDisconnect::Expire,
            },
        }
    }

    fn span(&mut self) -> Span {
        match self.0.u32(0..20) {
            0..2 => Span::ZERO,
            2 => Span::from_micros(u64::MAX),
            _ => Span::from_millis(self.0.u64(1..=20)),
        }
    }

    fn name(&mut self) -> SemaphoreName {
        let names = if self.one_in(4) { &KEYS } else { &NAMES };
        SemaphoreName::new(self.0.choice(names).unwrap()).unwrap()
    }

    fn names(&mut self) -> Option<Vec<SemaphoreName>> {
        (!self.one_in(3)).then(|| (0..self.0.usize(0..3)).map(|_| self.name()).collect())
    }

    fn want(&mut self) -> Want {
        let count = |dice: &mut Self| match dice.0.u32(0..30) {
            0 => *dice.0.choice(&[-1, 0, 5, 1 << 31, (1 << 31) + 1, i64::MIN, i64::MAX]).unwrap(),
            1..20 => 1,
            _ => dice.0.i64(1..=3),
        };
        if self.0.u32(0..10) < 6 {
            return Want::one(self.name(), count(self));
        }
        let mut names = [NAMES, KEYS].concat();
        self.0.shuffle(&mut names);
        names.truncate(self.0.usize(1..=3));
        let named = names.into_iter().map(|name| (SemaphoreName::new(name).unwrap(), count(self)));
        Want::new(named.collect::<Vec<_>>()).unwrap()
    }
}
