//! The server over TLS: what is spoken, a certificate that is exchanged, and those who shake hands badly.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tempfile::TempDir;
use throttle::app::Server;
use throttle::config::{Config, Limits, Tls};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::server::{DEADLINE, TestServer, config, eventually};
use crate::wire;

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// One of the files that `tests/tls/make` has made.
fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// Certificate and key, in files that can be exchanged.
struct Files(TempDir);

impl Files {
    fn of(name: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.become_those_of(name);
        files
    }

    fn become_those_of(&self, name: &str) {
        std::fs::copy(made(&format!("{name}.pem")), self.certificate()).unwrap();
        std::fs::copy(made(&format!("{name}.key")), self.key()).unwrap();
    }

    fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    fn config(&self) -> Config {
        let (certificate, key) = (Some(self.certificate()), Some(self.key()));
        let tls = Tls { certificate, key, ..Tls::default() };
        Config { tls, ..config(&[("A", 1, 0)]) }
    }
}

/// Shakes hands, trusting the tests' authority.
async fn over(stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(made("authority.pem")).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn connect(address: SocketAddr) -> TlsStream<TcpStream> {
    over(TcpStream::connect(address).await.unwrap()).await.unwrap()
}

async fn is_well(stream: &mut TlsStream<TcpStream>) -> bool {
    stream.write_all(HEALTH.as_bytes()).await.unwrap();
    wire::response(stream).await.ends_with("\r\n\r\nOk")
}

fn certificate_of(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn certificate(name: &str) -> Vec<u8> {
    CertificateDer::from_pem_file(made(&format!("{name}.pem"))).unwrap().to_vec()
}

#[tokio::test]
async fn requests_and_sessions_go_over_tls() {
    let files = Files::of("first");
    let server = TestServer::with(&files.config()).await;
    let mut stream = connect(server.address).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(is_well(&mut stream).await && is_well(&mut stream).await);

    let url = format!("wss://localhost:{}/ws", server.address.port());
    let (mut socket, _) = client_async(url, connect(server.address).await).await.unwrap();
    socket.send(Message::text(r#"{"type":"hello","id":1}"#)).await.unwrap();
    let welcome = socket.next().await.unwrap().unwrap();
    assert!(welcome.to_text().unwrap().contains("welcome"), "{welcome}");
}

#[tokio::test]
async fn a_certificate_is_exchanged_as_a_whole_or_not_at_all() {
    let files = Files::of("first");
    let server = Server::bind(&files.config()).unwrap();
    let (address, certificates) = (server.local_addr(), server.certificates().unwrap());
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async { drop(stopped.await) }));
    let mut early = connect(address).await;
    assert_eq!(certificate_of(&early), certificate("first"));

    // The new certificate is there, and its key is not yet.
    std::fs::copy(made("second.pem"), files.certificate()).unwrap();
    let said = certificates.reload().unwrap_err().to_string();
    assert!(said.contains("certificate.pem") && said.contains("key.pem"), "{said}");
    assert_eq!(certificate_of(&connect(address).await), certificate("first"));

    files.become_those_of("second");
    certificates.reload().unwrap();
    let mut late = connect(address).await;
    assert_eq!(certificate_of(&late), certificate("second"));
    assert!(is_well(&mut early).await && is_well(&mut late).await);
}

#[test]
fn what_is_no_certificate_is_named() {
    for (bad, text) in [
        ("certificate.pem", None),
        ("certificate.pem", Some("nonsense")),
        ("key.pem", None),
        ("key.pem", Some("nonsense")),
    ] {
        let files = Files::of("first");
        let path = files.0.path().join(bad);
        match text {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _inside = runtime.enter();
        let said = Server::bind(&files.config()).err().unwrap().to_string();
        assert!(said.starts_with("cannot set up TLS: cannot read a "), "{said}");
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
}

/// Who opens a connection and says nothing holds nobody up, and is sent away.
#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    let files = Files::of("first");
    let config = files.config();
    let tls = Tls { handshake_timeout: Duration::from_millis(300), ..config.tls.clone() };
    let limits = Limits { max_connections: Some(3), ..config.limits.clone() };
    let server = TestServer::with(&Config { tls, limits, ..config }).await;
    let silent = [connect_only(&server).await, connect_only(&server).await];
    let mut other = connect(server.address).await;
    assert!(is_well(&mut other).await);
    for silent in silent {
        assert_eq!(wire::rest(silent).await, "");
    }
    drop(other);
    eventually("their places are free again", || async {
        let stream = TcpStream::connect(server.address).await.unwrap();
        match over(stream).await {
            Ok(mut stream) => is_well(&mut stream).await,
            Err(_) => false,
        }
    })
    .await;
}

/// As long as their hands are not shaken, they are connections like others.
#[tokio::test]
async fn who_shakes_hands_has_a_place() {
    let files = Files::of("first");
    let config = files.config();
    let limits = Limits { max_connections: Some(2), ..config.limits.clone() };
    let server = TestServer::with(&Config { limits, ..config }).await;
    let silent = [connect_only(&server).await, connect_only(&server).await];
    eventually("there are too many", || async {
        over(TcpStream::connect(server.address).await.unwrap()).await.is_err()
    })
    .await;
    drop(silent);
}

async fn connect_only(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

#[tokio::test]
async fn who_speaks_http_is_told_to_speak_https() {
    let files = Files::of("first");
    let server = TestServer::with(&files.config()).await;
    let answer = wire::rest(wire::open(server.address, HEALTH).await).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nThis port speaks TLS: ask with https://.\n"), "{answer}");
}

/// A server that shuts down does not wait for them.
#[tokio::test]
async fn a_handshake_ends_with_the_server() {
    let files = Files::of("first");
    let mut server = TestServer::with(&files.config()).await;
    let silent = connect_only(&server).await;
    server.stop();
    assert_eq!(wire::rest(silent).await, "");
    tokio::time::timeout(DEADLINE, server.ended()).await.unwrap();
}

/// What a reload says about it, which is nothing when it is the same.
#[tokio::test]
async fn a_reload_says_that_there_is_another_certificate() {
    let files = Files::of("first");
    let first = files.config();
    let again = first.clone();
    let server =
        Server::bind_reloadable(&first, Some(Arc::new(move || Ok(again.clone())))).unwrap();
    let server = TestServer::running(server);
    let request = "POST /operate/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let reload = || async {
        let mut stream = connect(server.address).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        wire::response(&mut stream).await
    };
    let answer = reload().await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("certificate"), "{answer}");
    files.become_those_of("second");
    let answer = reload().await;
    let file = files.certificate().display().to_string();
    let said = format!("\"certificate\":\"exchanged for that in {file}\"");
    assert!(answer.contains(&said), "{answer}");
    assert_eq!(certificate_of(&connect(server.address).await), certificate("second"));
}
