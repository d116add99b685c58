use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::HttpScorer;
use super::score_path::ScorePath;
use crate::scoring::Scorer;
use crate::scoring::kinds::{BuildContext, BuildError, ScorerKind};
use crate::scoring::pool::PoolConfig;
use crate::settings::{Check, ConnectionUrl, text};

/// Keys of a scorer of the kind `http`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    http: HttpOptions,
}

/// How a model server is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpOptions {
    /// Address of the server.
    pub url: String,
    /// Variable of the environment that holds a bearer token; empty for none.
    pub token_env: String,
    /// Field of the request that holds the texts.
    pub texts_field: String,
    /// Path of the scores in the answer: names and numbers behind slashes, `*` for each of the texts.
    pub score_path: String,
    /// Longest time of one call, its wait for the rate limit included and its answer read whole.
    #[serde(with = "text::duration")]
    pub timeout: Duration,
    /// Most retries of a call that timed out, could not connect or met a fault of the server.
    pub retries: u32,
    /// Most retries as a share of all calls, 0 to 1.
    pub retry_budget: f64,
    /// Most characters of a text that are sent; 0 for all.
    pub truncate_chars: usize,
    /// Calls per second; 0 for no limit.
    pub rate: f64,
    /// Calls that may come at once after a pause, if there is a rate.
    pub burst: u32,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            token_env: String::new(),
            texts_field: "inputs".to_owned(),
            score_path: "/scores/*".to_owned(),
            timeout: Duration::from_millis(90),
            retries: 1,
            retry_budget: 0.1,
            truncate_chars: 0,
            rate: 0.0,
            burst: 1,
        }
    }
}

impl ScorerKind for HttpConfig {
    const NAME: &'static str = "http";

    fn validate(&self, check: &mut Check, pool: &PoolConfig) {
        check.under("http", |check| self.http.check(check, pool.time_limit));
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(HttpScorer::new(&self.http)?))
    }
}

impl HttpOptions {
    /// `time_limit` is that of a batch, which all tries together must not exceed.
    fn check(&self, check: &mut Check, time_limit: Duration) {
        let is_http = self.url.starts_with("http://") || self.url.starts_with("https://");
        check.require("url", is_http, || {
            format!(
                "expected an http:// or https:// address, found {:?}",
                ConnectionUrl::from(self.url.as_str())
            )
        });
        check.not_empty("texts_field", &self.texts_field);
        if let Err(error) = self.score_path.parse::<ScorePath>() {
            check.require("score_path", false, || error.to_string());
        }
        check.lasting("timeout", self.timeout);
        let tries = self.retries.saturating_add(1);
        let longest = self.timeout.saturating_mul(tries);
        check.require("timeout", longest <= time_limit, || {
            format!(
                "{tries} tries of {:?} are more than time_limit = {time_limit:?}",
                self.timeout
            )
        });
        check.within("retry_budget", self.retry_budget, 0.0..=1.0);
        check.require("rate", self.rate.is_finite() && self.rate >= 0.0, || {
            format!("expected 0 or a number above it, found {}", self.rate)
        });
        check.within("burst", self.burst, 1..=1_000_000);
    }

    /// Reads the token from the environment.
    pub(super) fn token(&self) -> Result<Option<String>, BuildError> {
        if self.token_env.is_empty() {
            return Ok(None);
        }
        std::env::var(&self.token_env).map(Some).map_err(|_| {
            let name = &self.token_env;
            BuildError::new(
                "http.token_env",
                format!("there is no variable {name} in the environment"),
            )
        })
    }
}
