//! What the service manager is told: systemd's protocol for services of `Type=notify`, over the socket that it names in
//! `NOTIFY_SOCKET`. Without that nobody is told anything, and whether somebody listens changes nothing for the server.

use std::convert::Infallible;
use std::time::Duration;

use crate::runtime::Handle;

/// The server takes connections: at its start, or again after [`reloading`]. The status is for people.
pub fn ready(status: &str) {
    system::tell(&[system::State::Ready, system::State::Status(status)]);
}

/// The server begins to read its configuration again. [`ready`] must follow, whether it takes it or not.
pub fn reloading() {
    // A manager of systemd 253 or later compares the time with that of its own wish.
    match system::State::monotonic_usec_now() {
        Ok(now) => system::tell(&[system::State::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot tell the service manager of the reload"),
    }
}

/// The server begins to shut down. The status is for people.
pub fn stopping(status: &str) {
    system::tell(&[system::State::Stopping, system::State::Status(status)]);
}

/// Gives a sign of life as often as `WATCHDOG_USEC` wants it, while the engine answers.
pub(super) async fn watchdog(engine: Handle) {
    let Some(limit) = system::watchdog() else { return };
    match signs_of_life(&engine, limit / 2, || system::tell(&[system::State::Watchdog])).await {}
}

/// An engine that is gone is told by silence, as one that hangs.
async fn signs_of_life(engine: &Handle, every: Duration, mut tell: impl FnMut()) -> Infallible {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        if engine.read(|_| ()).await.is_ok() {
            tell();
        }
    }
}

#[cfg(unix)]
mod system {
    use std::time::Duration;

    pub(super) use sd_notify::NotifyState as State;

    pub(super) fn tell(states: &[State<'_>]) {
        if let Err(error) = sd_notify::notify(states) {
            tracing::warn!(%error, "cannot tell the service manager how the server is");
        }
    }

    pub(super) fn watchdog() -> Option<Duration> {
        sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
    }
}

/// Nobody is there to be told.
#[cfg(not(unix))]
mod system {
    use std::io;
    use std::time::Duration;

    pub(super) enum State<'a> {
        Ready,
        Reloading,
        Stopping,
        Status(#[allow(dead_code, reason = "nobody reads it")] &'a str),
        Watchdog,
    }

    impl State<'_> {
        pub(super) fn monotonic_usec_now() -> io::Result<Self> {
            Ok(Self::Reloading)
        }
    }

    pub(super) const fn tell(_states: &[State<'_>]) {}

    pub(super) const fn watchdog() -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Fence, Limits, Settings, Time};
    use crate::metrics::Metrics;
    use crate::runtime::{self, Clock};
    use crate::store::Memory;

    fn engine() -> (Handle, impl Future<Output = std::io::Result<()>> + Send + use<>) {
        let settings = Settings {
            semaphores: Vec::new(),
            limits: Limits::default(),
            last_fence: Fence(0),
            grants_from: Time::default(),
        };
        runtime::start(Engine::new(settings), Clock::start(), Memory, Metrics::new(&[]).unwrap().1)
    }

    /// How often it gives a sign within a minute, when it is to do so every ten seconds.
    async fn signs_in_a_minute(engine: Handle) -> usize {
        let mut signs = 0;
        let giving = signs_of_life(&engine, Duration::from_secs(10), || signs += 1);
        let over = tokio::time::timeout(Duration::from_secs(59), giving).await;
        assert!(over.is_err());
        signs
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_signs_of_life_while_the_engine_answers() {
        let (handle, driver) = engine();
        tokio::spawn(driver);
        assert_eq!(signs_in_a_minute(handle).await, 6);
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_engine_there_is_no_sign_of_life() {
        let (handle, driver) = engine();
        drop(driver);
        assert_eq!(signs_in_a_minute(handle).await, 0);
    }
}
