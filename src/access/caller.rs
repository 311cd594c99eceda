//! Who asks: a handler that wants to know takes a [`Caller`] as one of its arguments.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Access, Role};

/// What somebody is called who needed no token. No token is called so.
pub const ANYBODY: &str = "anybody";

/// What is on record for whoever sends that signal. No token is called so.
pub const SIGHUP: &str = "SIGHUP";

/// Who asks. The gate has let it in, so it has at least what the route needs.
#[derive(Clone, Debug)]
pub struct Caller {
    token: Option<Arc<Admission>>,
    role: Option<Role>,
}

/// That whoever has a token is let in. All who have it share this, so that all of them notice the end of it.
#[derive(Debug)]
struct Admission {
    name: Box<str>,
    over: AtomicBool,
}

impl Caller {
    /// Anybody at all, on a server without `[auth]`: everything is allowed.
    pub const ANYBODY: Self = Self { token: None, role: Some(Role::Operate) };

    /// Somebody who has shown no token to a server that wants one.
    pub const STRANGER: Self = Self { token: None, role: None };

    /// Whoever has the token of that name.
    pub(super) fn known(name: &str, role: Role) -> Self {
        let admission = Admission { name: name.into(), over: AtomicBool::new(false) };
        Self { token: Some(Arc::new(admission)), role: Some(role) }
    }

    /// The same token, with another role from now on.
    pub(super) fn with_role(&self, role: Role) -> Self {
        Self { token: self.token.clone(), role: Some(role) }
    }

    /// The token is not good for this role any more.
    pub(super) fn exclude(&self) {
        if let Some(token) = &self.token {
            token.over.store(true, Ordering::Release);
        }
    }

    /// Whether the token was taken away, or its role lowered, since it was shown.
    pub(super) fn is_excluded(&self) -> bool {
        self.token.as_ref().is_some_and(|token| token.over.load(Ordering::Acquire))
    }

    /// The name of its token. `None`: it needed none.
    pub fn name(&self) -> Option<&str> {
        self.token.as_ref().map(|token| &*token.name)
    }

    /// What it may do. `None`: only what anyone may.
    pub const fn role(&self) -> Option<Role> {
        self.role
    }

    /// Whether it may do what needs this.
    pub fn has(&self, access: Access) -> bool {
        self.role >= access.role()
    }
}

impl PartialEq for Caller {
    fn eq(&self, other: &Self) -> bool {
        (self.name(), self.role) == (other.name(), other.role)
    }
}

impl Eq for Caller {}

/// As a log and an audit record tell it. Names are those of the configuration, which have no control characters.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or(ANYBODY))
    }
}

/// Where the gate is guarded, it has put everybody's name to the request. Where it is open it puts nothing, which costs
/// nothing.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or(Self::ANYBODY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_what_lower_ones_have() {
        let known = |role| Caller::known("x", role);
        for access in [Access::Anyone, Access::Session, Access::Observe, Access::Lease] {
            assert!(known(Role::Lease).has(access), "{access:?}");
        }
        assert!(!known(Role::Lease).has(Access::Operate));
        assert!(!known(Role::Observe).has(Access::Lease));
        assert!(Caller::ANYBODY.has(Access::Operate));
        assert!(Caller::STRANGER.has(Access::Anyone) && Caller::STRANGER.has(Access::Session));
        assert!(!Caller::STRANGER.has(Access::Observe));
    }
}
