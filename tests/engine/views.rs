//! What can be seen of an engine without changing it.

use std::collections::BTreeSet;

use throttle::engine::{
    Command, ConnectionId, Engine, Fence, Label, Life, Lock, PeerCursor, PeerId, SemaphoreView,
    Span, Time, Wait,
};

use crate::language::{parse_command, parse_settings};

fn engine(commands: &[&str]) -> Engine {
    let settings = "semaphores A=2 B=1@1 last_fence=10";
    let mut engine = Engine::new(parse_settings(settings).unwrap());
    for command in commands {
        let command = parse_command(command).unwrap();
        assert!(engine.apply(Time::from_micros(7), &command).reply.is_ok(), "{command:?}");
    }
    engine
}

#[test]
fn a_semaphore_is_seen_in_numbers() {
    let mut engine = engine(&["open 1 1m", "open 2 1m", "acquire 1 A=2", "acquire 2 A=1"]);
    let view = engine.semaphore("A").unwrap();
    assert_eq!((view.name.as_str(), view.max.get(), view.level.0), ("A", 2, 0));
    assert_eq!((view.held, view.pending, view.waiters), (2, 1, 1));
    assert_eq!((view.remainder(), view.waiting_since), (0, Some(Time::from_micros(7))));
    let restore = parse_command("restore 3 1m A=2 B=1").unwrap();
    engine.apply(Time::from_micros(8), &restore).reply.unwrap();
    assert_eq!(engine.semaphore("A").unwrap().remainder(), -2);
    assert_eq!(engine.semaphore("C"), None);
    let names: Vec<_> = engine.semaphores().map(|view| view.name.to_string()).collect();
    assert_eq!(names, ["A", "B"]);
    assert_eq!((engine.now(), engine.last_fence()), (Time::from_micros(8), Fence(13)));
}

#[test]
fn semaphores_are_seen_page_by_page() {
    let settings = "semaphores A=2 B/*=1 C=1 D=1 a/*/b=1 z=1 last_fence=10";
    let engine = Engine::new(parse_settings(settings).unwrap());
    let all: Vec<_> = engine.semaphores().collect();
    assert_eq!(all.len(), 6);
    for limit in 1..8 {
        let (mut seen, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let after = seen.last().map(|view: &SemaphoreView| view.name.clone());
            let page = engine.semaphores_after(after.as_ref(), limit);
            sizes.push(page.len());
            seen.extend(page);
            if sizes.last() < Some(&limit) {
                break;
            }
        }
        assert_eq!(seen, all, "{limit}");
        assert_eq!(sizes.len(), all.len() / limit + 1, "{sizes:?}");
    }
}

#[test]
fn a_peer_is_seen_with_all_that_it_has() {
    let engine = engine(&["open 1 1m", "open 2 2m", "acquire 1 B=1", "acquire 2 B=1 timeout 5s"]);
    let holder = engine.peer(PeerId::Rest(1)).unwrap();
    assert_eq!(holder.life, Life::Until(Time::from_micros(60_000_007)));
    assert_eq!((holder.expires_in, holder.pending), (Span::from_secs(60), None));
    assert_eq!((holder.locks.len(), holder.locks[0].fence), (1, Fence(11)));
    let waiter = engine.peer(PeerId::Rest(2)).unwrap().pending.unwrap();
    assert_eq!(waiter.want.len(), 1);
    let wait = Wait { ticket: waiter.ticket, position: 1, eta: None };
    assert_eq!(engine.wait_of(PeerId::Rest(2)), Some(wait));
    assert_eq!(engine.wait_of(PeerId::Rest(1)), None);
    assert_eq!(waiter.until, Some(Time::from_micros(5_000_007)));
    assert_eq!(engine.peer(PeerId::Rest(3)), None);
}

#[test]
fn those_who_hold_are_seen_in_the_order_of_the_grants() {
    let engine = engine(&[
        "open s1 1m connection 7 label x",
        "open 2 1m",
        "open 3 1m",
        "acquire 2 B=1",
        "acquire 2 A=1",
        "acquire s1 A=1",
        "acquire 3 A=1 B=1",
    ]);
    let seen = |holders: &mut dyn Iterator<Item = (PeerId, Option<Label>, Lock)>| {
        let holder = |(peer, label, lock): (PeerId, Option<Label>, Lock)| {
            let label = label.map(|label| label.to_string()).unwrap_or_default();
            format!("{peer} {label} {}#{}", lock.name, lock.fence)
        };
        holders.map(holder).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(seen(&mut engine.holders("A")), "2  A#12, s1 x A#13");
    assert_eq!(seen(&mut engine.holders("C")), "");
    assert_eq!(seen(&mut engine.blocking(PeerId::Rest(3))), "2  A#12, s1 x A#13, 2  B#11");
    assert_eq!(seen(&mut engine.blocking(PeerId::Rest(2))), "");
    assert_eq!(engine.connection_of(PeerId::Session(1)), Some(ConnectionId(7)));
    assert_eq!(engine.connection_of(PeerId::Rest(1)), None);
    assert_eq!(engine.connection_of(PeerId::Rest(2)), None);
    let label = engine.peer(PeerId::Session(1)).unwrap().label;
    assert_eq!(label.as_ref().map(Label::as_str), Some("x"));
}

/// However long the pages are, everybody is seen once, and the walk ends.
#[test]
fn a_walk_over_all_pages_sees_each_peer_once() {
    let mut engine = engine(&[]);
    for peer in 0..10 {
        let open = Command::Open {
            peer: PeerId::Rest(peer),
            expires_in: Span::from_secs(60 + peer % 2),
            session: None,
        };
        engine.apply(Time::default(), &open).reply.unwrap();
    }
    engine.apply(Time::from_micros(60_500_000), &Command::Expire).reply.unwrap();
    for limit in [1, 2, 3, 10, 1_000, usize::MAX] {
        let (mut seen, mut pages, mut from) = (Vec::new(), 0, Some(PeerCursor::default()));
        while let Some(cursor) = from {
            let (page, next) = engine.peers(cursor, limit);
            assert!(page.len() <= limit && pages < 100, "pages of {limit} do not end");
            seen.extend(page.into_iter().map(|peer| peer.id.number()));
            (pages, from) = (pages + 1, next);
        }
        assert_eq!(BTreeSet::from_iter(seen.iter().copied()), [1, 3, 5, 7, 9].into());
        assert_eq!(seen.len(), 5);
        assert_eq!(pages == 1, limit >= 1_000, "{pages} pages of {limit}");
    }
}

#[test]
fn times_and_lengths_can_be_told() {
    assert_eq!(Time::from_micros(1_500).as_micros(), 1_500);
    assert_eq!(Time::from_micros(1_500).to_string(), "1500us");
    assert_eq!(Span::from_millis(1_500).as_micros(), 1_500_000);
    assert!((Span::from_millis(1_500).as_secs_f64() - 1.5).abs() < 1e-9);
}
