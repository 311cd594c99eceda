//! The engine from outside: scripts, the simulation against a naive model, replay, and rules about its code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod circles;
mod crowds;
mod forgetting;
mod history;
mod language;
mod model;
mod purity;
mod replay;
mod scripts;
mod simulation;
mod views;
mod windows;
