//! What no good client sends. Each is answered with a clear refusal, and nobody else notices.

use reqwest::Method;

use crate::server::{Answer, TestServer, json, send, text, with_json};

/// The server works and the peer that was there before still holds its lock.
async fn undisturbed(server: &TestServer, holder: u64) {
    assert_eq!(server.get("/health").await, text(200, "Ok"));
    assert_eq!(server.put(&format!("/peers/{holder}/A"), "1").await, json(200, holder));
    assert_eq!(server.remainder("A").await, "4");
}

async fn with_holder() -> (TestServer, u64) {
    let server = TestServer::start(&[("A", 5, 0)]).await;
    let holder = server.new_peer().await;
    assert_eq!(server.acquire(holder, "A", 1).await, 200);
    (server, holder)
}

#[track_caller]
fn refused(answer: &Answer, status: u16, about: &str, request: &str) {
    assert_eq!(answer.status, status, "{request}: {answer:?}");
    assert_eq!(answer.content_type, "text/plain; charset=utf-8", "{request}: {answer:?}");
    assert!(answer.body.contains(about), "{request}: {answer:?}");
    assert!(!answer.body.ends_with('\n'), "{request}: {answer:?}");
}

#[tokio::test]
async fn counts_that_are_none() {
    let (server, holder) = with_holder().await;
    let peer = server.new_peer().await;
    let counts = [
        ("0", 400, "Found: 0."),
        ("-1", 400, "Found: -1."),
        ("2147483647", 409, "can never be acquired"),
        ("2147483648", 409, "can never be acquired"),
        ("9007199254740991", 409, "can never be acquired"),
        ("9007199254740993", 409, "asks for count 9007199254740993 yet full count is only 5."),
        ("9223372036854775807", 409, "can never be acquired"),
        ("-9223372036854775808", 400, "Found: -9223372036854775808."),
        ("9223372036854775808", 422, "Unexpected body"),
        ("18446744073709551615", 422, "Unexpected body"),
        ("18446744073709551616", 422, "Unexpected body"),
        ("1.0", 422, "Unexpected body"),
        ("1e2", 422, "Unexpected body"),
        ("-0", 422, "Unexpected body"),
        ("1e400", 400, "Malformed JSON"),
        ("\"1\"", 422, "Unexpected body"),
        ("null", 422, "Unexpected body"),
        ("{}", 422, "Unexpected body"),
        ("[1]", 422, "Unexpected body"),
        ("", 400, "Malformed JSON"),
        ("1 1", 400, "Malformed JSON"),
        ("{", 400, "Malformed JSON"),
        ("NaN", 400, "Malformed JSON"),
        ("\u{feff}1", 400, "Malformed JSON"),
    ];
    for (count, status, about) in counts {
        refused(&server.put(&format!("/peers/{peer}/A"), count).await, status, about, count);
    }
    undisturbed(&server, holder).await;
}

#[tokio::test]
async fn ids_that_are_none() {
    let (server, holder) = with_holder().await;
    let ids = ["-1", "-0", "1.5", "abc", "18446744073709551616", "%FF", "1e3", "+"];
    for id in ids {
        let beat = server.put(&format!("/peers/{id}"), r#"{"expires_in":"5m"}"#).await;
        refused(&beat, 400, "Malformed path", id);
        refused(&server.put(&format!("/peers/{id}/A"), "1").await, 400, "Malformed path", id);
        refused(&server.delete(&format!("/peers/{id}")).await, 400, "Malformed path", id);
        refused(&server.delete(&format!("/peers/{id}/A")).await, 400, "Malformed path", id);
        let acquired = server.get(&format!("/peers/{id}/is_acquired")).await;
        refused(&acquired, 400, "Malformed path", id);
    }
    for id in [0, 1 << 31, (1 << 53) - 1, (1 << 53) + 1, 1 << 63, u64::MAX] {
        assert_eq!(server.is_acquired(id).await, text(400, "Unknown peer"));
    }
    let body = |id: &str| format!(r#"{{"expires_in":"5m","peer_id":{id},"acquired":{{}}}}"#);
    for (id, status) in [("-1", 422), ("-0", 422), ("1.0", 422), ("\"1\"", 422), ("1e400", 400)] {
        refused(&server.post("/restore", &body(id)).await, status, "", id);
    }
    refused(&server.post("/restore", &body("18446744073709551616")).await, 422, "", "2^64");
    undisturbed(&server, holder).await;
}

#[tokio::test]
async fn names_that_are_none() {
    let (server, holder) = with_holder().await;
    let long = "x".repeat(5_000);
    for name in ["%00", "a%0Ab", long.as_str(), "B", "%F0%9F%92%A3"] {
        let path = format!("/peers/{holder}/{name}");
        assert_eq!(server.put(&path, "1").await, text(400, "Unknown semaphore"), "{name}");
        assert_eq!(server.delete(&path).await, text(400, "Unknown semaphore"), "{name}");
    }
    let broken = server.put(&format!("/peers/{holder}/%FF"), "1").await;
    refused(&broken, 400, "Malformed path", "%FF");
    undisturbed(&server, holder).await;
}

#[tokio::test]
async fn durations_that_are_none() {
    let (server, holder) = with_holder().await;
    let peer = server.new_peer().await;
    let body = |duration: &str| format!(r#"{{"expires_in":{duration}}}"#);
    let restore =
        |duration: &str| format!(r#"{{"expires_in":{duration},"peer_id":9,"acquired":{{}}}}"#);
    for wrong in ["\"\"", "\"5\"", "\"-5m\"", "\"5 parsecs\"", "300", "null", "{}"] {
        let about = "a duration such as \"5m\"";
        refused(&server.post("/new_peer", &body(wrong)).await, 422, about, wrong);
        refused(&server.put(&format!("/peers/{peer}"), &body(wrong)).await, 422, about, wrong);
        refused(&server.post("/restore", &restore(wrong)).await, 422, about, wrong);
    }
    for long in ["500000000000years", "500000000000y", "366days"] {
        let quoted = format!("\"{long}\"");
        let about = "The duration is too long. At most 365d is allowed.";
        refused(&server.post("/new_peer", &body(&quoted)).await, 422, about, long);
        refused(&server.put(&format!("/peers/{peer}"), &body(&quoted)).await, 422, about, long);
        refused(&server.post("/restore", &restore(&quoted)).await, 422, about, long);
        let path = format!("/peers/{peer}/A?expires_in={long}");
        refused(&server.put(&path, "1").await, 400, about, long);
        let path = format!("/peers/{peer}/A?block_for={long}");
        refused(&server.put(&path, "1").await, 400, about, long);
    }
    let zero = "longer than zero";
    refused(&server.post("/new_peer", &body("\"0s\"")).await, 422, zero, "0s");
    undisturbed(&server, holder).await;
}

#[tokio::test]
async fn queries_that_are_none() {
    let (server, holder) = with_holder().await;
    let queries = [
        "block_for=",
        "block_for=5",
        "block_for=x",
        "expires_in=-1s",
        "unknown=1",
        "block_for=1s&block_for=1s",
        "expires_in=99999999999999999999999999years",
    ];
    for query in queries {
        let answer = server.put(&format!("/peers/{holder}/A?{query}"), "1").await;
        refused(&answer, 400, "Malformed query", query);
    }
    undisturbed(&server, holder).await;
}

#[tokio::test]
async fn bodies_that_are_none() {
    let (server, holder) = with_holder().await;
    let object = "expected an object such as {\"expires_in\":\"5m\"";
    let counts = "expected an object of semaphores' names with counts";
    let bodies = [
        ("/new_peer", "{", 400, "Malformed JSON: EOF"),
        ("/new_peer", "{}", 422, "missing field `expires_in`"),
        ("/new_peer", r#"{"expires_in":"5m","more":1}"#, 422, "unknown field `more`"),
        ("/new_peer", r#"{"expires_in":"5m","expires_in":"5m"}"#, 422, "duplicate field"),
        ("/new_peer", "\"5m\"", 422, object),
        ("/new_peer", r#"["5m"]"#, 422, object),
        ("/restore", r#"["5m",7,{}]"#, 422, object),
        ("/restore", r#"{"expires_in":"5m","peer_id":1}"#, 422, "missing field `acquired`"),
        (
            "/restore",
            r#"{"expires_in":"5m","peer_id":1,"acquired":{},"more":1}"#,
            422,
            "unknown field `more`",
        ),
        ("/restore", r#"{"expires_in":"5m","peer_id":1,"acquired":[]}"#, 422, counts),
        ("/restore", r#"{"expires_in":"5m","peer_id":1,"acquired":{"A":"1"}}"#, 422, "string"),
        ("/restore", r#"{"expires_in":"5m","peer_id":1,"acquired":{"A":1.5}}"#, 422, "1.5"),
        (
            "/restore",
            r#"{"expires_in":"5m","peer_id":1,"acquired":{},"slots":[0]}"#,
            422,
            "expected an object of semaphores' names with lists of numbers from 0",
        ),
        (
            "/restore",
            r#"{"expires_in":"5m","peer_id":1,"acquired":{"A":1,"A":1}}"#,
            422,
            "\"A\" is named twice",
        ),
    ];
    for (path, body, status, about) in bodies {
        refused(&server.post(path, body).await, status, about, body);
    }
    refused(&server.put("/peers/7", r#"["5m"]"#).await, 422, object, "an array as heartbeat");
    let deep = "[".repeat(60_000);
    refused(&server.post("/new_peer", &deep).await, 400, "Malformed JSON", "a deep body");
    undisturbed(&server, holder).await;
}

#[tokio::test]
async fn bodies_that_do_not_say_they_are_json() {
    let (server, holder) = with_holder().await;
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = server.request(Method::POST, "/new_peer").body(r#"{"expires_in":"5m"}"#);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        refused(&send(request).await, 415, "application/json", "/new_peer");
    }
    let request = server.request(Method::PUT, &format!("/peers/{holder}/A")).body("1");
    refused(&send(request).await, 415, "application/json", "acquire");
    let request = server.request(Method::POST, "/new_peer").body(r#"{"expires_in":"5m"}"#);
    let request = request.header("content-type", "application/json; charset=utf-8");
    assert_eq!(send(request).await.status, 200);
    undisturbed(&server, holder).await;
}

#[tokio::test]
async fn bodies_that_are_too_large() {
    let (server, holder) = with_holder().await;
    let about = "The body is too large. At most 65536 bytes are allowed.";
    for bytes in [65_537, 200_000, 5_000_000] {
        let body = format!("{}1", " ".repeat(bytes - 1));
        let request = server.request(Method::PUT, &format!("/peers/{holder}/A"));
        // A client may also see that its connection is closed while it still sends that much.
        match with_json(request, &body).send().await {
            Ok(response) => {
                refused(&crate::server::read(response).await, 413, about, &bytes.to_string());
            }
            Err(error) => assert!(bytes == 5_000_000, "{bytes}: {error:?}"),
        }
    }
    let fits = format!("{}1", " ".repeat(65_535));
    assert_eq!(server.put(&format!("/peers/{holder}/A"), &fits).await, json(200, holder));
    undisturbed(&server, holder).await;
}
