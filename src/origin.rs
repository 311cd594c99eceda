//! Tells requests that a web page of somebody else makes a browser send. Browsers name the page's origin with every
//! mutation and every WebSocket upgrade; programs name none.

use axum::http::{HeaderMap, HeaderValue, header};

/// What a request is told that comes from a foreign page.
pub(crate) const FOREIGN: &str = "Requests from pages of another origin are not allowed.";

/// Whether a browser says that the request comes from a page of another host or port than the request goes to.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    match headers.get(header::ORIGIN) {
        None => false,
        Some(origin) => !is_same(origin, headers.get(header::HOST)),
    }
}

/// The scheme is not compared: behind a proxy that ends TLS it differs although nobody is foreign.
fn is_same(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, site)| site.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(origin: Option<&'static str>, host: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        let named = [(header::ORIGIN, origin), (header::HOST, host)];
        headers.extend(named.into_iter().filter_map(|(name, value)| {
            value.map(|value| (name, HeaderValue::from_static(value)))
        }));
        is_foreign(&headers)
    }

    #[test]
    fn programs_and_own_pages_pass() {
        assert!(!foreign(None, Some("localhost:8000")));
        assert!(!foreign(None, None));
        assert!(!foreign(Some("http://localhost:8000"), Some("localhost:8000")));
        assert!(!foreign(Some("https://Throttle.example"), Some("throttle.example")));
    }

    #[test]
    fn pages_of_others_do_not() {
        assert!(foreign(Some("http://localhost:8001"), Some("localhost:8000")));
        assert!(foreign(Some("http://evil.example"), Some("localhost:8000")));
        assert!(foreign(Some("http://localhost"), Some("localhost:8000")));
        assert!(foreign(Some("null"), Some("localhost:8000")));
        assert!(foreign(Some("http://localhost:8000"), None));
    }
}
