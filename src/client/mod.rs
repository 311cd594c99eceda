//! A client for Rust programs: leases on the semaphores of a server, over one WebSocket.
//!
//! ```no_run
//! use std::time::Duration;
//! use throttle::client::{Client, Error};
//!
//! # async fn copy_rows() {}
//! # async fn example() -> Result<(), Error> {
//! let client = Client::connect("ws://localhost:8000").await?;
//! let peer = client.peer("worker 7").await?;
//!
//! // At most ten of us at once, over all machines; this takes two of them.
//! let lease = peer.acquire(("database", 2)).timeout(Duration::from_secs(10)).await?;
//! tokio::select! {
//!     () = copy_rows() => {}
//!     lost = lease.lost() => eprintln!("stopped in the middle: {lost}"),
//! }
//! lease.release().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] is one connection, which is made again whenever it breaks. It carries many [`Peer`]s: one for each task
//! that waits or holds something. [`Peer::acquire`] waits for a [`Lease`]. All of them give back what they have when they
//! are dropped, also in the middle of an `await`: nothing stays behind on the server.
//!
//! # How often, not how many
//!
//! [`Client::bucket`] takes from a bucket, whose tokens come back with time: a [`Permit`] is a peer of its own, and
//! nothing to lose. [`Client::pacer`] keeps calls apart, and says which to leave out. A lease may have both semaphores
//! and buckets ([`Lease::settle`], [`Lease::throttled`]). Where the server allows it, names come into being with what
//! is declared of them ([`Limit`]).
//!
//! ```no_run
//! use std::time::Duration;
//! use throttle::client::{Client, Error};
//!
//! # async fn call() -> u32 { 3 }
//! # async fn example(client: Client) -> Result<(), Error> {
//! let permit = match client.bucket("api").take(5).max_wait(Duration::from_secs(2)).await {
//!     Err(Error::Timeout { eta: Some(eta) }) => panic!("it would take {eta:?}"),
//!     Err(Error::Busy { retry_after, .. }) => panic!("too many wait, for {retry_after:?} at least"),
//!     permit => permit?,
//! };
//! permit.settle(call().await).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # When something breaks
//!
//! Peers outlive their connection by `expires_in` ([`Builder::expires_in`]), with their locks and with their places in
//! line. The client reconnects by itself, tells the server what has happened meanwhile, and nobody notices. What it
//! cannot do is to hold locks while the server may not hear of it; so each lease has a deadline.
//!
//! **A lease is lost before the server may give its locks to others**, not when the program finds out. The client
//! knows when the server last had word of it: it sends pings, and what was answered was heard after it was sent.
//! `expires_in` later the server may act ([`Lease::deadline`]), and a margin before that ([`Builder::margin`])
//! [`Lease::lost`] resolves. The clock counts the time that a machine sleeps, where the system has such a clock (Linux,
//! macOS, Windows), and [`Lease::is_lost`] looks at it when it is called. So it holds for a network that is frozen, for a
//! server that is, and for a program that was held up itself. Once lost, a lease stays lost.
//!
//! The margin has to be long enough to stop, and half of `expires_in` at most. What cannot be stopped in time, or must
//! be right even if a clock is not, should check fences ([`Lease::fence`]) where the work arrives.
//!
//! Two things are beyond the deadline. A server that has lost its memory in a restart knows nothing of it: give it a
//! `recovery_grace`, and holders are back before anybody else is granted something. And with [`OnDisconnect::Release`]
//! locks are free when the connection is gone, which no client can know in advance.
//!
//! # Threads and runtimes
//!
//! It needs a tokio runtime with time and I/O. The client's task lives in the runtime in which it has connected. All
//! handles can be sent to other threads and used there, [`Lease::is_lost`] and dropping outside of any runtime.
//!
//! # Encryption
//!
//! `wss://` and `https://` speak TLS. Trusted is whom the system trusts, or the certificates of a file
//! ([`Builder::trust`]). A token ([`Builder::token`]) should not go to another machine without.

mod acquire;
mod address;
mod bucket;
mod clock;
mod driver;
mod error;
mod handle;
mod lease;
mod limit;
mod lost;
mod machine;
mod peer;
mod permit;
mod refused;
mod settings;
mod shared;
mod socket;
mod tls;
mod token;
mod want;
mod wire;

pub use acquire::Acquire;
pub use bucket::{Bucket, Pacer, Take};
pub use error::Error;
pub use handle::{Builder, Client};
pub use lease::Lease;
pub use limit::Limit;
pub use lost::{Deadline, Lost, LostReason, Notice};
pub use machine::Progress;
pub use peer::{OpenPeer, Peer};
pub use permit::Permit;
pub use refused::{Code, Explanation, Refused};
pub use settings::OnDisconnect;
pub use want::Want;
