//! The configuration, read again while the server runs: all of it is taken, or nothing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use throttle::access::Role;
use throttle::app::Server;
use throttle::config::Config;

use crate::access::{guarded, token_of};
use crate::operate::{call, code, refusal, row};
use crate::server::{TestServer, config, send, with_json};

/// A server whose file can be changed under it.
pub(crate) async fn reloadable(first: Config) -> (TestServer, Arc<Mutex<Result<Config, String>>>) {
    let file = Arc::new(Mutex::new(Ok(first.clone())));
    let source = Arc::clone(&file);
    let read = move || source.lock().unwrap().clone();
    let server = Server::bind_reloadable(&first, Some(Arc::new(read))).unwrap();
    (TestServer::running(server), file)
}

#[tokio::test]
async fn the_configuration_is_read_again_as_a_whole_or_not_at_all() {
    let (server, file) = reloadable(config(&[("A", 1, 0), ("B", 1, 0), ("C", 1, 0)])).await;
    let peer = server.new_peer().await;
    assert_eq!(server.acquire(peer, "B", 1).await, 200);
    call(&server, "PATCH", "/operate/semaphores/A", &json!({"max": 9})).await;
    call(&server, "POST", "/operate/semaphores", &json!({"name": "M", "max": 1})).await;

    *file.lock().unwrap() = Ok(config(&[("A", 5, 0), ("D", 1, 0)]));
    assert_eq!(refusal(&server, "POST", "/operate/reload", json!({})).await, code(409, "in_use"));
    assert_eq!(row(&server, "A").await["max"], 9, "nothing of it was taken");
    *file.lock().unwrap() = Err("throttle.toml:1:1: nonsense".to_owned());
    let (status, problem) = call(&server, "POST", "/operate/reload", &json!({})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_configuration")));
    assert_eq!(problem["detail"], "throttle.toml:1:1: nonsense.");

    let mut new = config(&[("A", 5, 0), ("B", 1, 0), ("D", 1, 0)]);
    new.limits.max_peers = 7;
    (new.threads, new.busy_poll, new.dynamic) = (Some(7), Duration::ZERO, true);
    *file.lock().unwrap() = Ok(new);
    let (_, reloaded) = call(&server, "POST", "/operate/reload", &json!({"why": "more"})).await;
    let changes: Vec<_> =
        reloaded["changes"].as_array().unwrap().iter().map(|change| &change["semaphore"]).collect();
    assert_eq!(changes, ["A", "D", "C"]);
    assert_eq!(reloaded["restart"], json!(["busy_poll", "dynamic", "limits", "threads"]));
    assert!(row(&server, "A").await.get("configured").is_none(), "it is as in the file again");
    assert_eq!(row(&server, "C").await, Value::Null);
    assert_eq!(row(&server, "M").await["max"], 1, "what an operator made stays");
}

#[tokio::test]
async fn without_a_file_nothing_is_read_again() {
    let server = TestServer::start(&[]).await;
    let expected = code(409, "no_configuration");
    assert_eq!(refusal(&server, "POST", "/operate/reload", json!({})).await, expected);
}

/// Whoever is not in the file any more is not let in any more, and whoever is new is.
#[tokio::test]
async fn tokens_are_exchanged_by_a_reload() {
    let first = guarded();
    let mut without = first.clone();
    without.tokens.retain(|token| token.role != Role::Observe);
    let (server, file) = reloadable(first).await;
    let status = |role, method: &str, path: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = with_json(server.request(method, path), "{}").bearer_auth(token_of(role));
        async { send(request).await.status }
    };
    assert_eq!(status(Role::Observe, "GET", "/operate/status").await, 200);
    *file.lock().unwrap() = Ok(without);
    assert_eq!(status(Role::Lease, "POST", "/operate/reload").await, 403);
    assert_eq!(status(Role::Observe, "GET", "/operate/status").await, 200);
    assert_eq!(status(Role::Operate, "POST", "/operate/reload").await, 200);
    assert_eq!(status(Role::Observe, "GET", "/operate/status").await, 401);
    assert_eq!(status(Role::Operate, "GET", "/operate/status").await, 200);

    // A file that was cut off does not let in everybody.
    let mut nobody = guarded();
    nobody.tokens.clear();
    *file.lock().unwrap() = Ok(nobody.clone());
    assert_eq!(status(Role::Operate, "POST", "/operate/reload").await, 422);
    assert_eq!(status(Role::Observe, "GET", "/operate/status").await, 401);
    nobody.insecure = true;
    *file.lock().unwrap() = Ok(nobody);
    let reload = with_json(server.request(Method::POST, "/operate/reload"), "{}");
    let reloaded = send(reload.bearer_auth(token_of(Role::Operate))).await.body;
    assert!(reloaded.contains(r#"\"the operate\" removed"#), "{reloaded}");
    assert_eq!(status(Role::Observe, "GET", "/operate/status").await, 200);
}

/// A file that is gone, empty or cut off does not take away everything; one that says that there are none does.
#[tokio::test]
async fn a_file_that_says_nothing_of_semaphores_removes_none() {
    let (server, file) = reloadable(config(&[("A", 1, 0)])).await;
    *file.lock().unwrap() = Ok(Config::default());
    let (status, problem) = call(&server, "POST", "/operate/reload", &json!({})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_configuration")));
    let expected = "There is no section [semaphores] any more, which would remove all of them: if that is meant, \
        leave the section empty.";
    assert_eq!(problem["detail"], expected);
    assert_eq!(row(&server, "A").await["max"], 1);
    *file.lock().unwrap() = Config::from_toml("[semaphores]\n", "x").map_err(|it| it.to_string());
    assert_eq!(call(&server, "POST", "/operate/reload", &json!({})).await.0, 200);
    assert_eq!(row(&server, "A").await, Value::Null);
    // There is nothing to lose now.
    *file.lock().unwrap() = Ok(Config::default());
    assert_eq!(call(&server, "POST", "/operate/reload", &json!({})).await.0, 200);
}

/// It would come back with a restart, so whoever looks should know.
#[tokio::test]
async fn what_the_file_has_and_an_operator_has_removed_is_named() {
    let (server, file) = reloadable(config(&[("A", 1, 0), ("B", 1, 0)])).await;
    let removed =
        || async { call(&server, "GET", "/operate/status", &json!({})).await.1["removed"].clone() };
    assert_eq!(removed().await, Value::Null);
    call(&server, "DELETE", "/operate/semaphores/B", &json!({})).await;
    assert_eq!(removed().await, json!(["B"]));
    *file.lock().unwrap() = Ok(config(&[("A", 1, 0), ("B", 1, 0)]));
    call(&server, "POST", "/operate/reload", &json!({})).await;
    assert_eq!(removed().await, Value::Null);
}
