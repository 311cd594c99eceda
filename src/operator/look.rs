//! One look at the server: what is asked, and what becomes of the answers.

use serde::Serialize;
use serde_json::value::RawValue;

use super::address::encoded;
use super::details;
use super::failure::Failure;
use super::overview::Overview;
use super::server::Server;
use super::shapes::{About, Row};
use super::table::Style;
use crate::printable::is_unseen;

/// What is looked at.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// The server and all of its semaphores.
    Everything,
    /// One semaphore.
    Semaphore(String),
    /// One peer.
    Peer(String),
}

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// For people.
    Text(Style),
    /// For programs: one line.
    Json,
}

#[derive(Serialize)]
struct Document {
    server: Box<RawValue>,
    semaphores: Box<RawValue>,
}

/// Looks once. The lines are inert.
pub(super) fn look(server: &Server, subject: &Subject, form: Form) -> Result<Vec<String>, Failure> {
    match subject {
        Subject::Everything => everything(server, form),
        Subject::Semaphore(name) => {
            let answer = server.get(&semaphore(name))?;
            match form {
                Form::Text(style) => Ok(details::semaphore(&server.understand(&answer)?, style)),
                Form::Json => document(&server.understand::<Box<RawValue>>(&answer)?),
            }
        }
        Subject::Peer(id) => {
            let answer = server.get(&peer(id))?;
            match form {
                Form::Text(style) => Ok(details::peer(&server.understand(&answer)?, style)),
                Form::Json => document(&server.understand::<Box<RawValue>>(&answer)?),
            }
        }
    }
}

/// The route of a semaphore.
pub(super) fn semaphore(name: &str) -> String {
    format!("/operate/semaphores/{}", encoded(name))
}

/// The route of a peer.
pub(super) fn peer(id: &str) -> String {
    format!("/operate/peers/{}", encoded(id))
}

fn everything(server: &Server, form: Form) -> Result<Vec<String>, Failure> {
    let semaphores = server.get("/operate/semaphores")?;
    // Later, since it tells the time: what was taken after that would look like more than it is.
    let status = server.get("/operate/status")?;
    match form {
        Form::Text(style) => {
            let rows: Vec<Row> = server.understand(&semaphores)?;
            let about: About = server.understand(&status)?;
            let now_ms = about.now_ms.unwrap_or(semaphores.at_ms);
            let overview = Overview { url: server.url(), about: &about, rows: &rows, now_ms };
            Ok(overview.lines(style))
        }
        Form::Json => {
            let (server, semaphores) =
                (server.understand(&status)?, server.understand(&semaphores)?);
            document(&Document { server, semaphores })
        }
    }
}

fn document(document: &impl Serialize) -> Result<Vec<String>, Failure> {
    Ok(vec![inert(&serde_json::to_string(document).unwrap_or_default())])
}

/// The same document in one line, without anything that a terminal obeys: outside of its texts JSON has no other
/// characters that cannot be seen than line breaks and the like, and within them each can be written as its code.
fn inert(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if is_unseen(c) => {
                let mut units = [0; 2];
                line.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_and_cannot_be_obeyed() {
        let json = "{\"a\":\n \"\u{9b}31m\u{202e}\u{e0001} é\\u001b\"}";
        let line = inert(json);
        assert_eq!(line, r#"{"a":  "\u009b31m\u202e\udb40\udc01 é\u001b"}"#);
        let [before, after]: [serde_json::Value; 2] =
            [json, &line].map(|json| serde_json::from_str(json).unwrap());
        assert_eq!(before, after);
    }
}
