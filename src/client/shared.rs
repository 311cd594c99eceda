//! What the handles of a client and its task have in common: the machine, and who waits for what. Handles call the
//! machine themselves, so that what is dropped is given back at that moment; the task sends and listens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot, watch};

use super::clock::{self, Time};
use super::error::Error;
use super::machine::{AcquireId, Event, Gone, LeaseId, Machine, Progress, ReportId};
use super::wire::PeerNumber;

/// What the handles of a client and its task have in common.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// There may be something to send.
    wake: Notify,
    /// Whether the task has ended.
    done: watch::Sender<bool>,
    /// Names of which the server has said that they are buckets.
    buckets: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
struct State {
    machine: Machine,
    waiters: Waiters,
}

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    pub(super) welcome: Option<oneshot::Sender<Result<(), Error>>>,
    pub(super) opened: BTreeMap<PeerNumber, oneshot::Sender<Result<(), Error>>>,
    pub(super) acquired: BTreeMap<AcquireId, Acquiring>,
    pub(super) released: BTreeMap<LeaseId, oneshot::Sender<Result<(), Error>>>,
    pub(super) reported: BTreeMap<ReportId, oneshot::Sender<Result<(), Error>>>,
    /// Whoever wants to know that a lease is lost, or going to be.
    pub(super) told: BTreeMap<LeaseId, Arc<Notify>>,
}

/// Whoever waits for a lease.
#[derive(Debug)]
pub(super) struct Acquiring {
    pub(super) done: oneshot::Sender<Result<LeaseId, Error>>,
    pub(super) progress: watch::Sender<Option<Progress>>,
}

impl Shared {
    pub(super) fn new(machine: Machine) -> Self {
        let state = Mutex::new(State { machine, waiters: Waiters::default() });
        Self {
            state,
            wake: Notify::new(),
            done: watch::Sender::new(false),
            buckets: Mutex::default(),
        }
    }

    /// Whether the server has said that a name is a bucket.
    pub(super) fn is_bucket(&self, name: &str) -> bool {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// The server has said that a name is a bucket.
    pub(super) fn note_bucket(&self, name: &str) {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// Does something with the machine, tells those who wait what happened, and has the task look at it.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Machine, &mut Waiters, Time) -> T) -> T {
        let result = self.quietly(act);
        self.wake.notify_one();
        result
    }

    /// As [`Shared::act`], where the task need not look.
    pub(super) fn quietly<T>(&self, act: impl FnOnce(&mut Machine, &mut Waiters, Time) -> T) -> T {
        // Nobody panics while holding the lock. If somebody did, the machine would still be what it is.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { machine, waiters } = &mut *state;
        let result = act(machine, waiters, clock::now());
        waiters.tell(machine);
        result
    }

    /// Resolves when there may be something to send.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// There is no connection any more, or none could be made.
    pub(super) fn disconnected(&self, gone: Gone) {
        self.quietly(|machine, waiters, now| {
            let first = waiters.welcome.is_some();
            machine.disconnected(now, gone, dice());
            // Whoever connects for the first time wants to know, and does not wait for a better moment.
            if first && machine.over().is_none() {
                let error = machine.disconnected_error();
                machine.close(now);
                waiters.welcome.take().map(|welcome| welcome.send(Err(error)));
            }
        });
    }

    /// The task has ended.
    pub(super) fn set_done(&self) {
        self.done.send_replace(true);
    }

    /// Resolves when the task has ended.
    pub(super) async fn done(&self) {
        // The sender lives as long as this.
        let _ = self.done.subscribe().wait_for(|done| *done).await;
    }
}

impl Waiters {
    /// Whoever has ceased to wait has given back what it would have got, or is about to.
    fn tell(&mut self, machine: &mut Machine) {
        if machine.is_welcome() {
            self.welcome.take().map(|welcome| welcome.send(Ok(())));
        } else if let Some(error) = machine.over() {
            self.welcome.take().map(|welcome| welcome.send(Err(error)));
        }
        while let Some(event) = machine.pop_event() {
            match event {
                Event::Opened { peer, result } => {
                    self.opened.remove(&peer).map(|opened| opened.send(result));
                }
                Event::Acquired { acquire, result } => {
                    self.acquired.remove(&acquire).map(|waiter| waiter.done.send(result));
                }
                Event::Progress { acquire, progress } => {
                    if let Some(waiter) = self.acquired.get(&acquire) {
                        waiter.progress.send_replace(Some(progress));
                    }
                }
                Event::Lost { lease } | Event::Noticed { lease } => {
                    if let Some(told) = self.told.get(&lease) {
                        told.notify_waiters();
                    }
                }
                Event::Released { lease, result } => {
                    self.released.remove(&lease).map(|released| released.send(result));
                }
                Event::Reported { report, result } => {
                    self.reported.remove(&report).map(|reported| reported.send(result));
                }
            }
        }
    }
}

/// A random number from 0 to 1. Without random numbers all come at once, which is no reason to fail.
fn dice() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}
