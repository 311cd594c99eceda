//! Connections: batches in, and what is owed to each of them out, in the order in which the engine did it.

use super::*;
use crate::engine::{Effect, Key, Label, OnDisconnect, Refusal, Session};

const S1: PeerId = PeerId::Session(1);
const S2: PeerId = PeerId::Session(2);

fn session(line: &Line, key: u128) -> Session {
    Session {
        connection: line.connection(),
        key: Key::new(key),
        label: Label::new(&format!("worker {key}")).ok(),
        on_disconnect: OnDisconnect::Expire,
    }
}

/// The number of a session's peer is its key here, too.
fn open_on(line: &Line, peer: PeerId) -> Command {
    let session = Some(session(line, peer.number().into()));
    Command::Open { peer, expires_in: Span::from_secs(60), session }
}

fn acquire_by(peer: PeerId) -> Command {
    let Command::Acquire { want, priority, timeout, expires_in, .. } = acquire(0, None) else {
        unreachable!("that is what it makes")
    };
    Command::Acquire {
        peer,
        want,
        priority,
        timeout,
        max_wait: None,
        expires_in,
        declared: [].into(),
    }
}

/// Submits commands, with tags from 0 on.
async fn submit(line: &Line, commands: impl IntoIterator<Item = Command>) {
    let batch = (0..).map(Tag).zip(commands).collect();
    line.submit(batch).await.unwrap();
}

/// The next event, which must be a reply without a refusal.
async fn reply(events: &mut Events) -> (u64, Reply) {
    match events.recv().await {
        Some(Event::Reply { tag, reply: Ok(reply), .. }) => (tag.0, reply),
        other => panic!("{other:?} is no reply"),
    }
}

/// The next event, which must be an effect.
async fn effect(events: &mut Events) -> Effect {
    match events.recv().await {
        Some(Event::Effect(effect)) => effect,
        other => panic!("{other:?} is no effect"),
    }
}

/// Two connections. The peer of the first holds the lock.
async fn two(handle: &Handle) -> [(Line, Events); 2] {
    let [mut first, mut second] = [handle.connect(), handle.connect()];
    submit(&first.0, [open_on(&first.0, S1), acquire_by(S1)]).await;
    submit(&second.0, [open_on(&second.0, S2)]).await;
    assert_eq!(reply(&mut first.1).await, (0, Reply::Opened));
    assert!(matches!(reply(&mut first.1).await, (1, Reply::Held { .. })));
    assert_eq!(reply(&mut second.1).await, (0, Reply::Opened));
    [first, second]
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_in_its_order_and_nothing_is_said_twice() {
    let handle = spawn(Memory);
    let (line, mut events) = handle.connect();
    let release = Command::Release { peer: S1, names: None };
    let close = Command::Close { peer: S1 };
    let open = open_on(&line, S1);
    submit(&line, [acquire_by(S1), open, acquire_by(S1), release, close, acquire_by(S1)]).await;
    let unknown = |tag| Event::Reply {
        tag: Tag(tag),
        reply: Err(Refusal::UnknownPeer),
        blocked_by: Vec::new(),
    };
    assert_eq!(events.recv().await, Some(unknown(0)));
    assert_eq!(reply(&mut events).await, (1, Reply::Opened));
    assert!(matches!(reply(&mut events).await, (2, Reply::Held { locks }) if locks.len() == 1));
    assert_eq!(reply(&mut events).await, (3, Reply::Released { locks: 1 }));
    assert_eq!(reply(&mut events).await, (4, Reply::Closed));
    assert_eq!(events.try_recv(), Some(unknown(5)));
    assert_eq!(events.try_recv(), None);
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_another_connection_causes_arrives() {
    let handle = spawn(Memory);
    let [(first, mut of_first), (second, mut of_second)] = two(&handle).await;
    submit(&second, [acquire_by(S2)]).await;
    let queued = of_second.recv().await.unwrap();
    let Event::Reply { reply: Ok(Reply::Queued { ticket, position: 1, .. }), blocked_by, .. } =
        queued
    else {
        panic!("{queued:?}")
    };
    assert_eq!(blocked_by, [Label::new("worker 1").unwrap()]);

    submit(&first, [Command::Release { peer: S1, names: None }, acquire_by(S1)]).await;
    let Effect::Granted { peer, ticket: Some(granted), .. } = effect(&mut of_second).await else {
        panic!("no grant")
    };
    assert_eq!((peer, granted), (S2, ticket));
    assert_eq!(reply(&mut of_first).await, (0, Reply::Released { locks: 1 }));
    assert!(matches!(reply(&mut of_first).await, (1, Reply::Queued { position: 1, .. })));
    assert_eq!((of_first.try_recv(), of_second.try_recv()), (None, None));
}

/// A peer's wait that its own connection ends: first the end, then the answer, then what others get of it.
#[tokio::test(start_paused = true)]
async fn events_come_as_the_engine_did_them() {
    let handle = spawn(Memory);
    let (line, mut events) = handle.connect();
    let s3 = PeerId::Session(3);
    submit(&line, [S1, S2, s3].map(|peer| open_on(&line, peer))).await;
    submit(&line, [S1, S2, s3].map(acquire_by)).await;
    for _ in 0..6 {
        reply(&mut events).await;
    }
    let names = None;
    submit(&line, [Command::Close { peer: S2 }, Command::Release { peer: S1, names }]).await;
    let ended = effect(&mut events).await;
    assert!(
        matches!(ended, Effect::Ended { peer: S2, reason: EndReason::Closed, .. }),
        "{ended:?}"
    );
    assert_eq!(reply(&mut events).await, (0, Reply::Closed));
    assert_eq!(reply(&mut events).await, (1, Reply::Released { locks: 1 }));
    assert!(matches!(effect(&mut events).await, Effect::Granted { peer, .. } if peer == s3));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_line_disconnects_after_all_that_was_submitted() {
    let handle = spawn(Memory);
    let [(first, mut of_first), (second, mut of_second)] = two(&handle).await;
    submit(&second, [acquire_by(S2)]).await;
    reply(&mut of_second).await;
    submit(&first, [Command::Release { peer: S1, names: None }]).await;
    drop(first);
    assert!(matches!(effect(&mut of_second).await, Effect::Granted { .. }));
    // What was submitted is answered, and then there is nothing more to come.
    reply(&mut of_first).await;
    assert_eq!(of_first.recv().await, None);
    assert_eq!(handle.read(|engine| engine.connection_of(S1)).await, Ok(None));
    assert_eq!(handle.read(Engine::peer_count).await, Ok(2));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(handle.read(Engine::peer_count).await, Ok(1));
}

#[tokio::test]
async fn a_disconnect_needs_no_place_in_the_queue() {
    let gate = Arc::new(Gate::new(0));
    let handle = spawn(Gated(Arc::clone(&gate)));
    let (line, events) = handle.connect();
    line.submit(vec![(Tag(0), open_on(&line, S1))]).await.unwrap();
    // The store is stuck, and the queue gets full: nobody can submit anything any more.
    let blocked = loop {
        let expire = (0..100).map(|tag| (Tag(tag), Command::Expire)).collect();
        let mut submitting = Box::pin(line.submit(expire));
        tokio::select! {
            biased;
            submitted = &mut submitting => submitted.unwrap(),
            () = yield_now() => break true,
        }
    };
    assert!(blocked);
    drop((line, events));
    gate.add_permits(Gate::MAX_PERMITS);
    let connection = handle.read(|engine| (engine.peer_count(), engine.connection_of(S1))).await;
    assert_eq!(connection, Ok((1, None)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_lost_a_peer_is_told_and_cannot_touch_it() {
    let handle = spawn(Memory);
    let [(first, mut of_first), (second, mut of_second)] = two(&handle).await;
    let resume =
        Command::Resume { peer: S1, expires_in: Span::from_secs(60), session: session(&second, 1) };
    submit(&second, [resume]).await;
    assert!(
        matches!(reply(&mut of_second).await, (0, Reply::Bound { locks, .. }) if locks.len() == 1)
    );
    let connection = first.connection();
    assert_eq!(effect(&mut of_first).await, Effect::Superseded { peer: S1, connection });

    let late = [Command::Release { peer: S1, names: None }, Command::Close { peer: S1 }];
    submit(&first, late).await;
    for _ in 0..2 {
        let answer = of_first.recv().await;
        let refused = matches!(answer, Some(Event::Reply { reply: Err(Refusal::UnknownPeer), .. }));
        assert!(refused, "{answer:?}");
    }
    drop(first);
    let peer = handle.read(|engine| engine.peer(S1)).await.unwrap().unwrap();
    assert_eq!((peer.locks.len(), peer.pending), (1, None));
    assert_eq!(handle.read(|engine| engine.connection_of(S1)).await, Ok(Some(second.connection())));
}

/// Over REST it can be anybody, so the connection is told all of it.
#[tokio::test(start_paused = true)]
async fn what_happens_over_rest_to_an_adopted_peer_is_told() {
    let handle = held_by_1(Memory).await;
    let (line, mut events) = handle.connect();
    let peer = PeerId::Rest(2);
    let adopt =
        Command::Adopt { peer, expires_in: Span::from_secs(60), session: session(&line, 2) };
    submit(&line, [adopt]).await;
    reply(&mut events).await;
    let watched = handle.apply_and_watch(acquire(2, None)).await.unwrap().verdict.unwrap();
    let leave = |peer| Command::Release { peer: PeerId::Rest(peer), names: None };
    handle.apply(leave(1)).await.unwrap().unwrap();
    assert!(matches!(watched.await, Ok(Verdict::Granted { .. })));
    handle.apply(leave(2)).await.unwrap().unwrap();
    handle.apply(acquire(2, None)).await.unwrap().unwrap();
    handle.apply(Command::Close { peer }).await.unwrap().unwrap();
    assert!(matches!(effect(&mut events).await, Effect::Granted { ticket: Some(_), .. }));
    assert!(matches!(effect(&mut events).await, Effect::Released { .. }));
    assert!(matches!(effect(&mut events).await, Effect::Granted { ticket: None, .. }));
    let connection = line.connection();
    assert_eq!(effect(&mut events).await, Effect::Closed { peer, connection });
    assert_eq!(events.try_recv(), None);
}

#[tokio::test]
async fn events_leave_after_the_store_has_them() {
    let gate = Arc::new(Gate::new(0));
    let handle = spawn(Gated(Arc::clone(&gate)));
    let (line, mut events) = handle.connect();
    line.submit(vec![(Tag(0), open_on(&line, S1))]).await.unwrap();
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(events.try_recv(), None);
    gate.add_permits(9);
    assert_eq!(reply(&mut events).await, (0, Reply::Opened));
}

#[tokio::test]
async fn without_an_engine_a_connection_has_an_end() {
    let handle = spawn(Broken);
    let (line, mut events) = handle.connect();
    // It may still be taken: the engine ends with the batch.
    let _ = line.submit(vec![(Tag(0), open_on(&line, S1))]).await;
    assert_eq!(events.recv().await, None);
    assert_eq!(line.submit(vec![(Tag(1), Command::Expire)]).await, Err(EngineGone));
    let (_line, mut events) = handle.connect();
    assert_eq!(events.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_listen_costs_nothing() {
    let handle = spawn(Memory);
    let (line, events) = handle.connect();
    drop(events);
    submit(&line, [open_on(&line, S1), acquire_by(S1)]).await;
    let holders = handle.read(|engine| engine.holders("A").count()).await;
    assert_eq!(holders, Ok(1));
}
