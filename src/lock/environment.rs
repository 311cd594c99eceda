//! What the command finds in its environment about what is held.

use std::collections::BTreeMap;
use std::process::Command;

use crate::client::Lease;

/// What the command is told about what is held.
#[derive(Debug)]
pub(super) struct Environment {
    held: String,
    slots: Option<String>,
    fence: String,
    peer_id: String,
}

impl Environment {
    pub(super) fn new(semaphores: &[(String, u32)], lease: &Lease) -> Self {
        let held: Vec<_> =
            semaphores.iter().map(|(name, count)| format!("{name}={count}")).collect();
        Self {
            held: held.join("\n"),
            slots: slots(semaphores, &lease.slots()),
            fence: lease.fences().into_values().max().unwrap_or_default().to_string(),
            peer_id: lease.peer_id(),
        }
    }

    /// Tells a command that is about to be started.
    pub(super) fn tell(&self, command: &mut Command) {
        command.env("THROTTLE_LOCK_HELD", &self.held);
        command.env("THROTTLE_FENCE", &self.fence);
        command.env("THROTTLE_PEER_ID", &self.peer_id);
        match &self.slots {
            Some(slots) => command.env("THROTTLE_SLOTS", slots),
            // They may be those of another lock, around this one.
            None => command.env_remove("THROTTLE_SLOTS"),
        };
    }
}

/// The numbers of what is held, if there are any: of one semaphore as such, of several by their names.
fn slots(semaphores: &[(String, u32)], slots: &BTreeMap<String, Vec<u32>>) -> Option<String> {
    let listed = |name: &String| {
        let numbers = slots.get(name)?.iter().map(u32::to_string);
        Some(numbers.collect::<Vec<_>>().join(","))
    };
    if let [(name, _)] = semaphores {
        return listed(name);
    }
    let lines = semaphores.iter().filter_map(|(name, _)| Some(format!("{name}={}", listed(name)?)));
    Some(lines.collect::<Vec<_>>().join("\n")).filter(|lines| !lines.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_semaphores_each_has_a_line_if_it_has_numbers() {
        let held =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 2)).collect::<Vec<_>>();
        let numbers = BTreeMap::from([("b".to_owned(), vec![0, 3]), ("a=1".to_owned(), vec![7])]);
        for (names, told) in [
            (held(&["b"]), Some("0,3")),
            (held(&["b", "A", "a=1"]), Some("b=0,3\na=1=7")),
            (held(&["A", "b"]), Some("b=0,3")),
            (held(&["A"]), None),
            (held(&["A", "B"]), None),
        ] {
            assert_eq!(slots(&names, &numbers).as_deref(), told, "{names:?}");
        }
    }
}
