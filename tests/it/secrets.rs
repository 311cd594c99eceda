//! No token is ever written anywhere: a server that tells all it can is shown tokens in every way that there is, and then
//! its log, its metrics and its answers are searched for them.

use reqwest::Client as Http;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use futures_util::{SinkExt, StreamExt};
use throttle::access::Token;

use crate::process::{Process, command};
use crate::server::DEADLINE;

/// Looks like nothing else. The first one is good.
const TOKENS: [&str; 2] = ["xyzzy-good-plugh", "xyzzy-bad-plugh"];
const TRACE_OF_ONE: &str = "xyzzy";

#[tokio::test]
async fn tokens_are_nowhere() {
    let mut process = Process::start(&format!(
        "[semaphores]\nA = 1\n[logging.stderr]\nlevel = \"TRACE\"\n{}",
        settings(TOKENS[0])
    ));
    let mut answers = String::new();
    for token in TOKENS {
        over_rest(&process, token, &mut answers).await;
        over_a_header(&process, token, &mut answers).await;
        in_hello(&process, token, &mut answers).await;
    }
    assert!(answers.contains("throttle_http_requests_total") && answers.contains("welcome"));
    assert!(answers.contains("unauthorized") && answers.contains("not known here"), "{answers}");
    process.signal("TERM");
    assert_eq!(process.exit_code().await, Some(0));
    let log = process.log();
    assert!(log.contains("DEBUG") && log.contains("a session ended"), "{log}");
    let digest = Token::new(TOKENS[0]).digest().to_hex();
    for text in [&answers, &log] {
        assert!(!text.contains(TRACE_OF_ONE) && !text.contains(&digest), "{text}");
    }
}

fn settings(token: &str) -> String {
    let digest = Token::new(token).digest().to_hex();
    format!("[[auth.tokens]]\nname = \"a\"\nrole = \"operate\"\nsha256 = \"{digest}\"\n")
}

async fn over_rest(process: &Process, token: &str, answers: &mut String) {
    for value in [format!("Bearer {token}"), token.to_owned(), format!("Basic {token}")] {
        let url = format!("http://{}/metrics", process.address);
        let request = Http::new().get(url).header("authorization", value).timeout(DEADLINE);
        let response = request.send().await.unwrap();
        answers.push_str(&format!("{:?}", response.headers()));
        answers.push_str(&response.text().await.unwrap());
    }
}

async fn over_a_header(process: &Process, token: &str, answers: &mut String) {
    let bearer = format!("Bearer {token}");
    let offer = format!("throttle.v1, bearer.{token}");
    for (name, value) in [("authorization", bearer), ("sec-websocket-protocol", offer)] {
        let mut request = format!("ws://{}/ws", process.address).into_client_request().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
        let stream = TcpStream::connect(process.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((_, response)) => answers.push_str(&format!("{response:?}")),
            Err(error) => answers.push_str(&format!("{error:?}")),
        }
    }
}

/// Also where no token can be: a frame that is no JSON, a message that is none, a field that is something else.
async fn in_hello(process: &Process, token: &str, answers: &mut String) {
    let request = format!("ws://{}/ws", process.address).into_client_request().unwrap();
    let stream = TcpStream::connect(process.address).await.unwrap();
    let (mut socket, _) = client_async(request, stream).await.unwrap();
    for text in [
        format!("{{\"type\":\"hello\",\"token\":\"{token}\""),
        json!({"type": "hello", "token": [token]}).to_string(),
        json!({"type": "hello", "token": token.repeat(1_000)}).to_string(),
        json!({"type": "hello", "token": token}).to_string(),
    ] {
        socket.send(Message::text(text)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        answers.push_str(&answer.to_string());
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

/// What it prints is enough to let somebody in, and it keeps nothing.
#[tokio::test]
async fn a_new_token_lets_its_owner_in() {
    let made = command().args(["token", "ci", "--role", "observe"]).output().unwrap();
    assert!(made.status.success());
    let token = String::from_utf8(made.stdout).unwrap();
    let settings = String::from_utf8(made.stderr).unwrap();
    assert_eq!(token.trim().len(), 64, "{token}");
    assert!(!settings.contains(token.trim()), "{settings}");
    let process = Process::start(&settings);
    let url = format!("http://{}/peers/", process.address);
    let with = Http::new().get(&url).bearer_auth(token.trim()).send().await.unwrap();
    assert_eq!(with.status(), 200);
    assert_eq!(Http::new().get(&url).send().await.unwrap().status(), 401);
}
