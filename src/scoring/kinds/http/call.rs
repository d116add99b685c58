use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::Value;
use tokio_util::bytes::Bytes;

use super::HttpOptions;
use super::answer::AnswerReader;
use super::error::CallError;
use super::request::RequestWriter;
use super::retry_budget::RetryBudget;
use crate::rate_limit::{RateLimit, retry_after};
use crate::scoring::kinds::BuildError;
use crate::scoring::{CacheKey, ScoreRow, Subject};

/// Most bytes of an answer that are read.
pub(super) const MAX_ANSWER_BYTES: usize = 4 << 20;

/// Time for which a server that asks to be left alone is not called, if it does not say how long.
const HOLD_OFF: Duration = Duration::from_secs(1);

/// Calls one model server, from any number of threads.
pub(super) struct Caller {
    options: HttpOptions,
    url: Url,
    request: RequestWriter,
    answer: AnswerReader,
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
        let request =
            RequestWriter::new(options).map_err(|error| BuildError::new("http.body", error))?;
        let answer =
            AnswerReader::new(options).map_err(|error| BuildError::new("http.outputs", error))?;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .default_headers(headers(options)?)
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
            request,
            answer,
            limit,
            budget: RetryBudget::new(options.retry_budget),
            options: options.clone(),
            client,
        })
    }

    /// Returns the key by which the scores of an item are cached.
    pub(super) fn cache_key(&self, subject: Subject<'_>) -> CacheKey {
        self.request.cache_key(subject)
    }

    /// Returns a result for each item of the batch, in their order.
    pub(super) async fn score(
        &self,
        batch: &[Subject<'_>],
    ) -> Result<Vec<Result<ScoreRow, CallError>>, CallError> {
        let body = Bytes::from(self.request.body(batch)?);
        self.budget.record_call();
        let mut tries = 0;
        let answer = loop {
            let call = tokio::time::timeout(self.options.timeout, self.call(body.clone()));
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
        self.answer.rows(answer, batch.len())
    }

    async fn call(&self, body: Bytes) -> Result<Value, CallError> {
        self.wait_for_permit().await?;
        let request = self.client.post(self.url.clone()).body(body);
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
}

/// Returns the headers that every request has.
fn headers(options: &HttpOptions) -> Result<HeaderMap, BuildError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(token) = options.token()? {
        let name: HeaderName = options
            .token_header
            .parse()
            .map_err(|error| BuildError::new("http.token_header", error))?;
        let value = match name.as_str() {
            "authorization" => format!("Bearer {token}"),
            _ => token,
        };
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| BuildError::new("http.token_env", "its value cannot be a header"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
