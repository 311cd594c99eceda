//! Who asks: a handler that wants to know takes a [`Caller`] as one of its arguments.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Access, Role};

/// Who asks. The gate has let it in, so it has at least what the route needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    name: Option<Arc<str>>,
    role: Option<Role>,
}

impl Caller {
    /// Anybody at all, on a server without `[auth]`: everything is allowed.
    pub const ANYBODY: Self = Self { name: None, role: Some(Role::Operate) };

    /// Somebody who has shown no token to a server that wants one.
    pub const STRANGER: Self = Self { name: None, role: None };

    /// Whoever has the token of that name.
    pub(super) const fn known(name: Arc<str>, role: Role) -> Self {
        Self { name: Some(name), role: Some(role) }
    }

    /// The name of its token. `None`: it needed none.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
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

/// As a log and an audit record tell it. Names are those of the configuration, which have no control characters.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("anybody"))
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
        let known = |role| Caller::known("x".into(), role);
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
