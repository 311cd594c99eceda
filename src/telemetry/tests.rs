//! Tests of the logging as a whole: what is written, and what arrives at a Graylog server.

use std::io::Write;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tracing::subscriber::with_default;

use super::*;
use crate::config::Gelf;

/// A standard error stream that can be read.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(log: StderrLog, ansi: bool, events: impl FnOnce()) -> String {
    let capture = Capture::default();
    let writer = capture.clone();
    let logging = Logging { stderr: log, gelf: None };
    let (subscriber, _) = subscriber(&logging, move || writer.clone(), ansi).unwrap();
    with_default(subscriber, events);
    capture.text()
}

fn hostile_events() {
    let hostile = "a\n2030-01-01T00:00:00Z ERROR forged\r\u{1b}[2J\u{9b}1m\u{2028}";
    tracing::info!(display = %hostile, debug = ?hostile, text = hostile, "{hostile}");
    let span = tracing::info_span!("span", inner = %hostile, later = tracing::field::Empty);
    span.record("later", tracing::field::display(hostile));
    span.in_scope(|| tracing::warn!("inside"));
    tracing::error!(error = &io::Error::other(hostile) as &dyn std::error::Error, "failed");
}

#[test]
fn user_text_cannot_forge_a_line() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let log = logged(StderrLog { format, ..StderrLog::default() }, false, hostile_events);
        assert_eq!(log.lines().count(), 3, "{log}");
        assert!(!log.contains(['\r', '\u{1b}']), "{log:?}");
        assert!(log.contains(r"\n2030-01-01T00:00:00Z ERROR forged\r"), "{log}");
    }
    let text = logged(StderrLog::default(), false, hostile_events);
    assert!(text.replace('\n', "").chars().all(|c| !c.is_control() && c != '\u{2028}'), "{text:?}");
}

#[test]
fn colours_are_the_formats_only() {
    let log = logged(StderrLog::default(), true, hostile_events);
    assert!(log.contains("\u{1b}["), "{log:?}");
    assert!(!log.contains("\u{1b}[2J") && !log.contains('\u{9b}'), "{log:?}");
    assert_eq!(log.lines().count(), 3, "{log}");
}

#[test]
fn a_line_of_text_has_level_target_message_and_fields() {
    let log = logged(StderrLog::default(), false, || {
        let span = tracing::info_span!("request", id = 7);
        span.in_scope(|| tracing::info!(semaphore = "A", count = 2, r#type = "x", "acquired"));
    });
    let expected = "INFO request{id=7}: throttle::telemetry::tests: acquired semaphore=\"A\" count=2 type=\"x\"\n";
    assert!(log.ends_with(expected), "{log}");
}

#[test]
fn a_line_of_json_is_an_object() {
    let json = StderrLog { format: LogFormat::Json, ..StderrLog::default() };
    let log = logged(json, false, || tracing::warn!(count = 2, "busy"));
    let line: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["fields"]["message"], "busy");
    assert_eq!(line["fields"]["count"], 2);
}

#[test]
fn levels_and_directives_filter() {
    let events = || {
        tracing::info!("one");
        tracing::debug!("two");
        tracing::info!(target: "elsewhere", "three");
    };
    let seen = |level, directives: Option<&str>| {
        let directives = directives.map(str::to_owned);
        let log = logged(StderrLog { level, directives, ..StderrLog::default() }, false, events);
        ["one", "two", "three"].map(|word| log.contains(word))
    };
    assert_eq!(seen(Level::Off, None), [false, false, false]);
    assert_eq!(seen(Level::Warn, None), [false, false, false]);
    assert_eq!(seen(Level::Info, None), [true, false, true]);
    assert_eq!(seen(Level::Debug, None), [true, true, true]);
    assert_eq!(seen(Level::Off, Some("warn,throttle=debug")), [true, true, false]);
}

fn to_graylog(host: &str, port: u16) -> Logging {
    let stderr = StderrLog { level: Level::Warn, ..StderrLog::default() };
    let name = "throttle-test".to_owned();
    Logging { stderr, gelf: Some(Gelf { name, port, ..Gelf::to(host) }) }
}

#[tokio::test]
async fn graylog_gets_the_events() {
    let graylog = UdpSocket::bind("127.0.0.1:0").unwrap();
    graylog.set_nonblocking(true).unwrap();
    let graylog = tokio::net::UdpSocket::from_std(graylog).unwrap();
    let logging = to_graylog("127.0.0.1", graylog.local_addr().unwrap().port());
    let capture = Capture::default();
    let writer = capture.clone();
    let (subscriber, shipment) = subscriber(&logging, move || writer.clone(), false).unwrap();
    let task = tokio::spawn(shipment.unwrap().run());
    with_default(subscriber, || {
        tracing::debug!("below the level");
        tracing::info!(semaphore = "A\n\"", count = 2, "acquired\nforged");
    });

    let mut datagram = vec![0; 8192];
    let received = tokio::time::timeout(Duration::from_secs(30), graylog.recv(&mut datagram));
    let length = received.await.unwrap().unwrap();
    datagram.truncate(length);
    task.abort();

    assert_eq!(datagram.pop(), Some(0), "a GELF message may end with a zero byte");
    let message: Value = serde_json::from_slice(&datagram).unwrap();
    assert_eq!(message["version"], "1.1");
    assert!(!message["host"].as_str().unwrap().is_empty());
    assert_eq!(message["short_message"], "acquired\nforged");
    assert_eq!(message["level"], 5);
    assert_eq!(message["_name"], "throttle-test");
    assert_eq!(message["_facility"], "throttle-test");
    assert_eq!(message["_semaphore"], "A\n\"");
    assert_eq!(message["_count"], 2);
    assert_eq!(capture.text(), "", "the other log has a level of its own");
}

#[tokio::test]
async fn an_unreachable_graylog_is_told_once() {
    // Nothing can be sent to port 0, and no name server is asked.
    let capture = Capture::default();
    let writer = capture.clone();
    let logging = to_graylog("127.0.0.1", 0);
    let (subscriber, shipment) = subscriber(&logging, move || writer.clone(), false).unwrap();
    let mut shipment = shipment.unwrap();
    let _default = tracing::subscriber::set_default(subscriber);
    for _ in 0..3 {
        tracing::info!("lost");
        assert!(shipment.attempt().await.is_err());
    }
    let warnings = capture.text().matches("cannot send the log to Graylog").count();
    assert_eq!(warnings, 1, "{}", capture.text());
}

#[test]
fn a_full_queue_does_not_make_an_event_wait() {
    let capture = Capture::default();
    let (subscriber, shipment) =
        subscriber(&to_graylog("127.0.0.1", 9), move || capture.clone(), false).unwrap();
    // Nobody runs the shipment, so nothing ever leaves the queue.
    with_default(subscriber, || (0..10_000).for_each(|i| tracing::info!(i, "event")));
    assert!(shipment.is_some());
}

#[test]
fn a_log_to_graylog_needs_a_runtime() {
    let refused = init(&to_graylog("127.0.0.1", 12201));
    assert!(matches!(refused, Err(TelemetryError::Runtime(_))), "{refused:?}");
}
