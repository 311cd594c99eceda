//! The end of the server, as those see it who must hurry up because of it. It says when; it stops nobody itself.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker};

use tokio::sync::watch;

/// How far the server is on its way to the end. It only goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    Draining,
    Over,
}

/// Starts the end. When it is dropped, everything is over.
#[derive(Debug)]
pub struct Switch(watch::Sender<Phase>);

/// Tells when the end has come. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Phase>);

/// A server that runs, and the switch which ends it.
pub fn switch() -> (Switch, Shutdown) {
    let (sender, receiver) = watch::channel(Phase::Running);
    (Switch(sender), Shutdown(receiver))
}

impl Switch {
    /// Nothing new is begun from now on, and who waits for something is sent away with a proper answer.
    pub fn drain(&self) {
        self.0.send_replace(Phase::Draining);
    }

    /// Whatever is still open is cut.
    pub fn over(&self) {
        self.0.send_replace(Phase::Over);
    }
}

impl Shutdown {
    /// Returns when the server is draining, at once when it is already.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Returns when the time to drain is over.
    pub async fn over(&self) {
        self.reached(Phase::Over).await;
    }

    /// Most who wait for this do other things meanwhile, and ask whenever something happens. Then it must not cost them
    /// the lock that all of them share: who is already waiting only has a look at whether anything has changed.
    async fn reached(&self, phase: Phase) {
        let (seen, mut receiver) = (&self.0, self.0.clone());
        let mut reached = pin!(receiver.wait_for(|now| *now >= phase));
        let mut waiting: Option<Waker> = None;
        poll_fn(|cx| {
            let waits = waiting.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
            if waits && matches!(seen.has_changed(), Ok(false)) {
                return Poll::Pending;
            }
            waiting = Some(cx.waker().clone());
            // An error says that the switch is gone: then everything is over.
            reached.as_mut().poll(cx).map(drop)
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn phases_are_reached_one_after_the_other_and_for_good() {
        let (switch, shutdown) = switch();
        assert_eq!(shutdown.draining().now_or_never(), None);
        switch.drain();
        assert_eq!(shutdown.draining().now_or_never(), Some(()));
        assert_eq!(shutdown.over().now_or_never(), None);
        switch.over();
        assert_eq!(shutdown.draining().now_or_never(), Some(()));
        assert_eq!(shutdown.over().now_or_never(), Some(()));
    }

    #[test]
    fn a_dropped_switch_is_the_end() {
        let (switch, shutdown) = switch();
        drop(switch);
        assert_eq!(shutdown.over().now_or_never(), Some(()));
    }
}
