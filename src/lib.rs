//! `throttle` hands out leases on semaphores to programs on many machines.
//!
//! The layers, each of which knows only those after it: the application and its interfaces, the
//! [`runtime`], and below it the [`engine`] and the [`store`].

pub mod cli;
pub mod config;
pub mod engine;
pub mod runtime;
pub mod store;
pub mod telemetry;
