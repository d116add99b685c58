use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, redirect};
use serde_json::{Value, json};
use xxhash_rust::xxh3::Xxh3;

use super::HttpOptions;
use super::rate_limit::RateLimit;
use super::retry_budget::RetryBudget;
use crate::scoring::{Failure, ScoreError, Subject};

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// How long a server that asks to be left alone is, when it does not say.
const HOLD_OFF: Duration = Duration::from_secs(1);

/// Calls one model server, from as many threads as like to.
pub(super) struct Caller {
    options: HttpOptions,
    client: Client,
    limit: RateLimit,
    budget: RetryBudget,
}

/// Why a call brought no scores, or none for one of its texts.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum CallError {
    #[error("the server asked to be left alone, or the rate limit leaves no room in time")]
    RateLimited,
    #[error("the server answered {0} and is left alone for a while")]
    Busy(StatusCode),
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("cannot connect: {0}")]
    Connection(String),
    #[error("the exchange with the server broke off: {0}")]
    Transport(String),
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("the answer is not JSON")]
    NotJson,
    #[error("the answer has no list of scores at {0}")]
    NoList(String),
    /// Which texts they are of cannot be known.
    #[error("the answer holds {scores} scores of {texts} texts")]
    Number { scores: usize, texts: usize },
    #[error("a score is {0}, expected a number")]
    NotANumber(&'static str),
}

impl CallError {
    /// Whether another try may do better. The server has scored nothing then, as far as can be known.
    fn is_passing(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Connection(_) | Self::Transport(_) => true,
            Self::Status(status) => status.is_server_error(),
            _ => false,
        }
    }

    pub(super) fn score_error(&self) -> ScoreError {
        match self {
            Self::RateLimited | Self::Busy(_) => ScoreError::RateLimited,
            Self::TimedOut(_) => ScoreError::Timeout,
            Self::Connection(_) | Self::Transport(_) | Self::Status(_) | Self::TooLarge => {
                ScoreError::Error
            }
            Self::NotJson | Self::NoList(_) | Self::Number { .. } | Self::NotANumber(_) => {
                ScoreError::BadResult
            }
        }
    }

    pub(super) fn failure(&self) -> Failure {
        let reason: Cow<'static, str> = match self {
            Self::RateLimited => ScoreError::RateLimited.code().into(),
            Self::Busy(status) | Self::Status(status) => format!("http_{}", status.as_u16()).into(),
            Self::TimedOut(_) => ScoreError::Timeout.code().into(),
            Self::Connection(_) => "connection".into(),
            Self::Transport(_) => "broken_off".into(),
            Self::TooLarge => "too_large".into(),
            Self::NotJson => "not_json".into(),
            Self::NoList(_) => "wrong_shape".into(),
            Self::Number { .. } => "wrong_count".into(),
            Self::NotANumber(_) => "not_a_number".into(),
        };
        Failure::new(reason, self.to_string())
    }

    fn from_client(error: &reqwest::Error, timeout: Duration) -> Self {
        if error.is_timeout() {
            Self::TimedOut(timeout)
        } else if error.is_connect() {
            Self::Connection(cause(error))
        } else {
            Self::Transport(cause(error))
        }
    }
}

/// Returns what the system or TLS said. The texts of the errors around it may hold the address, with credentials.
fn cause(error: &reqwest::Error) -> String {
    let mut causes = std::iter::successors(error.source(), |&error| error.source());
    let known = causes.find_map(|cause| {
        if cause.to_string().starts_with("dns error") {
            return Some("the name of its host cannot be resolved".to_owned());
        }
        let system = cause.downcast_ref::<io::Error>()?;
        let inner = system.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(tls) => Some(rustls::Error::to_string(tls)),
            None => Some(system.kind().to_string()).filter(|kind| kind != "other error"),
        }
    });
    known.unwrap_or_else(|| "the connection failed".to_owned())
}

impl Caller {
    pub(super) fn new(options: HttpOptions) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(options.timeout)
            .connect_timeout(options.timeout)
            .pool_idle_timeout(Duration::from_mins(1))
            .build()?;
        Ok(Self {
            limit: RateLimit::new(options.rate),
            budget: RetryBudget::new(options.retry_budget),
            options,
            client,
        })
    }

    /// A hash of everything but the text that a score depends on.
    pub(super) fn version(&self) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(self.options.url.as_str().as_bytes());
        hash.update(self.options.texts_field.as_bytes());
        hash.update(self.options.score_path.to_string().as_bytes());
        hash.digest()
    }

    /// As much of a text as is sent.
    pub(super) fn sent_text<'t>(&self, text: &'t str) -> &'t str {
        match self.options.truncate_chars {
            0 => text,
            most => text
                .char_indices()
                .nth(most)
                .map_or(text, |(end, _)| &text[..end]),
        }
    }

    /// A result for each of the batch, in its order.
    pub(super) async fn score(
        &self,
        batch: &[Subject<'_>],
    ) -> Result<Vec<Result<f64, CallError>>, CallError> {
        let body = self.body(batch);
        self.budget.call();
        let mut tries = 0;
        let answer = loop {
            let call = tokio::time::timeout(self.options.timeout, self.call(&body));
            match call.await.unwrap_or_else(|_| Err(self.timed_out())) {
                Err(error)
                    if error.is_passing()
                        && tries < self.options.retries
                        && self.budget.retry() =>
                {
                    tries += 1;
                }
                outcome => break outcome?,
            }
        };
        let path = &self.options.score_path;
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
        self.wait_for_turn().await?;
        let mut request = self.client.post(self.options.url.clone()).json(body);
        if let Some(token) = &self.options.token {
            request = request.bearer_auth(token);
        }
        let failed = |error: reqwest::Error| CallError::from_client(&error, self.options.timeout);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            let asked = retry_after(&response);
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

    /// Waits for the rate limit, but no longer than a call may take, the wait included.
    async fn wait_for_turn(&self) -> Result<(), CallError> {
        let now = Instant::now();
        let turn = self
            .limit
            .turn(now, self.options.timeout)
            .ok_or(CallError::RateLimited)?;
        tokio::time::sleep_until(turn.into()).await;
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

/// `Retry-After` in seconds; the form with a date is not read.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.trim().parse().ok()?))
}
