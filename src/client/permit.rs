//! A permit as programs see it: a lease that cannot be lost.

use std::time::Duration;

use super::error::Error;
use super::lease::Lease;

/// Tokens that were taken from a bucket. They come back with time, and not by being released: to release a permit, or
/// to drop it, ends what can be told about it.
///
/// It is never lost, whatever becomes of the connection: nobody else can get what was taken. When the server has
/// forgotten it meanwhile, after an outage of `expires_in` or because of an operator, only [`Permit::settle`] and
/// [`Permit::throttled`] fail.
#[derive(Debug)]
pub struct Permit {
    bucket: String,
    lease: Lease,
}

impl Permit {
    pub(super) const fn new(bucket: String, lease: Lease) -> Self {
        Self { bucket, lease }
    }

    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// How many tokens were taken; after [`Permit::settle`], how many were used.
    pub fn count(&self) -> u32 {
        self.lease.counts().into_values().sum()
    }

    /// Corrects what was taken to what was really used, more or less, 0 included. It may be said again, with another
    /// number. It is told to the server, over as many connections as it takes, even if nobody waits for the answer.
    ///
    /// # Errors
    /// [`Error::NotHeld`] when the server has forgotten the permit; [`Error::Disconnected`] when it was not reached
    /// until it does so by itself; [`Error::Ended`] and [`Error::Closed`] when the client has ended.
    pub async fn settle(&self, used: u32) -> Result<(), Error> {
        self.lease.settle((self.bucket.as_str(), used)).await
    }

    /// Says that the resource behind the bucket has refused whoever has this permit: the bucket gives nothing to
    /// anybody for so long. Of several times the longest counts.
    ///
    /// # Errors
    /// As [`Permit::settle`].
    pub async fn throttled(&self, retry_after: Duration) -> Result<(), Error> {
        self.lease.throttled(self.bucket.as_str(), retry_after).await
    }

    /// Nobody has used it.
    pub(super) fn release_unused(self) {
        self.lease.release_unused();
    }

    /// Ends the permit, and waits until the server has confirmed it.
    ///
    /// # Errors
    /// [`Error::Disconnected`] when the server was not reached until it ends the permit by itself; [`Error::Ended`] and
    /// [`Error::Closed`] when the client has ended.
    pub async fn release(self) -> Result<(), Error> {
        self.lease.release().await
    }
}
