//! Where the server is: what people write becomes the address of a session. Nothing is looked up here.

use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::http::uri::PathAndQuery;

use super::error::Error;

/// The route of sessions, below the path that the server is told to be at.
const ROUTE: &str = "/ws";

/// Where sessions are opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    tls: bool,
    host: String,
    port: u16,
    /// Begins with a slash and ends with the route.
    path: String,
}

impl Address {
    /// Reads `ws://host`, `https://host:8000`, `host:8000`, each with a path or without.
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Address { url: url.to_owned(), reason };
        let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(wrong("it must begin with ws://, wss://, http:// or https://")),
        };
        let uri: Uri =
            format!("ws://{rest}").parse().map_err(|_| wrong("it must be like ws://host:8000"))?;
        let authority = uri.authority().ok_or_else(|| wrong("there is no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("it must have no user in it"));
        }
        if uri.query().is_some() || rest.contains('#') {
            return Err(wrong("it must end with its path"));
        }
        // Of a port that is no number, the parser knows nothing.
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match (port, uri.port_u16()) {
            ("", _) if tls => 443,
            ("", _) => 80,
            (_, Some(port)) if port > 0 => port,
            (_, _) => return Err(wrong("the port must be a number from 1 to 65535")),
        };
        Ok(Self { tls, host: authority.host().to_owned(), port, path: path(uri.path()) })
    }

    /// As [`std::net::ToSocketAddrs`] wants it.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        (self.host.trim_start_matches('[').trim_end_matches(']'), self.port)
    }

    /// Whether the server is spoken to over TLS.
    pub(super) const fn is_encrypted(&self) -> bool {
        self.tls
    }

    /// What the handshake asks for.
    pub(super) fn url(&self) -> String {
        let Self { tls, host, port, path } = self;
        let scheme = if *tls { "wss" } else { "ws" };
        format!("{scheme}://{host}:{port}{path}")
    }
}

/// The path of a session, given that of the server.
fn path(base: &str) -> String {
    let base = base.trim_end_matches('/');
    let path = if base.ends_with(ROUTE) { base.to_owned() } else { format!("{base}{ROUTE}") };
    debug_assert!(path.parse::<PathAndQuery>().is_ok());
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_many_forms() {
        let cases = [
            ("ws://localhost:8000", "localhost", "ws://localhost:8000/ws"),
            ("WS://localhost:8000/", "localhost", "ws://localhost:8000/ws"),
            ("http://localhost", "localhost", "ws://localhost:80/ws"),
            ("localhost:8000", "localhost", "ws://localhost:8000/ws"),
            ("ws://example.org:1/ws", "example.org", "ws://example.org:1/ws"),
            ("http://example.org:1/a/b/", "example.org", "ws://example.org:1/a/b/ws"),
            ("ws://[::1]:8000", "::1", "ws://[::1]:8000/ws"),
            ("wss://example.org", "example.org", "wss://example.org:443/ws"),
            ("HTTPS://[::1]:8000/a", "::1", "wss://[::1]:8000/a/ws"),
        ];
        for (url, host, expected) in cases {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.host_and_port().0, address.url().as_str()), (host, expected));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "ws://",
            "ftp://a",
            "ws://a:b",
            "ws://a:0",
            "ws://a:65536",
            "ws://u:p@a",
            "ws://a?b",
            "ws://a#b",
            "ws://a b",
        ] {
            assert!(matches!(Address::parse(url), Err(Error::Address { .. })), "{url}");
        }
    }
}
