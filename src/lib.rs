//! `throttle` hands out leases on semaphores to programs on many machines.
//!
//! The layers, each of which knows only those after it: the application ([`app`]) and its interfaces ([`rest`]
//! and [`ws`], what operators [`operate`], the [`dashboard`] for browsers, and the [`metrics`] that all of them feed), the [`runtime`], and below it
//! the [`engine`] and the [`store`].
//! They come with the feature `server`. Beside them, with the feature `client`, stands `client`, which knows none of them;
//! and the [`operator`], which knows a server as it is seen over HTTP.
#![cfg_attr(not(feature = "server"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "server")]
pub mod access;
#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
mod body;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod dashboard;
#[cfg(feature = "server")]
pub mod engine;
#[cfg(feature = "server")]
mod events;
#[cfg(feature = "server")]
pub mod feed;
#[cfg(all(feature = "server", feature = "client"))]
pub mod lock;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
pub mod operate;
#[cfg(feature = "server")]
pub mod operator;
#[cfg(feature = "server")]
mod origin;
#[cfg(feature = "server")]
mod printable;
#[cfg(feature = "server")]
pub mod rest;
#[cfg(feature = "server")]
pub mod routing;
#[cfg(feature = "server")]
pub mod runtime;
#[cfg(feature = "server")]
pub mod shutdown;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "server")]
pub mod ws;
