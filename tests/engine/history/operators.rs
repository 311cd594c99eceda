//! What operators do.

use throttle::engine::{Label, MannersWish, Operation, RateWish, SemaphoreName, Span, Wish};

use super::{Dice, NAMES, PATTERNS};

impl Dice {
    pub(super) fn operation(&mut self) -> Operation {
        let name = self.name();
        match self.0.u32(0..11) {
            0..2 => Operation::Create(self.semaphore(name)),
            2..6 => Operation::Change { name, wish: self.wish() },
            6 => Operation::Delete { name, force: self.0.bool(), why: self.why() },
            7 => self.configure(name),
            8..10 => Operation::Revoke {
                peer: self.peer(),
                name: (!self.one_in(3)).then_some(name),
                grace: self.grace(),
                why: self.why(),
            },
            _ => Operation::Free { name, grace: self.grace(), why: self.why() },
        }
    }

    /// Mostly of what both semaphores and buckets have, or it would be refused.
    fn wish(&mut self) -> Wish {
        let mut wish = Wish {
            max: self.0.bool().then(|| self.max()),
            paused: self.one_in(3).then(|| self.one_in(3)),
            ..Wish::default()
        };
        if self.one_in(3) {
            let manners = self.manners();
            wish.level = self.0.bool().then(|| self.level());
            wish.manners = MannersWish {
                max_pending: self.one_in(3).then_some(manners.max_pending),
                max_hold: self.one_in(3).then_some(manners.max_hold),
                lock_delay: self.one_in(3).then_some(manners.lock_delay),
                slots: self.one_in(3).then_some(manners.slots),
            };
        } else if self.one_in(3) {
            let rate = self.rate();
            let (refill, every) = (self.0.bool(), self.0.bool());
            let (refill, every) = (refill.then(|| rate.refill()), every.then(|| rate.every()));
            wish.rate = RateWish::new(refill, every).unwrap();
            wish.rate.capacity = self.one_in(3).then(|| self.max());
            wish.rate.slop = self.one_in(3).then(|| self.0.bool().then(|| self.span()));
            wish.rate.max_reserved = self.one_in(3).then(|| self.0.u32(0..=4));
        }
        wish
    }

    /// What is to be removed is none of what is to be there, as in a file.
    fn configure(&mut self, name: SemaphoreName) -> Operation {
        let names = NAMES.iter().chain(&PATTERNS);
        let mut names: Vec<_> = names.map(|name| SemaphoreName::new(name).unwrap()).collect();
        self.0.shuffle(&mut names);
        names.truncate(self.0.usize(0..3));
        names.retain(|it| *it != name);
        let remove = if self.0.bool() { vec![name] } else { vec![] };
        Operation::Configure {
            set: names.into_iter().map(|name| self.semaphore(name)).collect(),
            remove,
        }
    }

    fn grace(&mut self) -> Span {
        if self.0.bool() { Span::ZERO } else { self.span() }
    }

    fn why(&mut self) -> Option<Label> {
        self.one_in(3).then(|| Label::new("why").unwrap())
    }
}
