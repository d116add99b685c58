use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::request::{BatchScores, Chunk, PendingItem, ScoreRequest, Timing};
use crate::scoring::{CacheKey, ItemScore};

/// Keys whose scores are being computed, each with the other requests that wait for the same score.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashMap<CacheKey, Vec<Waiter>>>);

/// Item of a request that waits for the score of an equal item.
#[derive(Debug)]
struct Waiter {
    request: ScoreRequest,
    index: usize,
}

impl InFlight {
    /// Returns the items that are to be scored: those without a key, and those whose key is not in flight, which it is from
    /// now on. The other items wait.
    pub(super) fn enter(
        &self,
        request: &ScoreRequest,
        mut items: Vec<PendingItem>,
    ) -> Vec<PendingItem> {
        let mut in_flight = self.lock();
        items.retain(|&PendingItem { index, key }| {
            let Some(key) = key else { return true };
            match in_flight.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(Vec::new());
                    true
                }
                Entry::Occupied(mut entry) => {
                    let request = request.clone();
                    entry.get_mut().push(Waiter { request, index });
                    false
                }
            }
        });
        items
    }

    /// Returns the latest deadline of the other requests that wait for a score of `chunk`.
    pub(super) fn wanted_until(&self, chunk: &Chunk) -> Option<Instant> {
        let in_flight = self.lock();
        let waiters = chunk
            .keys()
            .filter_map(|key| in_flight.get(&key))
            .flatten()
            .filter(|waiter| !waiter.request.reply.is_closed());
        waiters.map(|waiter| waiter.request.deadline).max()
    }

    /// Removes a key whose score is known, or given up on, and sends the result to every waiter.
    pub(super) fn leave(&self, key: CacheKey, result: &ItemScore, timing: Timing) {
        let waiters = self.lock().remove(&key);
        for Waiter { request, index } in waiters.into_iter().flatten() {
            let _ = request.reply.send(BatchScores {
                tag: request.tag,
                scores: vec![(index, result.clone())],
                timing,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CacheKey, Vec<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
