//! Scores from an outside model server.

mod call;
mod rate_limit;
mod retry_budget;
mod score_path;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::runtime::Runtime;
use xxhash_rust::xxh3::Xxh3;

use self::call::{CallError, Caller};
pub use self::score_path::{ScorePath, ScorePathError};
use super::{CacheKey, Failure, ScoreError, Scorer, Subject, Worker};

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

/// How a model server is called.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Its address.
    pub url: Url,
    /// Sent as a bearer token.
    pub token: Option<String>,
    /// The field of the request that holds the texts.
    pub texts_field: String,
    /// Where the scores are in the answer.
    pub score_path: ScorePath,
    /// Longest time of one call, its wait for the rate limit included and its answer read whole.
    pub timeout: Duration,
    /// How often a call is tried again.
    pub retries: u32,
    /// The most calls that are tried again, as a share of all.
    pub retry_budget: f64,
    /// The most characters of a text that are sent; 0 for all.
    pub truncate_chars: usize,
    /// The most calls a second, and at once after a rest; `None` for any number.
    pub rate: Option<(f64, u32)>,
}

/// Why a model server cannot be called at all.
#[derive(Debug, thiserror::Error)]
pub enum HttpScorerError {
    /// No client could be made.
    #[error("no HTTP client can be made")]
    Client(#[from] reqwest::Error),
    /// No thread for its connections could be started.
    #[error("no thread can be started")]
    Thread(#[from] std::io::Error),
}

impl HttpScorer {
    /// A client with connections of its own. Nothing is sent yet.
    pub fn new(options: HttpOptions) -> Result<Self, HttpScorerError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("scorer-http")
            .enable_all()
            .build()?;
        Ok(Self {
            caller: Arc::new(Caller::new(options)?),
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
    failure: Option<Failure>,
}

impl Worker for HttpWorker {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<Result<f64, ScoreError>> {
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
            .map(|score| score.map_err(|error| error.score_error()))
            .collect()
    }

    fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }
}
