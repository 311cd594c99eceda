//! Who may do what: roles, the tokens that have them, and the gate that every request and every session passes.
//!
//! What a route or a message needs is declared where it is, as an [`Access`]; whether somebody has it is decided here.
//! Without `[auth]` in the configuration everybody may do everything, and asking costs one load. Nothing here knows
//! what a lease is, and no token is ever written anywhere: only digests are kept.

mod caller;
mod denied;
mod gate;
mod hosts;
mod token;

use std::fmt;

pub use caller::{ANYBODY, Caller, SIGHUP};
pub use denied::Denied;
pub use gate::Gate;
pub use hosts::Hosts;
pub use token::{Token, TokenDigest};

/// What a token allows. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look at everything.
    Observe,
    /// Hold locks.
    Lease,
    /// Change what others hold, and the semaphores themselves.
    Operate,
}

impl Role {
    /// All of them, the lowest first.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Lease, Self::Operate];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Lease => "lease",
            Self::Operate => "operate",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a route or a message needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Nothing, not even a token: it tells nothing that is not public, or it is for those who have no token yet.
    Anyone,
    /// A token that may still come: the first message of a session can have it. One that is there must be good.
    Session,
    /// A token with [`Role::Observe`] at least.
    Observe,
    /// A token with [`Role::Lease`] at least.
    Lease,
    /// A token with [`Role::Operate`].
    Operate,
}

impl Access {
    /// The lowest role that has it. `None`: no role is needed.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Anyone | Self::Session => None,
            Self::Observe => Some(Role::Observe),
            Self::Lease => Some(Role::Lease),
            Self::Operate => Some(Role::Operate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_an_order_and_names() {
        assert!(Role::Observe < Role::Lease && Role::Lease < Role::Operate);
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
        }
        assert_eq!(Role::named("Operate"), None);
        assert_eq!(Role::named(""), None);
    }
}
