use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::{Value, json};
use xxhash_rust::xxh3::Xxh3;

use super::HttpOptions;
use super::error::CallError;
use super::retry_budget::RetryBudget;
use super::score_path::{ScorePath, ScorePathError};
use crate::rate_limit::{RateLimit, retry_after};
use crate::scoring::Subject;
use crate::scoring::kinds::BuildError;

/// Most bytes of an answer that are read.
pub(super) const MAX_ANSWER_BYTES: usize = 4 << 20;

/// Time for which a server that asks to be left alone is not called, if it does not say how long.
const HOLD_OFF: Duration = Duration::from_secs(1);

/// Calls one model server, from any number of threads.
pub(super) struct Caller {
    options: HttpOptions,
    url: Url,
    token: Option<String>,
    score_path: ScorePath,
    client: Client,
    limit: RateLimit,
    budget: RetryBudget,
}

impl Caller {
    pub(super) fn new(options: &HttpOptions) -> Result<Self, BuildError> {
        let url = options
            .url
            .parse()
            .map_err(|error| BuildError::new("http.url", error))?;
        let score_path = options
            .score_path
            .parse()
            .map_err(|error: ScorePathError| BuildError::new("http.score_path", error))?;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(options.timeout)
            .connect_timeout(options.timeout)
            .pool_idle_timeout(Duration::from_mins(1))
            .build()
            .map_err(|_| BuildError::new("http", "no HTTP client can be made"))?;
        let limit = if options.rate > 0.0 {
            RateLimit::new(options.rate, options.burst)
        } else {
            RateLimit::none()
        };
        Ok(Self {
            url,
            token: options.token()?,
            score_path,
            limit,
            budget: RetryBudget::new(options.retry_budget),
            options: options.clone(),
            client,
        })
    }

    /// Returns a hash of everything but the text that a score depends on.
    pub(super) fn version(&self) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(self.url.as_str().as_bytes());
        hash.update(self.options.texts_field.as_bytes());
        hash.update(self.score_path.to_string().as_bytes());
        hash.digest()
    }

    /// Returns the part of a text that is sent.
    pub(super) fn sent_text<'t>(&self, text: &'t str) -> &'t str {
        match self.options.truncate_chars {
            0 => text,
            most => text
                .char_indices()
                .nth(most)
                .map_or(text, |(end, _)| &text[..end]),
        }
    }

    /// Returns a result for each item of the batch, in their order.
    pub(super) async fn score(
        &self,
        batch: &[Subject<'_>],
    ) -> Result<Vec<Result<f64, CallError>>, CallError> {
        let body = self.body(batch);
        self.budget.record_call();
        let mut tries = 0;
        let answer = loop {
            let call = tokio::time::timeout(self.options.timeout, self.call(&body));
            match call.await.unwrap_or_else(|_| Err(self.timed_out())) {
                Err(error)
                    if error.is_passing()
                        && tries < self.options.retries
                        && self.budget.take_retry() =>
                {
                    tries += 1;
                }
                outcome => break outcome?,
            }
        };
        let path = &self.score_path;
        let found = path
            .scores(&answer)
            .ok_or_else(|| CallError::NoList(path.to_string()))?;
        if found.len() != batch.len() {
            let (scores, texts) = (found.len(), batch.len());
            return Err(CallError::Number { scores, texts });
        }
        let scores = found
            .into_iter()
            .map(|score| score.map_err(CallError::NotANumber));
        Ok(scores.collect())
    }

    async fn call(&self, body: &Value) -> Result<Value, CallError> {
        self.wait_for_permit().await?;
        let mut request = self.client.post(self.url.clone()).json(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let failed = |error: reqwest::Error| CallError::from_client(&error, self.options.timeout);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            let asked = retry_after(response.headers(), Utc::now());
            if status == StatusCode::TOO_MANY_REQUESTS || asked.is_some() {
                self.limit
                    .hold_off(Instant::now() + asked.unwrap_or(HOLD_OFF));
                return Err(CallError::Busy(status));
            }
        }
        if !status.is_success() {
            return Err(CallError::Status(status));
        }
        let answer = self.read(response).await?;
        serde_json::from_slice(&answer).map_err(|_| CallError::NotJson)
    }

    /// Reads the answer's body, of at most [`MAX_ANSWER_BYTES`].
    async fn read(&self, mut response: Response) -> Result<Vec<u8>, CallError> {
        let failed = |error: reqwest::Error| CallError::from_client(&error, self.options.timeout);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn timed_out(&self) -> CallError {
        CallError::TimedOut(self.options.timeout)
    }

    /// Waits for the rate limit. The wait counts towards the time of the call.
    async fn wait_for_permit(&self) -> Result<(), CallError> {
        let now = Instant::now();
        let permit = self.limit.acquire(now, self.options.timeout);
        let at = permit.ok_or(CallError::RateLimited)?;
        tokio::time::sleep_until(at.into()).await;
        Ok(())
    }

    fn body(&self, batch: &[Subject<'_>]) -> Value {
        let texts: Vec<Value> = batch
            .iter()
            .map(|subject| self.sent_text(&subject.item.analysed_text()).into())
            .collect();
        let ids: Vec<&str> = batch
            .iter()
            .map(|subject| subject.item.id.as_str())
            .collect();
        let platforms: Vec<_> = batch
            .iter()
            .map(|subject| subject.session.platform)
            .collect();
        let mut body = json!({"ids": ids, "platform": platforms});
        body[&self.options.texts_field] = texts.into();
        body
    }
}
