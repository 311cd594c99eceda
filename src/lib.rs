//! `throttle` hands out leases on semaphores to programs on many machines.
//!
//! The layers, each of which knows only those after it: the application ([`app`]) and its interfaces ([`rest`]
//! and [`ws`], with the [`metrics`] that all of them feed), the [`runtime`], and below it the [`engine`] and the [`store`].

pub mod app;
pub mod cli;
pub mod config;
mod dashboard;
pub mod engine;
mod events;
pub mod metrics;
mod origin;
pub mod rest;
mod routing;
pub mod runtime;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod ws;
