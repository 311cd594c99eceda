//! Which server is driven. Only loopback addresses become a `Target`, and no name but `localhost`
//! is looked up: load on somebody else's server is never an accident.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
    str::FromStr,
    sync::atomic::{AtomicU8, Ordering},
};

use axum::http::{Uri, uri::Authority};
use tokio::net::{TcpSocket, TcpStream};

/// Addresses that connections come from: `127.0.0.1` to `127.0.0.64`.
const SOURCES: u8 = 64;

/// A server on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The addresses to try, in order.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Host and port as the user wrote them, for the header `host`.
    pub(crate) host: String,
}

impl Target {
    /// Connects to the first address that answers.
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        let mut failure = None;
        for address in &self.addresses {
            match connect_from_another(*address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }
}

/// Each connection comes from another address. Among those of one address, the system looks for a free port one after
/// another: with thousands of connections that takes longer than the server takes to open a session.
async fn connect_from_another(address: SocketAddr) -> io::Result<TcpStream> {
    static LAST: AtomicU8 = AtomicU8::new(0);
    // Elsewhere, only the first of these addresses is there.
    if !cfg!(target_os = "linux") || address.ip() != Ipv4Addr::LOCALHOST {
        return TcpStream::connect(address).await;
    }
    let source = Ipv4Addr::new(127, 0, 0, LAST.fetch_add(1, Ordering::Relaxed) % SOURCES + 1);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source, 0)))?;
    socket.connect(address).await
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err("expected http://ADDRESS:PORT".to_owned());
        }
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err("expected no path after the port".to_owned());
        }
        let authority = uri.authority().ok_or("expected an address")?;
        if authority.as_str().contains('@') {
            return Err("expected no user name".to_owned());
        }
        let addresses = resolve(authority)?;
        if addresses.iter().all(|address| address.ip().to_canonical().is_loopback()) {
            Ok(Target { addresses, host: authority.as_str().to_owned() })
        } else {
            Err("only loopback addresses are allowed, such as 127.0.0.1".to_owned())
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.host)
    }
}

fn resolve(authority: &Authority) -> Result<Vec<SocketAddr>, String> {
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if host.eq_ignore_ascii_case("localhost") {
        let found = (host, port).to_socket_addrs().map_err(|error| error.to_string())?;
        return Ok(found.collect());
    }
    let ip: IpAddr = host
        .parse()
        .map_err(|_| "only loopback addresses are allowed, such as 127.0.0.1".to_owned())?;
    Ok(vec![SocketAddr::new(ip, port)])
}
