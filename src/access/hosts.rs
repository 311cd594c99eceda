//! By which names browsers may call the server.
//!
//! A page of somebody else can make its own name lead to this server, once it has been loaded (DNS rebinding): for the
//! browser, the server is then where the page comes from, and `Origin` matches `Host`. It takes a name in the public
//! DNS and an address without TLS, and helps nobody against a server that wants a token, which the page has not.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Longest name of a host.
const MAX_NAME_BYTES: usize = 253;

/// The names by which browsers may call the server. Programs may call it as they like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any when it takes a token to do something, or when the server listens on more than this machine. Otherwise
    /// those that no stranger can have: addresses, `localhost`, names without a dot, and what is reached over TLS.
    #[default]
    Auto,
    /// Any.
    Any,
    /// These, in lower case, besides addresses and `localhost`.
    Only(Vec<String>),
}

impl Hosts {
    /// Reads names; none at all, or `*` among them, are any. `None`: one of them is no name.
    pub fn named(names: &[&str]) -> Option<Self> {
        let names = names.iter().filter(|name| !name.is_empty()).collect::<Vec<_>>();
        if names.is_empty() || names.iter().any(|name| **name == "*") {
            return Some(Self::Any);
        }
        let all = names.iter().all(|name| is_name(name));
        all.then(|| Self::Only(names.iter().map(|name| name.to_ascii_lowercase()).collect()))
    }

    /// As it is written in a configuration.
    pub fn written(&self) -> String {
        match self {
            Self::Auto => "\"auto\"".to_owned(),
            Self::Any => "[\"*\"]".to_owned(),
            Self::Only(names) => format!("{names:?}"),
        }
    }

    /// Whether the request, if a browser sends it, calls the server by one of these names. `exposed`: nothing but the
    /// address that it listens on keeps strangers away.
    pub(super) fn admit(&self, headers: &HeaderMap, exposed: bool) -> bool {
        let origin = headers.get(ORIGIN);
        if *self == Self::Any || (origin.is_none() && !headers.contains_key(SEC_FETCH_SITE)) {
            return true;
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(without_port);
        let Some(host) = host else { return false };
        if host.parse::<IpAddr>().is_ok() || is_localhost(host) {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Only(names) => names.iter().any(|name| name.eq_ignore_ascii_case(host)),
            Self::Auto => {
                let over_tls = origin.is_some_and(|origin| is_https(origin.as_bytes()));
                !exposed || over_tls || !host.contains('.')
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.len() <= MAX_NAME_BYTES && name.bytes().all(allowed)
}

/// The name or the address alone, without the dot at the end that a name may have.
fn without_port(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return address;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name)
}

/// Browsers do not ask anybody for these.
fn is_localhost(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    last.eq_ignore_ascii_case("localhost")
}

fn is_https(origin: &[u8]) -> bool {
    origin.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(hosts: &Hosts, exposed: bool, origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(scheme) = origin {
            headers.insert(ORIGIN, format!("{scheme}://{host}").parse().unwrap());
        }
        hosts.admit(&headers, exposed)
    }

    const NOBODYS: [&str; 9] = [
        "localhost",
        "localhost:8000",
        "LOCALHOST.:8000",
        "a.localhost",
        "127.0.0.1:8000",
        "192.0.2.7",
        "[::1]:8000",
        "[2001:db8::1]",
        "throttle:8000",
    ];

    #[test]
    fn names_that_no_stranger_can_have_are_good() {
        for host in NOBODYS {
            assert!(admits(&Hosts::Auto, true, Some("http"), host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "1.2"]
        {
            assert!(!admits(&Hosts::Auto, true, Some("http"), host), "{host}");
        }
    }

    #[test]
    fn other_names_are_good_where_they_do_no_harm() {
        let name = "throttle.example:8000";
        assert!(admits(&Hosts::Auto, false, Some("http"), name), "it takes a token");
        assert!(admits(&Hosts::Auto, true, Some("https"), name), "there is TLS in front of it");
        assert!(admits(&Hosts::Auto, true, None, name), "it is no browser");
        assert!(admits(&Hosts::Any, true, Some("http"), name));
    }

    #[test]
    fn a_browser_is_known_by_another_header_too() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "evil.example".parse().unwrap());
        headers.insert(SEC_FETCH_SITE, "same-origin".parse().unwrap());
        assert!(!Hosts::Auto.admit(&headers, true));
        headers.remove(HOST);
        assert!(!Hosts::Auto.admit(&headers, true));
    }

    #[test]
    fn a_list_is_all_there_is() {
        let hosts = Hosts::named(&["Throttle.example", "b"]).unwrap();
        for exposed in [true, false] {
            assert!(admits(&hosts, exposed, Some("http"), "throttle.EXAMPLE:8000"));
            assert!(admits(&hosts, exposed, Some("http"), "localhost:8000"));
            assert!(!admits(&hosts, exposed, Some("https"), "other.example"));
            assert!(!admits(&hosts, exposed, Some("http"), "throttle"));
        }
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(Hosts::named(&[]), Some(Hosts::Any));
        assert_eq!(Hosts::named(&["a", "*"]), Some(Hosts::Any));
        for name in ["a:8000", "http://a", "a b", "é", "[::1]"] {
            assert_eq!(Hosts::named(&[name]), None, "{name}");
        }
    }
}
