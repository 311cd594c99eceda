//! Where the server is, over HTTP: what people write, as for `throttle lock`, becomes the beginning of a URL. And how
//! names become parts of a path. Nothing is looked up here.

use ureq::http::Uri;

use super::failure::Failure;

/// The route of sessions, which addresses for `throttle lock` may end with.
const SESSIONS: &str = "/ws";

/// Reads `ws://host`, `http://host:8000`, `https://host/path`, `host:8000`, which came from that flag or its variable. The
/// URL returned does not end in a slash.
pub(super) fn base(url: &str, flag: &str) -> Result<String, Failure> {
    let wrong = |reason: &str| {
        // Whatever stands before an @ may be secret.
        let shown = url.rsplit('@').next().unwrap_or_default();
        let message = format!(
            "cannot use the address {shown:?}: {reason}; {flag} or THROTTLE_SERVER name another one"
        );
        Failure::Usage(message)
    };
    let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => return Err(wrong("it must begin with http://, https://, ws:// or wss://")),
    };
    let uri: Result<Uri, _> = format!("{scheme}://{rest}").parse();
    let uri = uri.map_err(|_| wrong("it must be like http://host:8000"))?;
    let authority = uri.authority().ok_or_else(|| wrong("there is no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it must have no user in it"));
    }
    if uri.query().is_some() || rest.contains('#') {
        return Err(wrong("it must end with its path"));
    }
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    if !port.is_empty() && uri.port_u16().is_none_or(|port| port == 0) {
        return Err(wrong("the port must be a number from 1 to 65535"));
    }
    let path = uri.path().trim_end_matches('/');
    let path = path.strip_suffix(SESSIONS).unwrap_or(path).trim_end_matches('/');
    Ok(format!("{scheme}://{authority}{path}"))
}

/// A text as one part of a path, or as a value behind a question mark.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_many_forms() {
        for (url, expected) in [
            ("ws://localhost:8000", "http://localhost:8000"),
            ("WSS://localhost:8000/", "https://localhost:8000"),
            ("http://localhost", "http://localhost"),
            ("localhost:8000", "http://localhost:8000"),
            ("ws://example.org:1/ws", "http://example.org:1"),
            ("https://example.org:1/a/b/", "https://example.org:1/a/b"),
            ("ws://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(base(url, "--url").as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_secrets() {
        for url in [
            "",
            "ws://",
            "ftp://a",
            "ws://a:b",
            "ws://a:0",
            "ws://a:65536",
            "ws://a?b",
            "ws://a#b",
            "a b",
        ] {
            assert!(matches!(base(url, "--url"), Err(Failure::Usage(_))), "{url}");
        }
        let Err(Failure::Usage(said)) = base("http://me:secret@a", "--url") else { panic!() };
        assert!(said.contains("no user") && !said.contains("secret"), "{said}");
    }

    #[test]
    fn names_stay_within_their_part_of_a_path() {
        assert_eq!(encoded("/&"), "%2F%26");
        assert_eq!(encoded("%2F?#a b.ü"), "%252F%3F%23a%20b.%C3%BC");
    }
}
