//! Each invariant is broken on purpose: a check that never fails would not be one.

use super::*;
use crate::engine::class::Waiting;
use crate::engine::revocations::Revocation;
use crate::engine::*;

type Breakage = fn(&mut Engine);

fn name(name: &str) -> SemaphoreName {
    SemaphoreName::new(name).unwrap()
}

/// Peer 1 holds 2 of `a` and all of `b`; 2 waits for `b` with a timeout; 3 waits for `b` behind it. 4 is bound.
fn engine() -> Engine {
    let max = |count| Count::new(count).unwrap();
    let semaphores = vec![
        SemaphoreSettings::semaphore(name("a"), max(3), Level(1)),
        SemaphoreSettings::semaphore(name("b"), max(1), Level(0)),
    ];
    let last_fence = Fence(0);
    let (limits, grants_from) = (Limits::default(), Time::from_micros(500));
    let mut engine = Engine::new(Settings { semaphores, limits, last_fence, grants_from });
    let now = Time::from_micros(1_000);
    for number in 1..=4 {
        let (peer, expires_in) = (PeerId::Rest(number), Span::from_secs(60));
        let session = (number == 4).then(|| Session {
            connection: ConnectionId(7),
            key: Key::new(1),
            label: None,
            on_disconnect: OnDisconnect::Expire,
        });
        let _ = engine.apply(now, &Command::Open { peer, expires_in, session });
    }
    let acquire = |peer, semaphore, count, timeout| Command::Acquire {
        peer: PeerId::Rest(peer),
        want: Want::one(name(semaphore), count),
        priority: Priority(0),
        timeout,
        max_wait: None,
        declared: [].into(),
        expires_in: None,
    };
    for command in [
        acquire(1, "a", 2, None),
        acquire(1, "b", 1, None),
        acquire(2, "b", 1, Some(Span::from_secs(5))),
        acquire(3, "b", 1, None),
    ] {
        assert!(engine.apply(now, &command).reply.is_ok());
    }
    engine
}

fn slot(engine: &Engine, peer: u64) -> Slot {
    engine.peers.find(PeerId::Rest(peer)).unwrap()
}

fn peer(engine: &mut Engine, id: u64) -> &mut Peer {
    let slot = slot(engine, id);
    engine.peers.get_mut(slot)
}

fn index(engine: &Engine, semaphore: &str) -> SemaphoreIndex {
    engine.semaphores.find(semaphore).unwrap()
}

#[test]
fn a_sound_engine_passes() {
    assert_eq!(engine().check(), Ok(()));
}

#[test]
fn while_it_is_too_early_for_grants_waiting_for_what_is_free_is_sound() {
    let mut engine = engine();
    let b = index(&engine, "b");
    let holder = peer(&mut engine, 1).holds.remove(1);
    engine.semaphores.get_mut(b).held = 0;
    engine.semaphores.get_mut(b).holders.remove(&holder.fence);
    assert_eq!(engine.check(), Err("peer 2 waits for what is free".to_owned()));
    engine.grants_from = Time::from_micros(1_001);
    assert_eq!(engine.check(), Ok(()));
}

#[test]
fn every_broken_invariant_is_found() {
    let breakages: [(&str, Breakage); 30] = [
        ("peer 9 is not found", |engine| peer(engine, 1).id = PeerId::Rest(9)),
        ("peer 1 holds two locks on one semaphore", |engine| {
            let hold = peer(engine, 1).holds[0];
            peer(engine, 1).holds.push(hold);
        }),
        ("peer 1 holds nothing of something", |engine| {
            peer(engine, 1).holds[0].count = Count::new(0).unwrap();
        }),
        ("peer 1 holds from the future", |engine| {
            peer(engine, 1).holds[0].since = Time::from_micros(1_001);
        }),
        ("peer 1 has a fence of the future", |engine| engine.last_fence = Fence(1)),
        ("a: holders and locks differ", |engine| peer(engine, 1).holds[0].fence = Fence(0)),
        ("b: holders and locks differ", |engine| {
            let (b, slot) = (index(engine, "b"), slot(engine, 2));
            engine.semaphores.get_mut(b).holders.insert(Fence(2), slot);
        }),
        ("3 tickets, not 2", |engine| engine.waiting += 1),
        ("peer 4 is bound and has no key", |engine| peer(engine, 4).owner = None),
        ("connections and peers differ", |engine| {
            engine.connections.add(ConnectionId(7), PeerId::Rest(1));
        }),
        ("connections and peers differ", |engine| {
            engine.connections.remove(ConnectionId(7), PeerId::Rest(4));
        }),
        ("peer 2 waits for what is free", |engine| {
            // And that what is free is not granted yet is no excuse any more.
            let (a, slot) = (index(engine, "a"), slot(engine, 2));
            let ticket = peer(engine, 2).ticket.as_mut().unwrap();
            ticket.parts[0].0 = a;
            let place = ticket.place();
            engine
                .semaphores
                .get_mut(a)
                .queue
                .add(place, Waiting::new(slot, Count::new(1).unwrap(), 1));
        }),
        ("a fence was given twice", |engine| peer(engine, 1).holds[1].fence = Fence(1)),
        ("peer 2 waits for nothing", |engine| {
            peer(engine, 2).ticket.as_mut().unwrap().parts.clear();
        }),
        ("peer 3 has a ticket of the future", |engine| engine.last_ticket = TicketId(1)),
        ("peer 1 waits for what it holds", |engine| {
            let ticket = peer(engine, 2).ticket.take();
            peer(engine, 1).ticket = ticket;
        }),
        ("peer 2 waits for what is free", |engine| {
            let b = index(engine, "b");
            engine.semaphores.get_mut(b).held = 0;
        }),
        ("a: 3 held, not 2", |engine| {
            let a = index(engine, "a");
            engine.semaphores.get_mut(a).held += 1;
        }),
        ("b: pending is not 2", |engine| {
            let b = index(engine, "b");
            engine.semaphores.get_mut(b).pending += 1;
        }),
        ("b: queue and tickets differ", |engine| {
            let (b, slot) = (index(engine, "b"), slot(engine, 1));
            let queue = &mut engine.semaphores.get_mut(b).queue;
            let waiting = Waiting::new(slot, Count::new(1).unwrap(), 1);
            queue.add(Place::new(Priority(-9), TicketId(99)), waiting);
        }),
        ("deadlines and peers differ", |engine| {
            engine.deadlines.add(Time::from_micros(7), Due::Peer(PeerId::Rest(9)));
        }),
        ("what is to be taken from peer 9 is gone", |engine| {
            let (id, until) = (PeerId::Rest(9), Time::from_micros(7));
            engine.revocations.add(id, None, Revocation { until, why: None });
            engine.deadlines.add(until, Due::Revocation(id, None));
        }),
        ("deadlines and peers differ", |engine| {
            let until = Time::from_micros(7);
            engine.revocations.add(
                PeerId::Rest(1),
                Some(Fence(1)),
                Revocation { until, why: None },
            );
        }),
        ("peer 2 waits and is to be taken away", |engine| {
            let revocation = Revocation { until: Time::from_micros(7), why: None };
            engine.revocations.add(PeerId::Rest(2), None, revocation);
        }),
        ("a lock of peer 1 is to be taken after the peer", |engine| {
            for target in [None, Some(Fence(1))] {
                let until = Time::from_micros(7);
                let revocation = Revocation { until, why: None };
                engine.revocations.add(PeerId::Rest(1), target, revocation);
                engine.deadlines.add(until, Due::Revocation(PeerId::Rest(1), target));
            }
        }),
        ("peer 2 was taken away and is there", |engine| {
            let slot = slot(engine, 2);
            let revoked = engine.peers.remove(slot);
            engine.remember(&revoked, None);
            engine.peers.add(revoked);
        }),
        ("too many are remembered who were taken away", |engine| {
            let slot = slot(engine, 4);
            engine.peers.unname(PeerId::Rest(4));
            let revoked = engine.peers.remove(slot);
            engine.remember(&revoked, None);
            engine.limits.max_peers = 0;
        }),
        ("those who were taken away are listed wrongly", |engine| {
            engine.revoked_peers.by_end.insert((Time::from_micros(7), PeerId::Rest(9)));
        }),
        ("peer 2 waits for what there can never be", |engine| {
            let b = index(engine, "b");
            engine.semaphores.get_mut(b).max = Count::new(0).unwrap();
        }),
        ("deadlines and peers differ", |engine| {
            peer(engine, 2).ticket.as_mut().unwrap().until = None;
        }),
    ];
    for (expected, break_it) in breakages {
        let mut engine = engine();
        break_it(&mut engine);
        assert_eq!(engine.check(), Err(expected.to_owned()));
    }
}
