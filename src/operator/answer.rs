//! What the server answers, and what people are told when it is not what was asked for.

use serde::Deserialize;
use ureq::Error;
use ureq::http::StatusCode;

use super::failure::Failure;

/// So much of an odd answer is shown.
const MAX_SHOWN_CHARACTERS: usize = 2_000;

/// A good answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// JSON.
    pub(super) body: String,
    /// When it was given, by the server's clock: cut off to seconds, so it is up to one ago.
    pub(super) at_ms: u64,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
    code: Option<String>,
}

/// There is no answer. What was only looked at has not changed.
pub(super) fn unreached(url: &str, error: &Error, looked: bool) -> Failure {
    const ELSEWHERE: &str = "--server or THROTTLE_SERVER name another one";
    let said = said(error);
    Failure::Trouble(if is_of_tls(error) {
        format!(
            "cannot speak TLS with {url}: {said}; --ca or THROTTLE_CA name a file with certificates to trust"
        )
    } else if matches!(error, Error::Timeout(_)) && looked {
        format!("{url} does not answer in time ({said}); {ELSEWHERE}")
    } else if matches!(error, Error::Timeout(_)) {
        format!(
            "{url} does not answer in time ({said}): whether it was done is not known, \
             `throttle status` tells"
        )
    } else if matches!(error, Error::Io(_) | Error::HostNotFound | Error::ConnectionFailed) {
        format!("cannot reach {url}: {said}; is a server there? {ELSEWHERE}")
    } else {
        format!("cannot make sense of {url}: {said}; is it a throttle server? {ELSEWHERE}")
    })
}

/// What there is to say about it.
pub(super) fn said(error: &Error) -> String {
    let said = error.to_string();
    // Its own name for what the system says is of no use to anybody.
    let said = said.strip_prefix("io: ").unwrap_or(&said);
    if said.contains("CaUsedAsEndEntity") {
        return "the server's certificate is one for an authority (CA:TRUE), and not for a server (CA:FALSE)"
            .to_owned();
    }
    said.to_owned()
}

fn is_of_tls(error: &Error) -> bool {
    if let Error::Io(error) = error {
        return error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    }
    matches!(error, Error::Rustls(_) | Error::Tls(_) | Error::Pem(_))
}

/// The answer is not what a server of this version says.
pub(super) fn odd(url: &str, error: &serde_json::Error) -> Failure {
    Failure::Trouble(format!(
        "{url} answers something else than was asked: {error}; is it a throttle server?"
    ))
}

/// The answer is no.
pub(super) fn refused(
    url: &str,
    status: StatusCode,
    body: &str,
    is_problem: bool,
    token_shown: bool,
) -> Failure {
    let problem = is_problem.then(|| serde_json::from_str::<Problem>(body).ok()).flatten();
    let is_ours = problem.is_some();
    let in_use = problem.as_ref().and_then(|it| it.code.as_deref()) == Some("in_use");
    let detail = problem.map_or_else(|| body.to_owned(), |problem| problem.detail);
    let detail: String = detail.trim().chars().take(MAX_SHOWN_CHARACTERS).collect();
    match status {
        StatusCode::UNAUTHORIZED if token_shown => Failure::Refused(format!(
            "{url} does not know this token: check --token-file or THROTTLE_TOKEN"
        )),
        StatusCode::UNAUTHORIZED => Failure::Refused(format!(
            "{url} asks for a token: give one with --token-file FILE or THROTTLE_TOKEN"
        )),
        StatusCode::FORBIDDEN => Failure::Refused(format!(
            "{url} does not allow this: {detail} Another token is given with --token-file FILE or THROTTLE_TOKEN"
        )),
        _ if status.is_server_error() && is_ours => Failure::Trouble(format!("{url}: {detail}")),
        _ if in_use => Failure::InUse(detail),
        _ if is_ours => Failure::Refused(detail),
        // Pages of others are not worth reading.
        _ => Failure::Trouble(format!(
            "{url} answers {status}; is it a throttle server of version {} or later?",
            env!("CARGO_PKG_VERSION")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let problem = r#"{"detail":"There is no semaphore \"A\"."}"#;
        for (status, body, is_problem, token, code, said) in [
            (404, problem, true, false, 1, "There is no semaphore \"A\"."),
            (404, "<html>", false, false, 125, "answers 404 Not Found; is it"),
            (503, problem, true, false, 125, "There is no"),
            (401, "A token is needed.", false, false, 1, "--token-file FILE or THROTTLE_TOKEN"),
            (401, "The token is not known here.", false, true, 1, "does not know this token"),
            (
                403,
                "The role of the token is lease; this needs operate.",
                false,
                true,
                1,
                "this needs operate. Another",
            ),
            (302, "", false, true, 125, "answers 302 Found"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = refused("http://a", status, body, is_problem, token);
            let message = failure.message().unwrap();
            assert!(failure.exit_code() == code && message.contains(said), "{failure:?}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_said() {
        let late = Error::Timeout(ureq::Timeout::Global);
        assert!(unreached("http://a", &late, false).message().unwrap().contains("is not known"));
        assert!(!unreached("http://a", &late, true).message().unwrap().contains("is not known"));
    }
}
