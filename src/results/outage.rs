//! Whether the store is there, said once per outage.

use std::time::Instant;

use tokio::sync::watch;

use super::error::ResultsError;

/// Watches the outcome of every call: an outage begins with the first that finds the store away and ends with the
/// first that does not.
#[derive(Debug)]
pub(super) struct Outage {
    since: watch::Sender<Option<Instant>>,
}

impl Outage {
    pub(super) fn new() -> Self {
        Self {
            since: watch::Sender::new(None),
        }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Instant>> {
        self.since.subscribe()
    }

    pub(super) fn observe<T>(&self, outcome: &Result<T, ResultsError>) {
        match outcome {
            Err(ResultsError::Unavailable { why }) => self.begin(why),
            _ => self.end(),
        }
    }

    fn begin(&self, why: &str) {
        let began = self.since.send_if_modified(|since| {
            let began = since.is_none();
            since.get_or_insert_with(Instant::now);
            began
        });
        if began {
            tracing::warn!(why, "the results store is away");
        }
    }

    fn end(&self) {
        if self.since.borrow().is_none() {
            return;
        }
        let mut began = None;
        self.since.send_if_modified(|since| {
            began = since.take();
            began.is_some()
        });
        if let Some(began) = began {
            let away_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(away_ms, "the results store is back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_from_the_first_failure_to_the_first_answer() {
        let outage = Outage::new();
        let mut since = outage.subscribe();
        let away: Result<(), _> = Err(ResultsError::unavailable(&"refused"));

        outage.observe(&away);
        assert!(since.has_changed().unwrap());
        let began = *since.borrow_and_update();
        outage.observe(&away);
        assert!(!since.has_changed().unwrap(), "one outage, one change");
        assert!(began.is_some());

        outage.observe(&Err::<(), _>(ResultsError::InvalidKey {
            key: String::new(),
        }));
        assert_eq!(*since.borrow_and_update(), None, "a refusal is an answer");
    }
}
