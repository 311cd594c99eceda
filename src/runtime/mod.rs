//! The only owner of an engine: feeds it commands and the time, and hands out what it says.

mod busy_poll;
mod clock;
mod combiner;
mod delivery;
mod driver;
mod handle;
mod line;
mod queue;
mod standing;

pub use clock::Clock;
pub use combiner::start;
pub use driver::Observer;
pub use handle::{Answer, EngineGone, Handle, Verdict};
pub use line::{Event, Events, Line, Submitted, Tag};
pub use standing::Standing;

#[cfg(test)]
mod tests;
