//! What is told about a server that cannot be reached while something is waited for: once that it is away, and once that
//! it is back. Without, a wait that nothing bounds would look like one in line.

use crate::client::Error;

/// What was seen of the server when it was looked at, and what was told of that.
#[derive(Debug)]
pub(super) struct Outage {
    server: String,
    bounded: bool,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    There,
    /// Not for long: a server that is started again, or a connection that was cut, is not worth a line.
    Away,
    Told,
}

impl Outage {
    /// `bounded`: the wait ends by itself.
    pub(super) fn new(server: &str, bounded: bool) -> Self {
        Self { server: server.to_owned(), bounded, seen: Seen::There }
    }

    /// What there is to tell after another look, a while after the last one: why there is no connection, or none.
    pub(super) fn look(&mut self, why: Option<&Error>) -> Option<String> {
        let before = self.seen;
        self.seen = match (before, why) {
            (_, None) => Seen::There,
            (Seen::There, Some(_)) => Seen::Away,
            (Seen::Away | Seen::Told, Some(_)) => Seen::Told,
        };
        match (before, why) {
            (Seen::Told, None) => Some(format!("{} is back", self.server)),
            (Seen::Away, Some(error)) => Some(self.away(error)),
            (Seen::There | Seen::Away | Seen::Told, _) => None,
        }
    }

    fn away(&self, error: &Error) -> String {
        let Self { server, bounded, .. } = self;
        let for_ever = if *bounded { "" } else { ", for ever: --timeout sets an end" };
        format!("{server}: {error}; trying again{for_ever}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outage_is_told_once_and_its_end_too() {
        let error = Error::Disconnected { reason: "it is off".to_owned() };
        let mut outage = Outage::new("ws://s", false);
        for _ in 0..2 {
            assert_eq!(outage.look(Some(&error)), None);
            let away = "ws://s: no connection to the server: it is off; trying again, for ever: --timeout sets an end";
            assert_eq!(outage.look(Some(&error)).as_deref(), Some(away));
            assert_eq!(outage.look(Some(&error)), None);
            assert_eq!(outage.look(None).as_deref(), Some("ws://s is back"));
            assert_eq!(outage.look(None), None);
        }
    }

    #[test]
    fn a_short_one_is_not_told() {
        let error = Error::Disconnected { reason: "it is off".to_owned() };
        let mut outage = Outage::new("ws://s", true);
        for why in [Some(&error), None, Some(&error), None] {
            assert_eq!(outage.look(why), None);
        }
        outage.look(Some(&error));
        let away = "ws://s: no connection to the server: it is off; trying again";
        assert_eq!(outage.look(Some(&error)).as_deref(), Some(away));
    }
}
