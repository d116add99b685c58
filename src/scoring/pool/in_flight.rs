use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::job::Job;
use super::request::{ScoreRequest, Scored, Timing};
use crate::scoring::{CacheKey, ScoreError};

/// Scores under way by their keys, with the requests that wait for them beside the one that they are computed for.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashMap<CacheKey, Vec<Waiter>>>);

/// One item of a request that waits for the score of an equal one. Its request tells who asked.
#[derive(Debug)]
struct Waiter {
    request: ScoreRequest,
    place: usize,
}

impl InFlight {
    /// Enters the request's keys, and answers the places to be scored: those without a key, and those whose key nobody has
    /// under way. The others wait.
    pub(super) fn enter(&self, request: &ScoreRequest) -> Vec<(usize, Option<CacheKey>)> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let to_score = |&(place, key): &(usize, Option<CacheKey>)| {
            let Some(key) = key else { return true };
            match under_way.entry(key) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(Vec::new());
                    true
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => {
                    let request = ScoreRequest {
                        places: Vec::new(),
                        ..request.clone()
                    };
                    entry.get_mut().push(Waiter { request, place });
                    false
                }
            }
        };
        let mut places = request.places.clone();
        places.retain(to_score);
        places
    }

    /// How long anybody waits for a score of `job`, beside its own asker.
    pub(super) fn wanted_until(&self, job: &Job) -> Option<Instant> {
        let under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiters = job.keys().filter_map(|key| under_way.get(&key)).flatten();
        waiters
            .filter(|waiter| !waiter.request.reply.is_closed())
            .map(|waiter| waiter.request.deadline)
            .max()
    }

    /// A key's score is known, or given up on: all who wait hear the same.
    pub(super) fn leave(&self, key: CacheKey, result: Result<f64, ScoreError>, timing: Timing) {
        let waiters = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key);
        for Waiter { request, place } in waiters.into_iter().flatten() {
            let _ = request.reply.send(Scored {
                tag: request.tag,
                scores: vec![(place, result)],
                timing,
            });
        }
    }
}
