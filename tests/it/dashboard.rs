//! The page's files over the network: what they come with, and that nothing else is given out.

use std::path::Path;

use reqwest::{Method, Response};
use throttle::app::{Server, StartError};
use throttle::config::Config;

use crate::server::{HTML, TestServer, config, read, send, text};

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn ask(server: &TestServer, method: Method, path: &str) -> Response {
    server.request(method, path).header("accept", BROWSER).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("{name} is missing")).to_str().unwrap()
}

fn assert_guarded(response: &Response) {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
        img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    assert_eq!(header(response, "content-security-policy"), policy);
    assert_eq!(header(response, "x-content-type-options"), "nosniff");
    assert_eq!(header(response, "referrer-policy"), "no-referrer");
    assert_eq!(header(response, "cache-control"), "no-cache");
}

#[tokio::test]
async fn a_browser_gets_the_page_and_a_program_the_greeting() {
    let server = TestServer::start(&[]).await;
    let page = ask(&server, Method::GET, "/").await;
    assert_guarded(&page);
    assert_eq!(header(&page, "vary"), "Accept");
    let page = read(page).await;
    assert_eq!((page.status, page.content_type.as_str()), (200, HTML));
    assert!(page.body.contains("web/main.js"), "{}", page.body);
    for accept in ["*/*", "application/json", "text/plain"] {
        let asked = server.request(Method::GET, "/").header("accept", accept);
        assert_eq!(send(asked).await, text(200, "Hello from Throttle!"), "{accept}");
    }
}

#[tokio::test]
async fn files_have_their_types_and_are_kept_by_the_browser() {
    let server = TestServer::start(&[]).await;
    for (path, content_type) in [
        ("/web/main.js", "text/javascript; charset=utf-8"),
        ("/web/view/table.js", "text/javascript; charset=utf-8"),
        ("/web/style/page.css", "text/css; charset=utf-8"),
        ("/web/icon.svg", "image/svg+xml"),
        ("/web/vendor/uplot/LICENSE.txt", "text/plain; charset=utf-8"),
    ] {
        let file = ask(&server, Method::GET, path).await;
        assert_guarded(&file);
        assert_eq!((file.status().as_u16(), header(&file, "content-type")), (200, content_type));
        let tag = header(&file, "etag").to_owned();
        let known =
            server.request(Method::GET, path).header("if-none-match", format!("\"x\", W/{tag}"));
        let known = known.send().await.unwrap();
        assert_eq!(
            (known.status().as_u16(), header(&known, "etag")),
            (304, tag.as_str()),
            "{path}"
        );
        assert_guarded(&known);
        let other = server.request(Method::GET, path).header("if-none-match", "\"x\"");
        assert_eq!(other.send().await.unwrap().status().as_u16(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_head_has_no_body() {
    let server = TestServer::start(&[]).await;
    for path in ["/", "/web/main.js"] {
        let head = ask(&server, Method::HEAD, path).await;
        assert_guarded(&head);
        let length: usize = header(&head, "content-length").parse().unwrap();
        assert!(length > 100, "{path}");
        assert_eq!(read(head).await.body, "", "{path}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_not_found_and_counted() {
    let server = TestServer::start(&[]).await;
    for path in
        ["/web/", "/web/nothing.js", "/web/view", "/web/package.json", "/web/view/../main.js%00"]
    {
        let page = server.get(path).await;
        assert_eq!((page.status, page.content_type.as_str()), (404, HTML), "{path}");
    }
    assert_eq!(server.metric("throttle_num_404").await, Some(5.0));
    assert_eq!(server.post("/web/main.js", "1").await, text(405, "Method not allowed"));
}

fn in_directory(directory: &Path) -> Config {
    Config { web_dir: Some(directory.to_owned()), ..config(&[]) }
}

#[tokio::test]
async fn while_developing_files_are_read_anew_and_nothing_outside_is() {
    let outer = tempfile::tempdir().unwrap();
    let web = outer.path().join("web");
    std::fs::create_dir(&web).unwrap();
    std::fs::write(outer.path().join("secret.txt"), "secret").unwrap();
    std::fs::write(web.join("index.html"), "first").unwrap();
    let server = TestServer::with(&in_directory(&web)).await;
    assert_eq!(read(ask(&server, Method::GET, "/").await).await.body, "first");
    std::fs::write(web.join("index.html"), "second").unwrap();
    assert_eq!(read(ask(&server, Method::GET, "/").await).await.body, "second");
    assert_eq!(server.get("/web/index.html").await.body, "second");
    for path in [
        "/web/%2e%2e/secret.txt",
        "/web/..%2fsecret.txt",
        "/web/%2e%2e%2fsecret.txt",
        "/web/..%5csecret.txt",
        "/web//etc/passwd",
        "/web/%2fetc%2fpasswd",
        "/web/index.html/../../secret.txt",
        "/web/%252e%252e/secret.txt",
    ] {
        let status = server.get(path).await.status;
        assert_eq!(status, 404, "{path}");
    }
    // Nothing is left of it: programs and browsers get the greeting.
    std::fs::remove_file(web.join("index.html")).unwrap();
    assert_eq!(read(ask(&server, Method::GET, "/").await).await, text(200, "Hello from Throttle!"));
}

#[tokio::test]
async fn a_directory_without_a_page_is_no_start() {
    let empty = tempfile::tempdir().unwrap();
    for directory in [empty.path(), Path::new("/nonexistent")] {
        let Err(error) = Server::bind(&in_directory(directory)) else {
            panic!("it starts without {}", directory.display());
        };
        assert!(matches!(error, StartError::Dashboard { .. }));
        assert!(error.to_string().contains("--web-dir"), "{error}");
    }
}
