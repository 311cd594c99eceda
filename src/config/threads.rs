//! How many threads serve, where that depends on the machine.

use std::fmt;
use std::num::NonZero;
use std::thread::available_parallelism;

use super::Config;

/// How many threads serve, and why. Shown as in "1 thread (auto, of 2 cores)".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    /// How many.
    pub count: usize,
    /// The cores that there are, if they decide.
    of_cores: Option<usize>,
}

impl Config {
    /// How many threads serve on this machine.
    pub fn serving_threads(&self) -> Threads {
        Threads::new(self.threads, available_parallelism().map_or(1, NonZero::get))
    }
}

impl Threads {
    fn new(configured: Option<usize>, cores: usize) -> Self {
        match configured {
            Some(count) => Self { count, of_cores: None },
            None => Self { count: share_of(cores), of_cores: Some(cores) },
        }
    }
}

/// Half of the cores: the other half is for the system, which does most of the work of each message, and for others.
const fn share_of(cores: usize) -> usize {
    if cores < 2 { 1 } else { cores / 2 }
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} thread{}", self.count, if self.count == 1 { "" } else { "s" })?;
        match self.of_cores {
            Some(1) => f.write_str(" (auto, of 1 core)"),
            Some(cores) => write!(f, " (auto, of {cores} cores)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_cores_serve_but_at_least_one() {
        assert_eq!([1, 2, 3, 4, 64].map(share_of), [1, 1, 1, 2, 32]);
    }

    #[test]
    fn it_is_told_where_the_number_comes_from() {
        let told = |configured, cores| Threads::new(configured, cores).to_string();
        assert_eq!(told(None, 1), "1 thread (auto, of 1 core)");
        assert_eq!(told(None, 8), "4 threads (auto, of 8 cores)");
        assert_eq!([told(Some(1), 8), told(Some(3), 1)], ["1 thread", "3 threads"]);
    }
}
