//! Who holds what, as the clients believe, and whether that can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use throttle::client::Lease;

/// What there is of each semaphore.
const MAX: [(&str, u32); 3] = [("mutex", 1), ("few", 3), ("many", 20)];

#[derive(Default)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
    lost: AtomicU64,
}

#[derive(Default)]
struct Books {
    holders: BTreeMap<u64, Arc<Lease>>,
    entries: u64,
    fences: BTreeSet<u64>,
    last_fence_of_the_mutex: u64,
}

/// One lease in the books, until it is dropped. That must be before it is released.
pub(crate) struct Entry<'a> {
    ledger: &'a Ledger,
    number: u64,
}

impl Ledger {
    /// Somebody has been granted something, and uses it from now on.
    pub(crate) fn enter(&self, lease: &Arc<Lease>) -> Entry<'_> {
        let mut books = self.books.lock().unwrap();
        books.entries += 1;
        let number = books.entries;
        books.holders.insert(number, Arc::clone(lease));
        for (name, fence) in lease.fences() {
            assert!(books.fences.insert(fence), "the fence {fence} was given twice");
            // Who has lost the lease meanwhile must not use it, and nobody will.
            if name == "mutex" && !lease.deadline().has_passed() {
                assert!(fence > books.last_fence_of_the_mutex, "the fence of the mutex has shrunk");
                books.last_fence_of_the_mutex = fence;
            }
        }
        books.check();
        Entry { ledger: self, number }
    }

    /// How many leases there were.
    pub(crate) fn grants(&self) -> u64 {
        self.books.lock().unwrap().entries
    }

    pub(crate) fn note_a_loss(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Books {
    fn check(&self) {
        for (semaphore, max) in MAX {
            let valid = self.holders.values().filter(|lease| !lease.deadline().has_passed());
            let counts = valid.filter_map(|lease| lease.counts().get(semaphore).copied());
            let held: u32 = counts.sum();
            assert!(held <= max, "{held} of {semaphore} are held, and there are {max}");
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        // A check that has failed elsewhere is told there.
        if let Ok(mut books) = self.ledger.books.lock() {
            books.holders.remove(&self.number);
        }
    }
}
