//! Starts the logging: events of `tracing` go to the standard error stream and, if so configured, to Graylog.
//!
//! An event is one line whatever is in it: text that users chose cannot forge a second one (`fields`). Nothing
//! here waits for anybody: when Graylog cannot be reached, or nobody reads the standard error stream, that part of the log
//! is lost and the server goes on.

mod fields;
mod graylog;

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

use crate::config::{Level, LogFormat, Logging, StderrLog};
use graylog::Shipment;

/// Why the logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives for the standard error stream are invalid.
    #[error("the log directives are invalid: {0}")]
    Directives(#[from] tracing_subscriber::filter::ParseError),
    /// The log to Graylog could not be set up.
    #[error("the log to Graylog could not be set up: {0}")]
    Graylog(#[from] tracing_gelf::BuilderError),
    /// The log to Graylog needs a Tokio runtime.
    #[error("the log to Graylog needs a Tokio runtime: {0}")]
    Runtime(#[from] tokio::runtime::TryCurrentError),
    /// The process has a subscriber of events already.
    #[error("logging has been started before")]
    Started(#[from] SetGlobalDefaultError),
}

/// Lines that are kept while nobody reads the standard error stream. What comes then is lost.
const MAX_WAITING_LINES: usize = 65_536;

/// Writes what has been logged, when it is dropped: at the end of the process. It waits a second at most.
#[must_use = "what is logged last is lost without it"]
#[derive(Debug)]
pub struct LastLines(#[allow(dead_code, reason = "it works by being dropped")] WorkerGuard);

/// Starts the logging of the process. Within a Tokio runtime when the log goes to Graylog: a task sends it.
///
/// # Errors
/// [`TelemetryError`]; an unreachable Graylog is none.
pub fn init(logging: &Logging) -> Result<LastLines, TelemetryError> {
    let runtime = match logging.gelf {
        Some(_) => Some(tokio::runtime::Handle::try_current()?),
        None => None,
    };
    let ansi =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let (writer, last_lines) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(MAX_WAITING_LINES)
        .thread_name("log")
        .finish(io::stderr());
    let (subscriber, shipment) = subscriber(logging, writer, ansi)?;
    tracing::subscriber::set_global_default(subscriber)?;
    if let (Some(runtime), Some(shipment)) = (runtime, shipment) {
        runtime.spawn(shipment.run());
    }
    Ok(LastLines(last_lines))
}

/// What takes the events, and what is to run in the background for Graylog.
fn subscriber<W>(
    logging: &Logging,
    writer: W,
    ansi: bool,
) -> Result<(impl Subscriber + Send + Sync, Option<Shipment>), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let stderr = stderr_layer(&logging.stderr, writer, ansi)?;
    let graylog = logging.gelf.as_ref().map(graylog::logger).transpose()?;
    let (graylog, shipment) = graylog.unzip();
    let level = logging.gelf.as_ref().map_or(LevelFilter::OFF, |gelf| filter(gelf.level));
    let subscriber =
        Registry::default().with(stderr).with(graylog.map(|graylog| graylog.with_filter(level)));
    Ok((subscriber, shipment))
}

fn stderr_layer<S, W>(
    log: &StderrLog,
    writer: W,
    ansi: bool,
) -> Result<Box<dyn Layer<S> + Send + Sync>, TelemetryError>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = match &log.directives {
        Some(directives) => EnvFilter::try_new(directives)?,
        None => EnvFilter::default().add_directive(filter(log.level).into()),
    };
    // Without `log_internal_errors(false)` a closed stream would make every event panic.
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    Ok(match log.format {
        LogFormat::Json => layer.json().with_filter(filter).boxed(),
        LogFormat::Text => {
            layer.with_ansi(ansi).fmt_fields(fields::one_line()).with_filter(filter).boxed()
        }
    })
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests;
