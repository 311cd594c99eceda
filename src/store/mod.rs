//! Where commands go before their answers leave. The trait is a log of batches; [`Memory`] is the default.

use std::future::Future;
use std::io;

use crate::engine::{Command, Time};

/// A log of what the engine was told. Replayed into an engine of equal settings, it rebuilds the same state.
pub trait Store: Send + 'static {
    /// Takes a batch of commands, each with the time at which it was applied. When this has returned, the batch
    /// survives whatever the store promises to survive; no answer to any of it leaves earlier.
    ///
    /// # Errors
    /// When the batch could not be kept. The engine stops then: it must not promise what would be forgotten.
    fn commit(&mut self, batch: &[(Time, Command)]) -> impl Future<Output = io::Result<()>> + Send;
}

/// Keeps nothing: the state lives as long as the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Store for Memory {
    async fn commit(&mut self, _batch: &[(Time, Command)]) -> io::Result<()> {
        Ok(())
    }
}
