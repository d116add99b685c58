use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::RankingRecord;

/// Most memory of all that wait.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Rankings that wait to be written, in their order. They stay until they are written, whatever becomes of the writer.
#[derive(Debug)]
pub(crate) struct PendingRankings {
    waiting: Mutex<Waiting>,
    max_rankings: usize,
    batch: usize,
    /// Notified when a batch is full.
    full_batch: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    rankings: VecDeque<Arc<RankingRecord>>,
    bytes: usize,
    /// How many have left so far.
    left: u64,
}

/// The rankings that have waited longest.
#[derive(Debug)]
pub(crate) struct PendingBatch {
    pub(crate) rankings: Vec<Arc<RankingRecord>>,
    /// How many will have left with these.
    end: u64,
}

impl PendingRankings {
    /// A queue of up to `max_rankings` and 64 MiB, read `batch` by batch.
    pub(crate) fn new(max_rankings: usize, batch: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            max_rankings,
            batch,
            full_batch: Notify::new(),
        }
    }

    /// Returns whether the queue holds as many rankings as it may.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting().rankings.len() >= self.max_rankings
    }

    /// Queues a ranking if there is room, and returns how many wait now.
    pub(crate) fn offer(&self, ranking: RankingRecord) -> Option<usize> {
        let bytes = ranking.bytes();
        let mut waiting = self.waiting();
        if waiting.rankings.len() >= self.max_rankings || waiting.bytes + bytes > MAX_BYTES {
            return None;
        }
        waiting.bytes += bytes;
        waiting.rankings.push_back(Arc::new(ranking));
        if waiting.rankings.len() == self.batch.min(self.max_rankings) {
            self.full_batch.notify_one();
        }
        Some(waiting.rankings.len())
    }

    /// Resolves when a batch has become full.
    pub(crate) async fn full_batch(&self) {
        self.full_batch.notified().await;
    }

    /// Returns the next batch, which stays queued until it is [`done`](Self::done); `None` when nothing waits.
    pub(crate) fn next_batch(&self) -> Option<PendingBatch> {
        let waiting = self.waiting();
        let rankings: Vec<_> = waiting.rankings.iter().take(self.batch).cloned().collect();
        (!rankings.is_empty()).then(|| PendingBatch {
            end: waiting.left + rankings.len() as u64,
            rankings,
        })
    }

    /// Removes a batch and returns how many still wait. What another writer has removed already is not removed twice.
    pub(crate) fn done(&self, batch: &PendingBatch) -> usize {
        let mut waiting = self.waiting();
        while waiting.left < batch.end
            && let Some(ranking) = waiting.rankings.pop_front()
        {
            waiting.bytes -= ranking.bytes();
            waiting.left += 1;
        }
        waiting.rankings.len()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(id: &str) -> RankingRecord {
        RankingRecord {
            at: chrono::DateTime::UNIX_EPOCH,
            session_id: "session".to_owned(),
            user_id: "user".to_owned(),
            platform: "reddit".to_owned(),
            arm: None,
            policy: "off".to_owned(),
            config_version: "1".into(),
            intervention_on: false,
            prefetch: false,
            degraded: Vec::new(),
            ids_sent: vec![id.to_owned()],
            ids_returned: vec![id.to_owned()],
            took_ms: 0.5,
        }
    }

    fn ids(batch: &PendingBatch) -> Vec<&str> {
        let ids = batch.rankings.iter();
        ids.map(|ranking| ranking.ids_sent[0].as_str()).collect()
    }

    #[test]
    fn a_batch_stays_until_it_is_done_and_goes_once() {
        let queue = PendingRankings::new(10, 2);
        for (waiting, id) in [(1, "a"), (2, "b"), (3, "c")] {
            assert_eq!(queue.offer(ranking(id)), Some(waiting));
        }
        let first = queue.next_batch().unwrap();
        let again = queue.next_batch().unwrap();
        assert_eq!(ids(&first), ["a", "b"]);
        assert_eq!(ids(&again), ["a", "b"]);
        assert_eq!(queue.done(&first), 1);
        assert_eq!(queue.done(&again), 1);
        let last = queue.next_batch().unwrap();
        assert_eq!(ids(&last), ["c"]);
        assert_eq!(queue.done(&last), 0);
        assert!(queue.next_batch().is_none());
        assert_eq!(queue.waiting().bytes, 0);
    }

    #[test]
    fn what_is_too_many_or_too_large_is_not_taken() {
        let queue = PendingRankings::new(2, 10);
        for (id, waiting) in [("a", Some(1)), ("b", Some(2)), ("c", None)] {
            assert_eq!(queue.offer(ranking(id)), waiting);
        }
        let queue = PendingRankings::new(10, 10);
        assert_eq!(queue.offer(ranking(&"x".repeat(MAX_BYTES / 2))), None);
        assert_eq!(queue.offer(ranking("a")), Some(1));
    }

    #[tokio::test]
    async fn a_full_batch_is_told() {
        let queue = PendingRankings::new(10, 2);
        queue.offer(ranking("a"));
        queue.offer(ranking("b"));
        queue.full_batch().await;
    }
}
