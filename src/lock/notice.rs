//! What is told while it waits, on a terminal one line that is kept up to date, elsewhere one that stays; and while the
//! command runs, that an operator is going to end it.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use super::outage::Outage;
use crate::client::{self, Error, Lease, Progress};
use crate::printable::printable;

/// What is told again after a reconnect has been on its way for another time.
const HARDLY: Duration = Duration::from_secs(1);

/// Tells something on a line of its own. Without a standard error stream there is nobody to tell.
pub(super) fn tell(message: &str) {
    let _ = writeln!(stderr(), "throttle lock: {}", printable(message));
}

/// Tells when an operator is going to take the lease away. The command is left alone until then: it may be done before.
pub(super) async fn pass_on(lease: Arc<Lease>, names: String) {
    let mut known: Option<client::Notice> = None;
    loop {
        let notice = lease.noticed(known.as_ref()).await;
        let before = known.as_ref().map(|known| known.until);
        let message = going(&notice, &names);
        let is_news = before.is_none_or(|before| notice.until < before.earlier_by(HARDLY));
        known = Some(notice);
        if !is_news {
            continue;
        }
        // Perhaps nobody reads the standard error stream. That must not keep the client's task, nor this process.
        tokio::task::spawn_blocking(move || tell(&message));
    }
}

fn going(notice: &client::Notice, names: &str) -> String {
    let seconds = notice.until.remaining().as_secs_f64().round().max(1.0);
    let left = humantime::format_duration(Duration::from_secs_f64(seconds));
    let why = notice.message.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("an operator takes {names} away in {left}; the command is ended then{why}")
}

/// The line about the wait.
#[derive(Debug)]
pub(super) struct Notice {
    names: String,
    on_terminal: bool,
    standing: Option<Progress>,
    told: bool,
    outage: Outage,
}

impl Notice {
    pub(super) fn new(names: &str, outage: Outage) -> Self {
        let (names, on_terminal) = (names.to_owned(), stderr().is_terminal());
        Self { names, on_terminal, standing: None, told: false, outage }
    }

    /// The place in line has changed.
    pub(super) fn stands(&mut self, progress: Progress, waited: Duration) {
        self.standing = Some(progress);
        if self.on_terminal {
            self.update(waited);
        } else if !self.told {
            tell(&format!("waiting for {}{}", self.names, self.standing()));
            self.told = true;
        }
    }

    /// Time has passed.
    pub(super) fn update(&mut self, waited: Duration) {
        if !self.on_terminal || self.standing.is_none() {
            return;
        }
        let waited = humantime::format_duration(Duration::from_secs(waited.as_secs()));
        let line =
            format!("throttle lock: waiting for {}{}, for {waited}", self.names, self.standing());
        // What stood there before may be longer, and too long a line would not be overwritten.
        let _ = write!(stderr(), "\r\x1b[K\x1b[?7l{}\x1b[?7h", printable(&line));
        let _ = stderr().flush();
        self.told = true;
    }

    /// It was looked whether the server can be reached: `why` not. What is known of the place in line does not count any
    /// more when that has changed.
    pub(super) fn reaches(&mut self, why: Option<&Error>) {
        if let Some(news) = self.outage.look(why) {
            self.wipe();
            tell(&news);
            (self.standing, self.told) = (None, false);
        }
    }

    /// The line on a terminal does not stay.
    fn wipe(&self) {
        if self.on_terminal && self.told {
            let _ = write!(stderr(), "\r\x1b[K");
            let _ = stderr().flush();
        }
    }

    /// How far it is, such as `: place 2 in line, held by alice@db1:4711`.
    pub(super) fn standing(&self) -> String {
        let Some(Progress { position, blocked_by, .. }) = &self.standing else {
            return String::new();
        };
        let holders = if blocked_by.is_empty() {
            String::new()
        } else {
            format!(", held by {}", blocked_by.join(", "))
        };
        format!(": place {position} in line{holders}")
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_told() {
        let mut notice = Notice::new("A", Outage::new("ws://s", false));
        assert_eq!(notice.standing(), "");
        let blocked_by = vec!["x".to_owned(), "y".to_owned()];
        notice.standing = Some(Progress { position: 2, eta: None, blocked_by });
        assert_eq!(notice.standing(), ": place 2 in line, held by x, y");
    }
}
