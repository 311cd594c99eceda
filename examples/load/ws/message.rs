//! The messages of `throttle.v1` as far as load needs them: requests as text that is built once, and answers.

use std::borrow::Cow;

use serde::Deserialize;

use crate::Fallible;

/// What peers live on for, in milliseconds, when their connection is lost. They are released with it anyway.
const EXPIRES_IN_MS: u64 = 30_000;

/// An answer.
#[derive(Deserialize)]
pub(crate) struct Answer<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Which of the connection's peers it is for.
    #[serde(default)]
    pub(crate) peer: Option<usize>,
    #[serde(borrow, default)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Welcome,
    Opened,
    Granted,
    Queued,
    Released,
    Pong,
    Lost,
    Draining,
    Error,
    #[serde(other)]
    Unknown,
}

/// Gives out the messages of a frame. Those that no scenario can go on with are an error.
pub(crate) fn each_answer(
    text: &str,
    mut take: impl FnMut(&Answer<'_>) -> Fallible<()>,
) -> Fallible<()> {
    let mut take = |answer: &Answer<'_>| match answer.kind {
        Kind::Welcome
        | Kind::Opened
        | Kind::Granted
        | Kind::Queued
        | Kind::Released
        | Kind::Pong => take(answer),
        Kind::Lost | Kind::Draining => Err(format!("the server sent {text}").into()),
        Kind::Unknown => {
            Err(format!("the server sent a message of an unknown type: {text}").into())
        }
        Kind::Error => Err(refused(answer).into()),
    };
    if text.starts_with('[') {
        let answers: Vec<Answer<'_>> = serde_json::from_str(text)?;
        answers.iter().try_for_each(take)
    } else {
        take(&serde_json::from_str(text)?)
    }
}

fn refused(answer: &Answer<'_>) -> String {
    let Answer { code, message, .. } = answer;
    let hint = match &**code {
        "unknown_semaphore" => {
            "\nStart the server with `-c examples/load.toml`, or name one of its own semaphores with --semaphore."
        }
        "limit_exceeded" => "\nMore --connections need fewer peers each.",
        _ => "",
    };
    format!("the server refused a request, {code}: {message}{hint}")
}

/// The first message of a session.
pub(crate) const HELLO: &str = r#"{"type":"hello","client":"load"}"#;

/// Its answer says that all before it is done.
pub(crate) const PING: &str = r#"{"type":"ping","id":0}"#;

/// Makes a peer that vanishes with its connection.
pub(crate) fn open(peer: usize) -> String {
    format!(
        r#"{{"type":"open","id":{peer},"peer":{peer},"expires_in_ms":{EXPIRES_IN_MS},"on_disconnect":"release"}}"#
    )
}

/// Shows all semaphores from now on.
pub(crate) fn watch(every_ms: usize) -> String {
    format!(r#"{{"type":"watch","id":1,"every_ms":{every_ms}}}"#)
}

/// Writes what a peer says about what it wants, whose name is JSON.
pub(crate) type Phrase = fn(&mut String, peer: usize, name: &str);

pub(crate) fn acquire(text: &mut String, peer: usize, name: &str) {
    let mut itoa = itoa::Buffer::new();
    let peer = itoa.format(peer);
    let parts =
        [r#"{"type":"acquire","id":"#, peer, r#","peer":"#, peer, r#","want":{"#, name, ":1}}"];
    text.extend(parts);
}

/// Without an `id`, so that it is not answered.
pub(crate) fn release(text: &mut String, peer: usize, _name: &str) {
    text.extend([r#"{"type":"release","peer":"#, itoa::Buffer::new().format(peer), "}"]);
}

/// What a server answers to an acquire, with a fence as long as fences are. This is what an echo is sent.
pub(crate) fn granted(text: &mut String, peer: usize, name: &str) {
    let mut itoa = itoa::Buffer::new();
    let peer = itoa.format(peer);
    let parts = [r#"{"type":"granted","id":"#, peer, r#","peer":"#, peer, r#","locks":{"#, name];
    text.extend(parts);
    text.push_str(r#":{"count":1,"fence":1767225600000000}},"waited_ms":0}"#);
}
