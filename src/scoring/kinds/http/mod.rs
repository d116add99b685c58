//! Scores from a model server.

mod answer;
mod call;
mod error;
mod format;
mod options;
mod request;
mod retry_budget;

use std::sync::Arc;

use tokio::runtime::Runtime;

use self::call::Caller;
use self::error::CallError;
pub use self::format::Format;
pub use self::options::{HttpConfig, HttpOptions};
pub use self::request::Field;
use super::BuildError;
use crate::scoring::{
    CacheKey, ItemScore, Outputs, ScoreError, Scorer, ScorerFailure, Subject, Worker,
};

/// Scores that a model server gives, over one shared pool of connections. As many calls are under way as the pool has
/// threads.
///
/// Each call sends the texts of a batch in the server's format and finds the outputs of each in the answer by JSONPath. A call is
/// tried again after a timeout, a failed connection and a fault of the server (5xx), within a budget;
/// never after an answer.
pub struct HttpScorer {
    outputs: Outputs,
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
            outputs: options.outputs(),
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

    fn outputs(&self) -> Outputs {
        self.outputs.clone()
    }

    fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey> {
        Some(self.caller.cache_key(subject))
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
            .map(|row| row.map_err(|error| error.score_error()))
            .collect()
    }

    fn take_failure(&mut self) -> Option<ScorerFailure> {
        self.failure.take()
    }
}
