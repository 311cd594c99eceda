//! WebSocket sessions, with a client that knows nothing of the server's code but the protocol.

mod client;

mod access;
mod buckets;
mod closing;
mod keys;
mod leases;
mod long;
mod manners;
mod mutations;
mod resuming;
mod slow;
mod upgrade;
mod watching;
