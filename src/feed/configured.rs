//! What the configuration file says about semaphores, to tell what operators have changed since it was read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::lock;
use crate::engine::{SemaphoreName, SemaphoreSettings, SemaphoreState, SemaphoreView};

/// So many names are told of semaphores that were removed.
const MAX_REMOVED: usize = 100;

type Said = BTreeMap<SemaphoreName, SemaphoreState>;

/// The semaphores as they are in the file. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Configured(Arc<Mutex<Arc<Said>>>);

/// How a semaphore is not what the file says: what the file says, or `None` when it is not in the file.
pub(super) type Differs = Option<SemaphoreState>;

impl Configured {
    /// These are in the file.
    pub fn new(semaphores: &[SemaphoreSettings]) -> Self {
        let configured = Self::default();
        configured.set(semaphores);
        configured
    }

    /// From now on these are.
    pub fn set(&self, semaphores: &[SemaphoreSettings]) {
        let said = |it: &SemaphoreSettings| (it.name.clone(), said(it));
        *lock(&self.0) = Arc::new(semaphores.iter().map(said).collect());
    }

    /// The names of all.
    pub fn names(&self) -> Vec<SemaphoreName> {
        self.said().keys().cloned().collect()
    }

    /// Each of these with what the file says about it, if it says something else.
    pub(super) fn compare(
        &self,
        views: Vec<SemaphoreView>,
    ) -> Vec<(SemaphoreView, Option<Differs>)> {
        let configured = self.said();
        let compare = |view: SemaphoreView| {
            let said = configured.get(&view.name).copied();
            let differs = (said != Some(is(&view))).then_some(said);
            (view, differs)
        };
        views.into_iter().map(compare).collect()
    }

    /// The first of those that the file has, and that are not there: an operator has removed them.
    pub(super) fn removed<'a>(
        &self,
        there: impl Iterator<Item = &'a SemaphoreName>,
    ) -> Vec<SemaphoreName> {
        let there: BTreeSet<_> = there.collect();
        let configured = self.said();
        let removed = configured.keys().filter(|name| !there.contains(name));
        removed.take(MAX_REMOVED).cloned().collect()
    }

    fn said(&self) -> Arc<Said> {
        Arc::clone(&lock(&self.0))
    }
}

fn said(settings: &SemaphoreSettings) -> SemaphoreState {
    let SemaphoreSettings { name: _, max, level, rate, manners } = *settings;
    SemaphoreState { max, level, paused: false, rate, manners }
}

/// Whether it is paused is nothing that the file says.
fn is(view: &SemaphoreView) -> SemaphoreState {
    let rate = view.bucket.map(|bucket| bucket.rate);
    SemaphoreState { max: view.max, level: view.level, paused: false, rate, manners: view.manners }
}
