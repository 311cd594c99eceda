//! The only owner of an engine: feeds it commands and the time, and hands out what it says.

mod clock;
mod delivery;
mod driver;
mod handle;
mod line;

pub use clock::Clock;
pub use driver::{Observer, start};
pub use handle::{Answer, EngineGone, Handle, Verdict};
pub use line::{Event, Events, Line, Tag};

#[cfg(test)]
mod tests;
