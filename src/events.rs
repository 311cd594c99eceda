//! What operators want to read in the log of leases: locks that expired or were taken away, locks that clients brought
//! back, a limit that is reached.
//!
//! The engine's task must not wait for whoever reads the log. So it only notes, and another task writes. When that one
//! falls behind, events are left out, and how many is written in their place.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::engine::{Effect, Lock, Outcome, PeerId, Refusal, ReleaseReason, Span};
use crate::runtime::Observer;

/// Events that wait to be written.
const QUEUE_EVENTS: usize = 1_024;

/// A limit that is reached is written once in this time, however many run into it.
const LIMIT_PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Expired { peer: PeerId, lock: Lock, held: Span },
    Revoked { peer: PeerId, lock: Lock, held: Span },
    Restored { peer: PeerId, lock: Lock },
    TooManyPeers { max: usize },
}

/// Notes events.
pub(crate) struct Events {
    queue: mpsc::Sender<Event>,
    left_out: Arc<AtomicU64>,
}

/// Who notes events, and what writes them until nobody notes any more.
pub(crate) fn events() -> (Events, impl Future<Output = ()> + Send) {
    let (sender, receiver) = mpsc::channel(QUEUE_EVENTS);
    let left_out = Arc::new(AtomicU64::new(0));
    (Events { queue: sender, left_out: Arc::clone(&left_out) }, write(receiver, left_out))
}

impl Events {
    fn note(&self, event: Event) {
        if self.queue.try_send(event).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Observer for Events {
    fn observe(&mut self, outcome: &Outcome) {
        if let Err(Refusal::TooManyPeers { max }) = outcome.reply {
            self.note(Event::TooManyPeers { max });
        }
        for effect in &outcome.effects {
            match effect {
                Effect::Released { peer, lock, held, reason: ReleaseReason::Expired, .. } => {
                    self.note(Event::Expired { peer: *peer, lock: lock.clone(), held: *held });
                }
                Effect::Released { peer, lock, held, reason: ReleaseReason::Revoked, .. } => {
                    self.note(Event::Revoked { peer: *peer, lock: lock.clone(), held: *held });
                }
                Effect::Restored { peer, lock } => {
                    self.note(Event::Restored { peer: *peer, lock: lock.clone() });
                }
                Effect::Released { .. }
                | Effect::Granted { .. }
                | Effect::Ended { .. }
                | Effect::Expired { .. }
                | Effect::Closed { .. }
                | Effect::Yield { .. }
                | Effect::Revoked { .. }
                | Effect::Superseded { .. } => {}
            }
        }
    }
}

async fn write(mut queue: mpsc::Receiver<Event>, left_out: Arc<AtomicU64>) {
    let mut quiet_until = Instant::now();
    while let Some(event) = queue.recv().await {
        match event {
            Event::Expired { peer, lock: Lock { name, count, fence, .. }, held } => {
                tracing::info!(%peer, semaphore = name.as_str(), %count, %fence, %held, "a lock expired");
            }
            Event::Revoked { peer, lock: Lock { name, count, fence, .. }, held } => {
                tracing::info!(%peer, semaphore = name.as_str(), %count, %fence, %held, "a lock was taken away");
            }
            Event::Restored { peer, lock: Lock { name, count, fence, .. } } => {
                tracing::info!(%peer, semaphore = name.as_str(), %count, %fence, "a lock was brought back");
            }
            Event::TooManyPeers { max } if Instant::now() >= quiet_until => {
                quiet_until = Instant::now() + LIMIT_PAUSE;
                tracing::warn!(max, "no more peers are let in: the limit is reached");
            }
            Event::TooManyPeers { .. } => {}
        }
        let left_out = left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            tracing::warn!(left_out, "there were more events than could be logged");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Count, Fence, Reply, SemaphoreName, Time};

    fn lock() -> Lock {
        let (name, count) = (SemaphoreName::new("A").unwrap(), Count::new(1).unwrap());
        Lock { name, count, fence: Fence(7), since: Time::default(), slots: Box::default() }
    }

    fn released(reason: ReleaseReason) -> Effect {
        let (peer, held, connection) = (PeerId::Rest(1), Span::from_secs(5), None);
        Effect::Released { peer, lock: lock(), held, reason, connection }
    }

    #[test]
    fn what_went_wrong_is_noted_and_what_went_well_is_not() {
        let (sender, mut receiver) = mpsc::channel(8);
        let mut events = Events { queue: sender, left_out: Arc::default() };
        let effects = vec![
            released(ReleaseReason::Released),
            released(ReleaseReason::Expired),
            released(ReleaseReason::Closed),
            released(ReleaseReason::Revoked),
            Effect::Restored { peer: PeerId::Rest(2), lock: lock() },
        ];
        events.observe(&Outcome { reply: Ok(Reply::Opened), effects, before_reply: 0 });
        let refused = Err(Refusal::TooManyPeers { max: 3 });
        events.observe(&Outcome { reply: refused, effects: Vec::new(), before_reply: 0 });
        let (held, peer) = (Span::from_secs(5), PeerId::Rest(1));
        assert_eq!(receiver.try_recv(), Ok(Event::Expired { peer, lock: lock(), held }));
        assert_eq!(receiver.try_recv(), Ok(Event::Revoked { peer, lock: lock(), held }));
        assert_eq!(
            receiver.try_recv(),
            Ok(Event::Restored { peer: PeerId::Rest(2), lock: lock() })
        );
        assert_eq!(receiver.try_recv(), Ok(Event::TooManyPeers { max: 3 }));
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn a_log_that_is_too_slow_holds_nobody_up() {
        let (mut events, _writer) = events();
        let effects = (0..QUEUE_EVENTS + 5).map(|_| released(ReleaseReason::Expired)).collect();
        events.observe(&Outcome { reply: Ok(Reply::Opened), effects, before_reply: 0 });
        assert_eq!(events.left_out.load(Ordering::Relaxed), 5);
    }
}
