//! The WebSocket interface, protocol `throttle.v1`: the connection is the heartbeat, and grants are pushed.
//!
//! `session` is a pure machine: frames and events in, commands and frames out. `pump` connects it to a socket and
//! to the engine. `upgrade` is the route that turns a request into a session. Nothing is decided here about leases.

mod close;
mod pump;
mod session;
mod upgrade;
mod wire;

pub use upgrade::{Parts, Sockets, router};
pub use wire::MESSAGES;
