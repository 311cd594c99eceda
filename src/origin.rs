//! Tells requests that a web page of somebody else makes a browser send. Browsers name the page's origin with every
//! mutation and every WebSocket upgrade; programs name none.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// What browsers say of their own accord, where they trust the connection; no page can make them say something else.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request says anything about a page at all. Programs do not: one look at the few headers that they send
/// finds that out sooner than looking each name up.
pub(crate) fn is_named(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| *name == header::ORIGIN || *name == SEC_FETCH_SITE)
}

/// Whether a browser says that the request comes from a page of another host or port than the request goes to.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    if sites.any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site")) {
        return true;
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => false,
        (Some(origin), None) => !is_same(origin, headers),
        // No browser sends two.
        (Some(_), Some(_)) => true,
    }
}

/// Schemes are not compared: behind a proxy that ends TLS they differ although nobody is foreign. But they tell which
/// port is meant when none is named, on either side.
fn is_same(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let (Ok(origin), Ok(host)) = (origin.to_str(), host.to_str()) else { return false };
    let Some((scheme, site)) = origin.split_once("://") else { return false };
    let default_port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let named = |site| str::strip_suffix(site, default_port).unwrap_or(site);
    !site.is_empty() && named(site).eq_ignore_ascii_case(named(host))
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
        assert!(!foreign(Some("https://throttle.example"), Some("throttle.example:443")));
        assert!(!foreign(Some("http://throttle.example"), Some("throttle.example:80")));
    }

    #[test]
    fn pages_of_others_do_not() {
        assert!(foreign(Some("http://localhost:8001"), Some("localhost:8000")));
        assert!(foreign(Some("http://evil.example"), Some("localhost:8000")));
        assert!(foreign(Some("http://localhost"), Some("localhost:8000")));
        assert!(foreign(Some("null"), Some("localhost:8000")));
        assert!(foreign(Some("http://throttle.example"), Some("throttle.example:443")));
        assert!(foreign(Some("http://"), Some("")));
        assert!(foreign(Some("http://localhost:8000"), None));
    }

    #[test]
    fn what_a_browser_says_of_its_own_accord_counts_too() {
        for (site, expected) in
            [("cross-site", true), ("Cross-Site", true), ("same-origin", false), ("none", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost"));
            headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site));
            assert_eq!(is_foreign(&headers), expected, "{site}");
        }
    }

    #[test]
    fn two_of_a_kind_are_nobodys() {
        for twice in [header::ORIGIN, header::HOST] {
            let mut headers = HeaderMap::new();
            headers.append(header::ORIGIN, HeaderValue::from_static("http://localhost"));
            headers.append(header::HOST, HeaderValue::from_static("localhost"));
            assert!(!is_foreign(&headers));
            let value = headers[&twice].clone();
            headers.append(twice, value);
            assert!(is_foreign(&headers));
        }
    }
}
