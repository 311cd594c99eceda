//! TLS: the certificate, which can be exchanged while the server runs, and the handshake.
//!
//! A handshake runs in its connection's own task and within a time limit, so nobody else waits for it. A certificate is
//! exchanged as a whole or not at all; who is connected already goes on with the one before.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::config::{Config, TlsFiles, check_regular};

/// What is spoken over TLS. HTTP/2 has no upgrades of the kind that sessions begin with.
const PROTOCOL: &[u8] = b"http/1.1";

/// A TLS connection begins with this byte. No HTTP request does.
const HANDSHAKE: u8 = 22;

/// For whoever speaks HTTP where TLS is spoken.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 41\r\n\
    Connection: close\r\n\r\nThis port speaks TLS: ask with https://.\n";

/// So much of what it says is thrown away.
const DISCARD_BYTES: u64 = 1 << 16;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or is not what it should be.
    #[error("cannot read {what} in {}: {error}", path.display())]
    Unreadable {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// The two do not belong together, or are of a kind that is not known.
    #[error(
        "cannot use the certificate in {} with the key in {}: {error}",
        files.certificate.display(), files.key.display()
    )]
    Unusable {
        /// The two files.
        files: TlsFiles,
        /// What is wrong with them.
        error: rustls::Error,
    },
}

/// The certificate of a server, with its key.
#[derive(Debug)]
pub struct Certificates {
    files: TlsFiles,
    current: RwLock<Current>,
}

/// What is spoken with now.
#[derive(Clone, Debug)]
struct Current {
    /// The certificate and those that vouch for it.
    chain: Vec<CertificateDer<'static>>,
    config: Arc<ServerConfig>,
}

impl Certificates {
    /// Reads them.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(read(files)?);
        Ok(Self { files: files.clone(), current })
    }

    /// Reads the files again, for connections from now on. If anything is wrong with them, nothing changes.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn reload(self: &Arc<Self>) -> Result<(), TlsError> {
        self.prepare().map(Renewal::take)
    }

    /// Reads the files again, and changes nothing yet.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn prepare(self: &Arc<Self>) -> Result<Renewal, TlsError> {
        Ok(Renewal { of: Arc::clone(self), new: read(&self.files)? })
    }

    /// Shakes hands, within `limit`.
    pub(super) async fn accept(
        &self,
        mut stream: TcpStream,
        limit: Duration,
    ) -> io::Result<TlsStream<TcpStream>> {
        let config =
            Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).config);
        let shaking = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first[0] == HANDSHAKE {
                return TlsAcceptor::from(config).accept(stream).await;
            }
            stream.write_all(PLAIN).await?;
            stream.shutdown().await?;
            // Closing first, with the request unread, could cost the other side the answer.
            tokio::io::copy(&mut stream.take(DISCARD_BYTES), &mut tokio::io::sink()).await?;
            Err(io::Error::new(io::ErrorKind::InvalidData, "it does not speak TLS"))
        };
        tokio::time::timeout(limit, shaking).await?
    }
}

/// Certificates that were read again and are good.
#[derive(Debug)]
pub struct Renewal {
    of: Arc<Certificates>,
    new: Current,
}

impl Renewal {
    /// What will be different, in words.
    pub fn change(&self) -> Option<String> {
        let current = self.of.current.read().unwrap_or_else(PoisonError::into_inner);
        let file = self.of.files.certificate.display();
        (current.chain != self.new.chain).then(|| format!("exchanged for that in {file}"))
    }

    /// From now on connections get these.
    pub fn take(self) {
        *self.of.current.write().unwrap_or_else(PoisonError::into_inner) = self.new;
    }
}

/// What keeps a server from speaking TLS with the files that are configured, each with the setting that it is about.
pub fn obstacles(config: &Config) -> Vec<(&'static str, String)> {
    const CERTIFICATE: &str = "tls.certificate";
    let Some(files) = config.tls.files() else { return Vec::new() };
    let found = match (chain(&files.certificate), key(&files.key)) {
        (Ok(chain), Ok(key)) => {
            vec![together(&files, chain, key).err().map(|it| (CERTIFICATE, it))]
        }
        (chain, key) => {
            vec![chain.err().map(|it| (CERTIFICATE, it)), key.err().map(|it| ("tls.key", it))]
        }
    };
    found.into_iter().flatten().map(|(key, error)| (key, error.to_string())).collect()
}

fn read(files: &TlsFiles) -> Result<Current, TlsError> {
    together(files, chain(&files.certificate)?, key(&files.key)?)
}

fn together(
    files: &TlsFiles,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Current, TlsError> {
    let unusable = |error| TlsError::Unusable { files: files.clone(), error };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain.clone(), key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Current { chain, config: Arc::new(config) })
}

/// All certificates of a file, of which there must be one.
fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    from_file("a certificate", path, |path| {
        let chain = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
        if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) }
    })
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    from_file("a private key", path, |path| PrivateKeyDer::from_pem_file(path))
}

fn from_file<T>(
    what: &'static str,
    path: &Path,
    read: impl FnOnce(&Path) -> Result<T, pem::Error>,
) -> Result<T, TlsError> {
    let found = check_regular(path).map_err(pem::Error::Io).and_then(|()| read(path));
    found.map_err(|error| TlsError::Unreadable { what, path: path.to_owned(), error })
}
