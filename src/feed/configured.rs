//! What the configuration file says about semaphores, to tell what operators have changed since it was read.

use std::collections::BTreeMap;
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

    /// Each of these with what the file says about it, if it says something else. They are in the order of their names.
    pub(super) fn compare(
        &self,
        views: Vec<SemaphoreView>,
    ) -> Vec<(SemaphoreView, Option<Differs>)> {
        let configured = self.said();
        let mut rest = configured.iter().peekable();
        let compare = |view: SemaphoreView| {
            while rest.next_if(|(name, _)| **name < view.name).is_some() {}
            let said = rest.next_if(|(name, _)| **name == view.name).map(|(_, said)| *said);
            let differs = (said != Some(is(&view))).then_some(said);
            (view, differs)
        };
        views.into_iter().map(compare).collect()
    }

    /// The first of those that the file has, and that are not there: an operator has removed them. What is there is in
    /// the order of the names.
    pub(super) fn removed<'a>(
        &self,
        there: impl Iterator<Item = &'a SemaphoreName>,
    ) -> Vec<SemaphoreName> {
        let configured = self.said();
        let mut there = there.peekable();
        let removed = configured.keys().filter(|name| {
            while there.next_if(|it| it < name).is_some() {}
            there.next_if(|it| it == name).is_none()
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Count, Level};
    use crate::feed::board;

    fn settings(name: &str) -> SemaphoreSettings {
        let name = SemaphoreName::new(name).unwrap();
        SemaphoreSettings::semaphore(name, Count::new(1).unwrap(), Level(0))
    }

    fn view(name: &str, max: i64) -> SemaphoreView {
        SemaphoreView { max: Count::new(max).unwrap(), ..board::tests::view(name, 0) }
    }

    #[test]
    fn each_is_compared_with_what_the_file_says_of_it() {
        let configured = Configured::new(&["B", "C", "E", "F"].map(settings));
        let there = [("A", 1), ("B", 1), ("D", 1), ("E", 2)].map(|(name, max)| view(name, max));
        let removed = configured.removed(there.iter().map(|view| &view.name));
        let removed: Vec<_> = removed.iter().map(SemaphoreName::as_str).collect();
        assert_eq!(removed, ["C", "F"]);
        let said = Some(said(&settings("E")));
        let differs = configured.compare(there.into()).into_iter().map(|(_, differs)| differs);
        assert_eq!(differs.collect::<Vec<_>>(), [Some(None), None, Some(None), Some(said)]);
    }
}
