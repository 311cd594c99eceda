//! Requests as the bytes that go over the wire, built once and sent many times.

use std::{fmt::Write, time::Duration};

/// One HTTP/1.1 request, ready to be sent.
pub(crate) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(method: &str, path: &str, host: &str) -> Self {
        let text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        Request { bytes: text.into_bytes() }
    }

    /// A request with a JSON body.
    pub(crate) fn json(method: &str, path: &str, host: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        Request { bytes: text.into_bytes() }
    }

    /// `POST /new_peer`
    pub(crate) fn new_peer(host: &str, expires_in: Duration) -> Self {
        let body = format!(r#"{{"expires_in":"{}ms"}}"#, expires_in.as_millis());
        Request::json("POST", "/new_peer", host, &body)
    }

    /// `DELETE /peers/{id}`
    pub(crate) fn delete_peer(host: &str, peer: u64) -> Self {
        Request::new("DELETE", &format!("/peers/{peer}"), host)
    }

    /// `PUT /peers/{id}/{semaphore}` with a count of 1. `query` is empty or begins with `?`.
    pub(crate) fn acquire(host: &str, peer: u64, semaphore: &str, query: &str) -> Self {
        let path = format!("/peers/{peer}/{}{query}", encoded(semaphore));
        Request::json("PUT", &path, host, "1")
    }

    /// `DELETE /peers/{id}/{semaphore}`
    pub(crate) fn release(host: &str, peer: u64, semaphore: &str) -> Self {
        Request::new("DELETE", &format!("/peers/{peer}/{}", encoded(semaphore)), host)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Method and path, for messages.
    pub(crate) fn summary(&self) -> String {
        let line = self.bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).trim_end_matches(" HTTP/1.1").to_owned()
    }
}

/// A name as one segment of a path.
fn encoded(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a `String` never fails.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}
