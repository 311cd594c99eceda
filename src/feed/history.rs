//! How much was held and waited for in the last quarter of an hour, so that who comes to look sees where it came
//! from. Pure: it is told the time and what there is.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::SAMPLE;
use super::shapes::{json, millis};
use crate::engine::{SemaphoreName, SemaphoreView, Time};

/// Points that are kept of each semaphore: 15 minutes.
const POINTS: usize = 180;

/// The last points of each semaphore.
#[derive(Default)]
pub(super) struct History {
    until: Time,
    semaphores: BTreeMap<SemaphoreName, VecDeque<Point>>,
}

/// What is too much for a point is shown as the most that it can hold.
#[derive(Clone, Copy)]
struct Point {
    held: u32,
    waiting: u32,
}

#[derive(Serialize)]
struct Shape<'a> {
    every_ms: u64,
    until_ms: u64,
    semaphores: BTreeMap<&'a str, Series>,
}

/// Oldest first.
#[derive(Serialize)]
struct Series {
    held: Vec<u32>,
    waiting: Vec<u32>,
}

impl History {
    /// Adds a point to each semaphore; those that are no more have no history.
    pub(super) fn sample(&mut self, now: Time, views: &[SemaphoreView]) {
        let mut before = std::mem::take(&mut self.semaphores);
        for view in views {
            let mut points = before.remove(&view.name).unwrap_or_default();
            if points.len() == POINTS {
                points.pop_front();
            }
            let [held, waiting] =
                [view.held, view.pending].map(|sum| u32::try_from(sum).unwrap_or(u32::MAX));
            points.push_back(Point { held, waiting });
            self.semaphores.insert(view.name.clone(), points);
        }
        self.until = now;
    }

    /// Of all semaphores, or of one. `None`: there is no such semaphore.
    pub(super) fn to_json(&self, name: Option<&str>) -> Option<String> {
        // Before the first sample, nothing is known about any.
        let sampled = self.until != Time::default();
        if sampled && name.is_some_and(|name| !self.semaphores.contains_key(name)) {
            return None;
        }
        let chosen = self
            .semaphores
            .iter()
            .filter(|(semaphore, _)| name.is_none_or(|name| semaphore.as_str() == name));
        let series = chosen.map(|(name, points)| {
            let held = points.iter().map(|point| point.held).collect();
            let waiting = points.iter().map(|point| point.waiting).collect();
            (name.as_str(), Series { held, waiting })
        });
        Some(json(&Shape {
            every_ms: u64::try_from(SAMPLE.as_millis()).unwrap_or(u64::MAX),
            until_ms: millis(self.until),
            semaphores: series.collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Count, Level, Manners};

    fn view(name: &str, held: u64) -> SemaphoreView {
        SemaphoreView {
            name: SemaphoreName::new(name).unwrap(),
            max: Count::new(1).unwrap(),
            level: Level(0),
            manners: Manners::NONE,
            paused: false,
            held,
            delayed: 0,
            holders: 0,
            pending: held + 1,
            waiters: 0,
            waiting_since: None,
            bucket: None,
            keys: None,
        }
    }

    #[test]
    fn the_last_quarter_of_an_hour_is_kept() {
        let mut history = History::default();
        for at in 0..200 {
            history.sample(Time::from_micros(at * 1_000), &[view("A", at), view("B", 1 << 40)]);
        }
        let all: serde_json::Value = serde_json::from_str(&history.to_json(None).unwrap()).unwrap();
        assert_eq!((&all["every_ms"], &all["until_ms"]), (&5_000.into(), &199.into()));
        let held = all["semaphores"]["A"]["held"].as_array().unwrap();
        assert_eq!((held.len(), &held[0], &held[179]), (180, &20.into(), &199.into()));
        assert_eq!(all["semaphores"]["B"]["held"][0], u32::MAX);
        let one: serde_json::Value =
            serde_json::from_str(&history.to_json(Some("A")).unwrap()).unwrap();
        assert_eq!(one["semaphores"].as_object().unwrap().len(), 1);
        assert_eq!(one["semaphores"]["A"]["waiting"][179], 200);

        history.sample(Time::from_micros(200_000), &[view("B", 0)]);
        assert_eq!(history.to_json(Some("A")), None, "A is no more");
    }
}
