//! What the configuration file says about semaphores, to tell what operators have changed since it was read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::lock;
use crate::engine::{Count, Level, SemaphoreName, SemaphoreSettings, SemaphoreView};

/// The semaphores as they are in the file. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Configured(Arc<Mutex<BTreeMap<SemaphoreName, SemaphoreSettings>>>);

/// How a semaphore is not what the file says: what the file says, or `None` when it is not in the file.
pub(super) type Differs = Option<(Count, Level)>;

impl Configured {
    /// These are in the file.
    pub fn new(semaphores: &[SemaphoreSettings]) -> Self {
        let configured = Self::default();
        configured.set(semaphores);
        configured
    }

    /// From now on these are.
    pub fn set(&self, semaphores: &[SemaphoreSettings]) {
        let named = semaphores.iter().map(|semaphore| (semaphore.name.clone(), semaphore.clone()));
        *lock(&self.0) = named.collect();
    }

    /// `None`: it is what the file says.
    pub(super) fn difference(&self, view: &SemaphoreView) -> Option<Differs> {
        let configured = lock(&self.0);
        let said = configured.get(&view.name).map(|said| (said.max, said.level));
        (said != Some((view.max, view.level))).then_some(said)
    }
}
