//! The part of the log that goes to Graylog, as GELF over UDP. Events are queued, and dropped when the queue is
//! full; a task in the background sends them. It must never make an event wait.

use std::io;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{Instant, sleep, timeout};
use tracing_gelf::{BuilderError, ConnectionErrors, ConnectionHandle, Logger, UdpConnection};

use crate::config::Gelf;

/// How long to wait when Graylog's name cannot be resolved or nothing can be sent to it.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// After this time Graylog's name is resolved again: it may have moved.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(300);

/// What is to run in the background.
pub(super) struct Shipment {
    connection: ConnectionHandle<(String, u16), UdpConnection>,
    failing: bool,
}

/// What takes the events, and what sends them.
pub(super) fn logger(gelf: &Gelf) -> Result<(Logger, Shipment), BuilderError> {
    let connect = |host: Option<&str>| {
        let builder = Logger::builder()
            .additional_field("name", gelf.name.as_str())
            .additional_field("facility", gelf.name.as_str());
        let builder = match host {
            Some(host) => builder.host(host),
            None => builder,
        };
        builder.connect_udp((gelf.host.clone(), gelf.port))
    };
    // The field `host` is the name of this machine. Where it has none that is text, ours must do.
    let (logger, connection) = connect(None).or_else(|_| connect(Some(&gelf.name)))?;
    Ok((logger, Shipment { connection, failing: false }))
}

impl Shipment {
    /// Sends events for as long as the process lives.
    pub(super) async fn run(mut self) {
        loop {
            if self.attempt().await.is_err() {
                sleep(RETRY_DELAY).await;
            }
        }
    }

    /// Sends events for some time. Warns when that fails, unless it failed the last time too.
    pub(super) async fn attempt(&mut self) -> io::Result<()> {
        let started = Instant::now();
        let sent = self.send().await;
        let lasted = sent.is_ok() || started.elapsed() >= RETRY_DELAY;
        let known = self.failing && !lasted;
        if let (Err(error), false) = (&sent, known) {
            let (host, port) = self.connection.address();
            tracing::warn!(%host, port, %error, "cannot send the log to Graylog, will try again");
        }
        self.failing = sent.is_err();
        sent
    }

    /// Sends events until something goes wrong, or until it is time to resolve the name again.
    async fn send(&mut self) -> io::Result<()> {
        let (host, port) = self.connection.address();
        // `connect` resolves the name too, but keeps to itself when that fails.
        if lookup_host((host.as_str(), *port)).await?.next().is_none() {
            return Err(io::Error::other("the name has no address"));
        }
        match timeout(RESOLVE_INTERVAL, self.connection.connect()).await {
            Err(_) => Ok(()),
            Ok(ConnectionErrors(mut errors)) => Err(match errors.pop() {
                Some((_, error)) => error,
                None => io::Error::other("there is nobody to take events from"),
            }),
        }
    }
}
