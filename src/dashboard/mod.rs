//! The dashboard: the static files of `web/`, embedded in the program, or read from a directory by whoever works on
//! them. What they show comes over `/ws` and `/history`; nothing is rendered here, and nothing decided about leases.
//!
//! Every answer carries the guards: a policy that allows nothing but the server's own files.

mod assets;
mod directory;

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use self::directory::Directory;

/// What the page may load, and from where: its own scripts, styles and images, and the feed.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const GUARDS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// The page itself, which is served at the root.
const PAGE: &str = "index.html";

/// Where the files come from.
#[derive(Clone, Debug, Default)]
pub struct Dashboard(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Embedded,
    Directory(Arc<Directory>),
}

impl Dashboard {
    /// The files in `directory`, or those of the program.
    ///
    /// # Errors
    /// The directory cannot be read or has no page.
    pub fn new(directory: Option<&Path>) -> io::Result<Self> {
        let Some(directory) = directory else {
            return Ok(Self(Source::Embedded));
        };
        let directory = Directory::open(directory)?;
        directory.read(PAGE)?;
        Ok(Self(Source::Directory(Arc::new(directory))))
    }

    /// The answer to a browser that asks for the root. `None`: the file is gone from its directory.
    pub(crate) async fn page(&self, asked: &HeaderMap) -> Option<Response> {
        self.file(PAGE, asked).await
    }

    /// The file of that name, such as `view/table.js`, if there is one.
    pub(crate) async fn file(&self, name: &str, asked: &HeaderMap) -> Option<Response> {
        let content_type = content_type(name)?;
        let bytes = match &self.0 {
            Source::Embedded => Cow::Borrowed(assets::find(name)?),
            Source::Directory(directory) => {
                let (directory, name) = (Arc::clone(directory), name.to_owned());
                let read = tokio::task::spawn_blocking(move || directory.read(&name)).await;
                Cow::Owned(read.ok()?.ok()?)
            }
        };
        Some(answer(content_type, bytes, asked))
    }
}

/// The browser keeps the file, and asks each time whether it is still good: after an upgrade, nothing is stale.
fn answer(content_type: &'static str, bytes: Cow<'static, [u8]>, asked: &HeaderMap) -> Response {
    let tag = tag(&bytes);
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| {
        tags.to_str().is_ok_and(|tags| {
            tags.split(',').map(|it| it.trim().trim_start_matches("W/")).any(|it| it == tag)
        })
    });
    let kept = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, tag)];
    if known {
        return (StatusCode::NOT_MODIFIED, GUARDS, kept).into_response();
    }
    (GUARDS, kept, [(header::CONTENT_TYPE, content_type)], bytes).into_response()
}

/// Changes with the contents. It guards against nobody who is up to something, so it need not be cryptographic.
fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("\"{:016x}\"", hasher.finish())
}

/// By the end of the name. What has none of these is not served.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    match end {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}
