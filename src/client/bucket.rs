//! Buckets and pacers as programs see them: how often, not how many at once. Each permit has a peer of its own, so that
//! whoever takes it waits for nothing but time.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::acquire::{Listener, acquire};
use super::error::Error;
use super::handle::ClientHandle;
use super::limit::Limit;
use super::machine::{Ask, FOR_AN_ANSWER, Progress};
use super::peer::PeerHandle;
use super::permit::Permit;
use super::settings::PeerSettings;

/// A name with a rate: tokens are taken from it and come back with time, whatever becomes of who took them. It is made
/// by [`Client::bucket`](super::Client::bucket); clones take from the same bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Arc<ClientHandle>,
    settings: PeerSettings,
    name: String,
    declared: Option<Limit>,
}

impl Bucket {
    pub(super) const fn new(
        client: Arc<ClientHandle>,
        settings: PeerSettings,
        name: String,
    ) -> Self {
        Self { client, settings, name, declared: None }
    }

    /// Who takes, for operators; at most 128 bytes.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.settings.label = label.into();
        self
    }

    /// What the name stands for: see [`Limit`].
    #[must_use]
    pub const fn declare(mut self, limit: Limit) -> Self {
        self.declared = Some(limit);
        self
    }

    /// Takes so many tokens, or waits for them in line. To be awaited, after what is to be said about it.
    ///
    /// Permits are taken inside each other, those of the same bucket too, and inside of locks: buckets have no level.
    /// Each is a peer of its own, of which a connection has only so many (`max_peers_per_connection`, 1,024).
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn call() -> u32 { 3 }
    /// # async fn example(client: throttle::client::Client) -> Result<(), throttle::client::Error> {
    /// let api = client.bucket("api");
    /// let permit = api.take(5).max_wait(Duration::from_secs(2)).await?;
    /// permit.settle(call().await).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn take(&self, count: u32) -> Take {
        let mut ask = Ask { permit: true, ..Ask::new((self.name.as_str(), count).into()) };
        ask.declare.extend(self.declared.map(|limit| (self.name.clone(), limit)));
        let (client, settings) = (Arc::clone(&self.client), self.settings.clone());
        Take { client, settings, ask, name: self.name.clone(), listener: None }
    }
}

/// Tokens that are about to be taken. It does nothing unless it is awaited. While it waits, it can be dropped at any
/// moment: then nothing of it is taken, even if it was granted just then.
#[must_use = "it does nothing unless it is awaited"]
pub struct Take {
    client: Arc<ClientHandle>,
    settings: PeerSettings,
    ask: Ask,
    name: String,
    listener: Option<Listener>,
}

impl Take {
    /// How long it may take: whoever would have to wait for longer is told so at once. Zero: only if there are tokens
    /// now. Without this: for ever.
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.ask.max_wait = Some(max_wait);
        self
    }

    /// How long to stand in line, also when it could be known beforehand that it will take longer.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.ask.timeout = Some(timeout);
        self
    }

    /// Who asks with a higher priority stands before those with a lower one. 0 by default.
    pub const fn priority(mut self, priority: i8) -> Self {
        self.ask.priority = priority;
        self
    }

    /// As [`Acquire::on_progress`](super::Acquire::on_progress).
    pub fn on_progress(mut self, listener: impl FnMut(Progress) + Send + 'static) -> Self {
        self.ask.progress = true;
        self.listener = Some(Box::new(listener));
        self
    }

    async fn take(self) -> Result<Permit, Error> {
        let Self { client, settings, ask, name, listener } = self;
        let doubtful = ask.declare.is_empty() && !client.shared.is_bucket(&name);
        let patience = ask.patience().map(|patience| patience.saturating_add(FOR_AN_ANSWER));
        let last = patience.and_then(|patience| Instant::now().checked_add(patience));
        let peer = PeerHandle::open(Arc::clone(&client), settings);
        let permit = Permit::new(name, acquire(peer, ask, listener).await?);
        if doubtful { Doubtful(Some(permit)).checked(&client, last).await } else { Ok(permit) }
    }
}

/// A permit of what may be a semaphore, which would be granted just so. When it is dropped, nobody has used it.
struct Doubtful(Option<Permit>);

impl Doubtful {
    /// Corrects what was taken to just that, which only a bucket takes. No answer is waited for beyond `last`.
    async fn checked(
        mut self,
        client: &ClientHandle,
        last: Option<Instant>,
    ) -> Result<Permit, Error> {
        if let Some(permit) = &self.0 {
            let settling = permit.settle(permit.count());
            let settled = match last {
                Some(last) => timeout_at(last, settling).await.ok(),
                None => Some(settling.await),
            };
            match settled {
                Some(Ok(())) => client.shared.note_bucket(permit.bucket()),
                Some(Err(error @ Error::NotABucket { .. })) => return Err(error),
                // Nobody else gets tokens that were granted. What they are of is looked at the next time.
                Some(Err(_)) | None => {}
            }
        }
        self.0.take().ok_or(Error::Ended)
    }
}

impl Drop for Doubtful {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Permit::release_unused);
    }
}

/// Resolves when the tokens are taken.
///
/// # Errors
/// [`Error::Timeout`] when it would take longer than `max_wait`, with how long, or took longer; [`Error::Busy`] when as
/// many wait as may. [`Error::NotABucket`] when it is a semaphore. [`Error::DeclaredOtherwise`] when the name stands for something else than was declared.
/// [`Error::Refused`] with the server's code: [`UnknownSemaphore`](super::Code::UnknownSemaphore),
/// [`Never`](super::Code::Never) for more than the bucket holds, [`LimitExceeded`](super::Code::LimitExceeded) when
/// there are as many peers as there may be. [`Error::Disconnected`] when there was no connection to the server in time;
/// [`Error::Ended`] and [`Error::Closed`] when the client has ended.
impl IntoFuture for Take {
    type Output = Result<Permit, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.take())
    }
}

impl fmt::Debug for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Take").field("ask", &self.ask).finish_non_exhaustive()
    }
}

/// Keeps calls apart, over all programs. It is made by [`Client::pacer`](super::Client::pacer).
#[derive(Clone, Debug)]
pub struct Pacer {
    bucket: Bucket,
}

impl Pacer {
    pub(super) const fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    /// What the name stands for, such as [`Limit::pacer`].
    #[must_use]
    pub fn declare(self, limit: Limit) -> Self {
        Self { bucket: self.bucket.declare(limit) }
    }

    /// Waits for its turn. `None`: as many wait already as may, and this call should be left out.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// use throttle::client::Limit;
    ///
    /// # async fn fetch() {}
    /// # async fn example(client: throttle::client::Client) -> Result<(), throttle::client::Error> {
    /// // Begins at most every 3 s; when two wait already, it is left out.
    /// let crawl = client.pacer("crawl").declare(Limit::pacer(Duration::from_secs(3)).max_reserved(2));
    /// if let Some(_permit) = crawl.permit().await? {
    ///     fetch().await;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Take`], but [`Error::Busy`].
    pub async fn permit(&self) -> Result<Option<Permit>, Error> {
        match self.bucket.take(1).await {
            Ok(permit) => Ok(Some(permit)),
            Err(Error::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
