//! Where commands go before their answers leave. The trait is a log of batches; [`Memory`] is the default.

use std::io;
use std::pin::Pin;

use crate::engine::{Command, Time};

/// A log of what the engine was told. Replayed into an engine of equal settings, it rebuilds the same state.
pub trait Store: Send + 'static {
    /// Takes a batch of commands, each with the time at which it was applied. When it is committed, the batch
    /// survives whatever the store promises to survive; no answer to any of it leaves earlier. It must not block:
    /// what takes time is in the future that it returns. There is no further batch before that is ready.
    ///
    /// # Errors
    /// When the batch could not be kept, now or later. The engine ends then: it must not promise what would be
    /// forgotten.
    fn commit(&mut self, batch: &[(Time, Command)]) -> io::Result<Committed>;
}

/// When a batch is committed.
pub enum Committed {
    /// It is.
    Now,
    /// When this is ready.
    Later(Commit),
}

/// A batch on its way to where it is kept.
pub type Commit = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Keeps nothing: the state lives as long as the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Store for Memory {
    fn commit(&mut self, _batch: &[(Time, Command)]) -> io::Result<Committed> {
        Ok(Committed::Now)
    }
}
