//! A lease as programs see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::clock::Time;
use super::error::Error;
use super::lost::{Deadline, Lost, Notice};
use super::machine::{LeaseId, Told};
use super::peer::PeerHandle;
use super::want::Want;

/// A timer does not run while the machine sleeps, so the clock is looked at so often.
const GLANCE: Duration = Duration::from_secs(1);

/// Locks that are held together. They are given back when it is dropped; [`Lease::release`] also waits for that.
///
/// It can be lost, if the server or the network fails: see [`Lease::lost`].
#[derive(Debug)]
pub struct Lease {
    peer: Arc<PeerHandle>,
    id: LeaseId,
    /// It is lost, or going to be.
    told: Arc<Notify>,
}

impl Lease {
    pub(super) fn new(peer: Arc<PeerHandle>, id: LeaseId) -> Self {
        let told = Arc::new(Notify::new());
        let tell = Arc::clone(&told);
        peer.client.shared.quietly(|_, waiters, _| waiters.told.insert(id, tell));
        Self { peer, id, told }
    }

    /// What it has of each semaphore, and has taken of each bucket.
    pub fn counts(&self) -> BTreeMap<String, u32> {
        self.peer.client.shared.quietly(|machine, _, _| {
            let locks = machine.locks(self.id).into_iter().flatten();
            locks.map(|(name, lock)| (name.clone(), lock.count)).collect()
        })
    }

    /// The number of the grant of one semaphore's lock, `None` for one that the lease does not have. Numbers only grow,
    /// over all semaphores: a resource that remembers the largest it has seen can refuse whoever comes with a smaller
    /// one.
    ///
    /// After the server has lost its memory and taken the client's word for the lock, the number is a new one, which
    /// is larger.
    pub fn fence(&self, semaphore: &str) -> Option<u64> {
        self.peer
            .client
            .shared
            .quietly(|machine, _, _| machine.locks(self.id)?.get(semaphore).map(|lock| lock.fence))
    }

    /// The fence of each semaphore's lock, as [`Lease::fence`].
    pub fn fences(&self) -> BTreeMap<String, u64> {
        self.peer.client.shared.quietly(|machine, _, _| {
            let locks = machine.locks(self.id).into_iter().flatten();
            locks.map(|(name, lock)| (name.clone(), lock.fence)).collect()
        })
    }

    /// Which ones it has of each semaphore, by their numbers: where they are not all alike, such as devices, and the
    /// server's configuration says `slots = true`. As many as it has of it, in ascending order, from 0 on; nobody else
    /// has any of them meanwhile. What has no numbers is left out.
    ///
    /// They stay as they are, unless the server has lost its memory and somebody with one of them has come before.
    pub fn slots(&self) -> BTreeMap<String, Vec<u32>> {
        self.peer.client.shared.quietly(|machine, _, _| {
            let locks = machine.locks(self.id).into_iter().flatten();
            let numbered = locks.filter(|(_, lock)| !lock.slots.is_empty());
            numbered.map(|(name, lock)| (name.clone(), lock.slots.clone())).collect()
        })
    }

    /// Resolves when the locks must not be used any more, and says why. That is a margin before the server may give
    /// them to others (see [`Builder::margin`](super::Builder::margin)), or at once when the server says so.
    ///
    /// A lease that is lost stays lost; what the server may still hold of it is given back.
    ///
    /// ```no_run
    /// # async fn work() {}
    /// # async fn example(lease: throttle::client::Lease) {
    /// tokio::select! {
    ///     () = work() => println!("done"),
    ///     lost = lease.lost() => eprintln!("stopped in the middle: {lost}"),
    /// }
    /// # }
    /// ```
    pub async fn lost(&self) -> Lost {
        loop {
            let told = self.told.notified();
            if let Some(lost) = self.lost_already() {
                return lost;
            }
            let nap = self.lost_at().remaining().clamp(Duration::from_millis(1), GLANCE);
            // Whether it was told or the time has come, the next look shows.
            let _ = timeout(nap, told).await;
        }
    }

    /// Resolves when an operator is going to take the locks away, and says until when they may be used: they are lost
    /// then, unless they are given back before. What is `known` already is not told again; another notice names a sooner
    /// moment. Locks may be taken away without any.
    pub async fn noticed(&self, known: Option<&Notice>) -> Notice {
        loop {
            let told = self.told.notified();
            let notice = self.peer.client.shared.quietly(|machine, _, _| machine.notice(self.id));
            match notice.filter(|notice| Some(notice) != known) {
                Some(notice) => return notice,
                None => told.await,
            }
        }
    }

    /// Whether the locks must not be used any more. It looks at the clock, so it is right even if the program was held
    /// up, or the machine asleep, and nobody has noticed yet.
    pub fn is_lost(&self) -> bool {
        self.lost_already().is_some()
    }

    /// Why it is lost, if it is: what [`Lease::lost`] would resolve to at once. As [`Lease::is_lost`], it looks at the
    /// clock.
    pub fn lost_already(&self) -> Option<Lost> {
        self.peer.client.shared.quietly(|machine, _, now| machine.lost(self.id, now))
    }

    /// From when on the server may give the locks to others, as far as is known now. As long as the server answers, it
    /// moves on.
    pub fn deadline(&self) -> Deadline {
        Deadline(self.deadlines().1)
    }

    /// When the lease is lost unless the server is heard before: the margin before [`Lease::deadline`].
    pub fn lost_at(&self) -> Deadline {
        Deadline(self.deadlines().0)
    }

    /// Corrects what it has taken of buckets to what was really used, more or less, 0 included: `("api", 7)`. It may be
    /// said again, with another number. What has been said is told to the server, over as many connections as it takes,
    /// even if nobody waits for the answer.
    ///
    /// ```no_run
    /// # async fn example(peer: throttle::client::Peer) -> Result<(), throttle::client::Error> {
    /// let lease = peer.acquire([("gpu", 1), ("api", 5)]).await?;
    /// lease.settle(("api", 7)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotHeld`] for what the lease does not have, or the server no longer; [`Error::NotABucket`] for a
    /// semaphore; [`Error::Lost`] when the lease is lost. [`Error::Disconnected`] when the server was not reached until
    /// it forgets what was taken by itself; [`Error::Ended`] and [`Error::Closed`] when the client has ended.
    pub async fn settle(&self, used: impl Into<Want>) -> Result<(), Error> {
        self.report(Told::Used(used.into())).await
    }

    /// Says that the resource behind a bucket has refused whoever has this lease: the bucket gives nothing to anybody
    /// for so long. Of several times the longest counts.
    ///
    /// # Errors
    /// As [`Lease::settle`].
    pub async fn throttled(
        &self,
        bucket: impl Into<String>,
        retry_after: Duration,
    ) -> Result<(), Error> {
        self.report(Told::Throttled { name: bucket.into(), retry_after }).await
    }

    async fn report(&self, told: Told) -> Result<(), Error> {
        let (reported, result) = oneshot::channel();
        self.peer.client.shared.act(|machine, waiters, now| {
            let report = machine.report(now, self.id, told)?;
            waiters.reported.insert(report, reported);
            Ok::<_, Error>(())
        })?;
        result.await.unwrap_or(Err(Error::Ended))
    }

    /// Gives the locks back, and waits until the server has confirmed it, over as many connections as it takes.
    ///
    /// # Errors
    /// [`Error::Lost`] when the lease was lost before: then what it was to protect was not protected until the end.
    /// [`Error::Disconnected`] when the server was not reached until it gives the locks back by itself. The locks are
    /// given back in any case.
    pub async fn release(self) -> Result<(), Error> {
        let (released, result) = oneshot::channel();
        let (id, peer) = (self.id, Arc::clone(&self.peer));
        peer.client.shared.quietly(|_, waiters, _| waiters.released.insert(id, released));
        drop(self);
        result.await.unwrap_or(Err(Error::Ended))
    }

    /// Nobody has used what was taken.
    pub(super) fn release_unused(self) {
        self.peer.client.shared.act(|machine, _, now| machine.release_unused(self.id, now));
    }

    /// The public name of the peer that holds it.
    pub fn peer_id(&self) -> String {
        let number = self.peer.number;
        let shared = &self.peer.client.shared;
        shared.quietly(|machine, _, _| machine.peer_id(number).unwrap_or_default().to_owned())
    }

    /// A lease of which nothing is known is over.
    fn deadlines(&self) -> (Time, Time) {
        let shared = &self.peer.client.shared;
        shared.quietly(|machine, _, _| machine.deadlines(self.id)).unwrap_or_default()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.peer.client.shared.act(|machine, waiters, now| {
            waiters.told.remove(&self.id);
            machine.release(self.id, now);
        });
    }
}
