//! Scores from a model server.

mod call;
mod error;
mod options;
mod retry_budget;
mod score_path;

use std::sync::Arc;

use tokio::runtime::Runtime;
use xxhash_rust::xxh3::Xxh3;

use self::call::Caller;
use self::error::CallError;
pub use self::options::{HttpConfig, HttpOptions};
use super::BuildError;
use crate::scoring::{CacheKey, ItemScore, ScoreError, Scorer, ScorerFailure, Subject, Worker};

/// Scores that a model server gives, over one shared pool of connections. As many calls are under way as the pool has
/// threads.
///
/// Each call sends `{TEXTS_FIELD: ["text", ...], "ids": [..], "platform": [..]}` and finds the scores in the answer by a
/// path. A call is tried again after a timeout, a failed connection and a fault of the server (5xx), within a budget;
/// never after an answer.
pub struct HttpScorer {
    caller: Arc<Caller>,
    runtime: Option<Runtime>,
}

impl HttpScorer {
    /// Creates a client with connections of its own. Nothing is sent yet.
    pub fn new(options: &HttpOptions) -> Result<Self, BuildError> {
        let caller = Caller::new(options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("scorer-http")
            .enable_all()
            .build()
            .map_err(|error| BuildError::new("http", format!("cannot start a thread: {error}")))?;
        Ok(Self {
            caller: Arc::new(caller),
            runtime: Some(runtime),
        })
    }
}

impl Drop for HttpScorer {
    /// Calls under way are dropped; a runtime must not be waited for in asynchronous code, where pools are let go.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Scorer for HttpScorer {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(HttpWorker {
            caller: Arc::clone(&self.caller),
            runtime: self
                .runtime
                .as_ref()
                .map(|runtime| runtime.handle().clone()),
            failure: None,
        })
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        let mut hash = Xxh3::with_seed(self.caller.version());
        hash.update(self.caller.sent_text(&item.analysed_text()).as_bytes());
        Some(hash.digest128())
    }

    fn is_costly(&self) -> bool {
        true
    }
}

struct HttpWorker {
    caller: Arc<Caller>,
    runtime: Option<tokio::runtime::Handle>,
    failure: Option<ScorerFailure>,
}

impl Worker for HttpWorker {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        self.failure = None;
        let Some(runtime) = &self.runtime else {
            return vec![Err(ScoreError::Unavailable); batch.len()];
        };
        let scores = runtime
            .block_on(self.caller.score(batch))
            .unwrap_or_else(|error| batch.iter().map(|_| Err(error.clone())).collect());
        let failed = scores.iter().find_map(|score| score.as_ref().err());
        self.failure = failed.map(CallError::failure);
        scores
            .into_iter()
            .map(|score| match score {
                Ok(number) => Ok(number.into()),
                Err(error) => Err(error.score_error()),
            })
            .collect()
    }

    fn take_failure(&mut self) -> Option<ScorerFailure> {
        self.failure.take()
    }
}
