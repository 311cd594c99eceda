//! The gate: knows the tokens, and who is behind one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use axum::http::{HeaderMap, HeaderValue};

use super::{Access, Caller, Denied, Hosts, Token, TokenDigest};
use crate::config::{Config, TokenSettings};
use crate::origin;

/// Browsers cannot send `Authorization` with a WebSocket handshake. A subprotocol that begins so has the token instead.
const BEARER_PROTOCOL: &str = "bearer.";

/// The gate of a server. It stands open until there are tokens.
#[derive(Debug, Default)]
pub struct Gate {
    guarded: AtomicBool,
    tokens: RwLock<Arc<[(TokenDigest, Caller)]>>,
    hosts: Hosts,
    /// Whether only programs and browsers of this machine reach the server.
    local: bool,
}

impl Gate {
    /// One that lets in who has one of the tokens, or everybody if there are none.
    pub fn new(config: &Config) -> Self {
        let local = config.address.to_canonical().is_loopback();
        let gate = Self { hosts: config.hosts.clone(), local, ..Self::default() };
        gate.admit_only(&config.tokens);
        gate
    }

    /// Exchanges the tokens. Sessions of those that are gone, or have a lower role or another name now, are to end
    /// (`still_admits`).
    pub fn admit_only(&self, tokens: &[TokenSettings]) {
        let mut current = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let before = Arc::clone(&current);
        let stays = |token: &TokenSettings, (digest, caller): &&(TokenDigest, Caller)| {
            let same = *digest == token.sha256 && caller.name() == Some(&token.name);
            same && caller.role() <= Some(token.role)
        };
        let admit = |token: &TokenSettings| {
            let known = before.iter().find(|known| stays(token, known));
            let fresh = || Caller::known(&token.name, token.role);
            (token.sha256, known.map_or_else(fresh, |(_, caller)| caller.with_role(token.role)))
        };
        *current = tokens.iter().map(admit).collect();
        for known in before.iter().filter(|known| !tokens.iter().any(|token| stays(token, known))) {
            known.1.exclude();
        }
        self.guarded.store(!tokens.is_empty(), Ordering::Release);
    }

    /// Whether somebody who was let in may stay. Where everybody is let in, everybody may.
    pub(crate) fn still_admits(&self, caller: &Caller) -> bool {
        !self.is_guarded() || caller.name().is_some() && !caller.is_excluded()
    }

    /// Whether anybody needs a token.
    pub fn is_guarded(&self) -> bool {
        self.guarded.load(Ordering::Acquire)
    }

    /// Refuses what a browser sends for a page of somebody else. It is for what changes something, and for upgrades.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Denied> {
        if origin::is_foreign(headers) {
            return Err(Denied::Foreign);
        }
        let exposed = self.local && !self.is_guarded();
        if self.hosts.admit(headers, exposed) { Ok(()) } else { Err(Denied::Host) }
    }

    /// Lets a request through to what needs `access`, with its caller, or says why not.
    pub(crate) fn pass(&self, access: Access, request: &mut Request) -> Result<(), Denied> {
        if !self.is_guarded() {
            return Ok(());
        }
        let caller = self.caller(access, request.headers())?;
        request.extensions_mut().insert(caller);
        Ok(())
    }

    /// Who begins a session, given what its handshake and its first message have shown. The message counts.
    pub(crate) fn greet(&self, caller: &Caller, token: Option<&Token>) -> Result<Caller, Denied> {
        if !self.is_guarded() {
            return Ok(Caller::ANYBODY);
        }
        match token {
            Some(token) => self.identify(token).ok_or(Denied::BadToken),
            None if caller.role().is_some() => Ok(caller.clone()),
            None => Err(Denied::NoToken),
        }
    }

    fn caller(&self, access: Access, headers: &HeaderMap) -> Result<Caller, Denied> {
        // Those who need no token may have one that is no good, such as one for the proxy in front of the server.
        if access == Access::Anyone {
            return Ok(Caller::STRANGER);
        }
        let caller = match shown(access, headers)? {
            Some(token) => self.identify(&token).ok_or(Denied::BadToken)?,
            None => Caller::STRANGER,
        };
        match (caller.role(), access.role()) {
            (None, Some(_)) => Err(Denied::NoToken),
            (Some(has), Some(needs)) if has < needs => Err(Denied::TooLow { has, needs }),
            (_, None) | (Some(_), Some(_)) => Ok(caller),
        }
    }

    /// Compares with all tokens, whichever it is.
    fn identify(&self, token: &Token) -> Option<Caller> {
        let digest = token.digest();
        let tokens = Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner));
        let found = tokens.iter().fold(
            None,
            |found, (known, caller)| {
                if *known == digest { Some(caller) } else { found }
            },
        );
        found.cloned()
    }
}

/// The token of a request, if it has one.
fn shown(access: Access, headers: &HeaderMap) -> Result<Option<Token>, Denied> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => bearer(value).map(Some).ok_or(Denied::BadToken),
        (Some(_), Some(_)) => Err(Denied::BadToken),
        (None, _) if access == Access::Session => Ok(offered(headers)),
        (None, _) => Ok(None),
    }
}

fn bearer(value: &HeaderValue) -> Option<Token> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Token::new(token.trim()))
}

/// The token that is offered as a subprotocol. It is never answered with.
fn offered(headers: &HeaderMap) -> Option<Token> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let mut names = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
    names.find_map(|name| name.trim().strip_prefix(BEARER_PROTOCOL).map(Token::new))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::access::Role;

    fn gate() -> Gate {
        let token = |name: &str, role| TokenSettings {
            name: name.to_owned(),
            role,
            sha256: Token::new(format!("secret-{name}")).digest(),
        };
        let tokens = vec![token("eve", Role::Observe), token("bob", Role::Lease)];
        Gate::new(&Config { tokens, ..Config::default() })
    }

    fn pass(gate: &Gate, access: Access, headers: &[(&str, &str)]) -> Result<Caller, Denied> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        gate.pass(access, &mut request)?;
        Ok(request.extensions().get().cloned().unwrap_or(Caller::ANYBODY))
    }

    #[test]
    fn an_open_gate_lets_everybody_through() {
        let gate = Gate::default();
        let bad = [("authorization", "Bearer nonsense")];
        assert_eq!(pass(&gate, Access::Operate, &bad), Ok(Caller::ANYBODY));
        assert_eq!(gate.greet(&Caller::STRANGER, Some(&Token::new("x"))), Ok(Caller::ANYBODY));
    }

    #[test]
    fn a_token_is_who_has_it() {
        let bob =
            pass(&gate(), Access::Observe, &[("authorization", "bearer  secret-bob")]).unwrap();
        assert_eq!((bob.name(), bob.role()), (Some("bob"), Some(Role::Lease)));
        let low = pass(&gate(), Access::Operate, &[("authorization", "Bearer secret-bob")]);
        assert_eq!(low, Err(Denied::TooLow { has: Role::Lease, needs: Role::Operate }));
    }

    #[test]
    fn what_is_no_token() {
        for value in
            ["", "Bearer", "Bearer ", "Basic secret-bob", "secret-bob", "Bearer secret-BOB"]
        {
            let denied = pass(&gate(), Access::Observe, &[("authorization", value)]);
            assert_eq!(denied, Err(Denied::BadToken), "{value}");
        }
        let twice = ("authorization", "Bearer secret-bob");
        assert_eq!(pass(&gate(), Access::Observe, &[twice, twice]), Err(Denied::BadToken));
        assert_eq!(pass(&gate(), Access::Observe, &[]), Err(Denied::NoToken));
        assert_eq!(pass(&gate(), Access::Anyone, &[("authorization", "x")]), Ok(Caller::STRANGER));
    }

    #[test]
    fn only_a_session_takes_a_token_from_its_subprotocols() {
        let offer = [("sec-websocket-protocol", "throttle.v1, bearer.secret-bob")];
        assert_eq!(pass(&gate(), Access::Session, &offer).unwrap().name(), Some("bob"));
        assert_eq!(pass(&gate(), Access::Lease, &offer), Err(Denied::NoToken));
        let bad =
            [("sec-websocket-protocol", "throttle.v1"), ("sec-websocket-protocol", "bearer.")];
        assert_eq!(pass(&gate(), Access::Session, &bad), Err(Denied::BadToken));
        assert_eq!(pass(&gate(), Access::Session, &[]), Ok(Caller::STRANGER));
    }

    #[test]
    fn the_first_message_has_the_last_word() {
        let gate = gate();
        let bob = pass(&gate, Access::Session, &[("authorization", "Bearer secret-bob")]).unwrap();
        assert_eq!(gate.greet(&bob, None), Ok(bob.clone()));
        assert_eq!(gate.greet(&Caller::STRANGER, None), Err(Denied::NoToken));
        assert_eq!(gate.greet(&bob, Some(&Token::new("x"))), Err(Denied::BadToken));
        let eve = gate.greet(&bob, Some(&Token::new("secret-eve"))).unwrap();
        assert_eq!(eve.role(), Some(Role::Observe));
    }

    #[test]
    fn tokens_can_be_exchanged() {
        let gate = gate();
        let bob = [("authorization", "Bearer secret-bob")];
        let sha256 = Token::new("new").digest();
        let settings = TokenSettings { name: "new".to_owned(), role: Role::Operate, sha256 };
        gate.admit_only(&[settings]);
        assert_eq!(pass(&gate, Access::Observe, &bob), Err(Denied::BadToken));
        gate.admit_only(&[]);
        assert_eq!(pass(&gate, Access::Observe, &bob), Ok(Caller::ANYBODY));
    }

    #[test]
    fn whoever_has_lost_its_token_may_not_stay() {
        let gate = gate();
        let enter = |secret: &str| gate.greet(&Caller::STRANGER, Some(&Token::new(secret)));
        let (bob, eve) = (enter("secret-bob").unwrap(), enter("secret-eve").unwrap());
        let settings = |name: &str, role| {
            let sha256 = Token::new(format!("secret-{name}")).digest();
            TokenSettings { name: name.to_owned(), role, sha256 }
        };
        let stay = || [gate.still_admits(&bob), gate.still_admits(&eve)];
        assert_eq!(stay(), [true, true]);
        // The same, and a higher role, which is for sessions to come.
        gate.admit_only(&[settings("bob", Role::Lease), settings("eve", Role::Operate)]);
        assert_eq!(stay(), [true, true]);
        let risen = enter("secret-eve").unwrap();
        assert_eq!(risen.role(), Some(Role::Operate));
        gate.admit_only(&[settings("bob", Role::Observe), settings("eve", Role::Operate)]);
        assert_eq!(stay(), [false, true]);
        gate.admit_only(&[settings("bob", Role::Lease)]);
        assert_eq!(stay(), [false, false]);
        assert!(!gate.still_admits(&risen));
        assert!(!gate.still_admits(&Caller::ANYBODY));
        gate.admit_only(&[]);
        assert_eq!(stay(), [true, true]);
        assert!(gate.still_admits(&Caller::ANYBODY));
    }
}
