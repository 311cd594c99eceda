//! The only owner of an engine: feeds it commands and the time, and hands out what it says.

mod clock;
mod driver;
mod handle;

pub use clock::Clock;
pub use driver::{Observer, start};
pub use handle::{Answer, EngineGone, Handle, Verdict};

#[cfg(test)]
mod tests;
