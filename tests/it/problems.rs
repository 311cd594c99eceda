//! What operators are told when something is wrong with the request itself: always a problem document, and always told.

use reqwest::Method;
use serde_json::{Value, json};
use throttle::access::Role;

use crate::access::{BAD_TOKEN, guarded, token_of};
use crate::server::{TestServer, read, with_json};

/// The status, the code and the detail of a problem, and whether the connection is over.
async fn problem(request: reqwest::RequestBuilder) -> (u16, String, String, bool) {
    let response = request.send().await.unwrap();
    let closed = response.headers().get("connection").is_some_and(|value| value == "close");
    let answer = read(response).await;
    assert_eq!(answer.content_type, "application/problem+json", "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], answer.status, "{body}");
    let [code, detail] = ["code", "detail"].map(|key| body[key].as_str().unwrap().to_owned());
    (answer.status, code, detail, closed)
}

/// The fields' values alone would do for serde.
#[tokio::test]
async fn an_array_is_no_object() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    for (method, path, body) in [
        (Method::POST, "/operate/semaphores", json!(["B", 1, 0, "why"])),
        (Method::PATCH, "/operate/semaphores/A", json!([2, 0, false, null])),
        (Method::POST, "/operate/semaphores/A/free", json!(["1s", null])),
        (Method::POST, "/operate/peers/1/revoke", json!([])),
        (Method::POST, "/operate/reload", json!(["why"])),
    ] {
        let request = with_json(server.request(method, path), &body.to_string());
        let (status, code, detail, closed) = problem(request).await;
        assert_eq!((status, code.as_str(), closed), (422, "invalid_request", false), "{path}");
        assert!(detail.contains("expected an object such as {"), "{detail}");
    }
    assert_eq!(server.remainder("A").await, "1");
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_its_answer() {
    let server = TestServer::start(&[("A", 1, 0)]).await;
    for bytes in [70_000, 900_000] {
        let free = server.request(Method::POST, "/operate/semaphores/A/free");
        let (status, code, detail, closed) = problem(with_json(free, &" ".repeat(bytes))).await;
        assert_eq!((status, code.as_str(), closed), (413, "invalid_request", true));
        assert_eq!(detail, "The body is too large. At most 65536 bytes are allowed.");
    }
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_so_in_a_problem() {
    let server = TestServer::with(&guarded()).await;
    let free = || server.request(Method::POST, "/operate/semaphores/A/free");
    let status = || server.request(Method::GET, "/operate/status");
    let low = token_of(Role::Lease);
    for (request, expected, code, detail) in [
        (status(), 401, "unauthorized", "A token is needed. Send the header"),
        (status().bearer_auth(BAD_TOKEN), 401, "unauthorized", "The token is not known here."),
        (free().bearer_auth(low), 403, "forbidden", "The role of the token is lease; this needs"),
        (free().header("origin", "https://evil.example"), 403, "forbidden", "Requests from pages"),
        (server.request(Method::PUT, "/operate/status"), 405, "method_not_allowed", "Method not"),
        (
            server.request(Method::GET, "/operate/nothing/x"),
            404,
            "unknown_path",
            "There is nothing",
        ),
        (server.request(Method::PUT, "/operate/nothing"), 404, "unknown_path", "There is nothing"),
    ] {
        let (status, said_code, said, closed) = problem(request).await;
        assert_eq!((status, said_code.as_str(), closed), (expected, code, false), "{said}");
        assert!(said.starts_with(detail), "{said}");
    }
    let asked = status().send().await.unwrap();
    assert_eq!(asked.headers()["www-authenticate"], "Bearer");
    let wrong = server.request(Method::PUT, "/operate/status").send().await.unwrap();
    assert_eq!(wrong.headers()["allow"], "GET,HEAD");
    // Elsewhere it is said as ever.
    assert_eq!(
        server.get("/remainder?semaphore=A").await.content_type,
        "text/plain; charset=utf-8"
    );
}
