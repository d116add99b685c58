//! What is particular to one kind of scorer.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::check::Check;
use super::{ConnectionUrl, text};

/// `[scorers.NAME] engagement`: the sum of a platform's counts that scores one half.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngagementSettings {
    /// On Facebook.
    pub facebook: f64,
    /// On Reddit.
    pub reddit: f64,
    /// On Twitter.
    pub twitter: f64,
}

/// `[scorers.NAME] recency`: how fast it fades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecencySettings {
    /// The age of an item that scores one half.
    #[serde(deserialize_with = "text::duration")]
    pub half_life: Duration,
}

/// What of an item is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LookupBy {
    /// Its author's name hash.
    Author,
    /// Its id.
    Post,
    /// The host of its links, or a host above it.
    Domain,
    /// The user whom the feed is for.
    User,
    /// Its language.
    Language,
}

/// `[scorers.NAME] lookup`: what is looked up, and where.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookupSettings {
    /// The result key that holds `{"name": number, ...}`.
    pub key: String,
    /// What of an item is looked up.
    pub by: LookupBy,
    /// The most names; a larger table is not used.
    pub max_entries: usize,
}

/// `[scorers.NAME] lexicon`: the terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LexiconSettings {
    /// A CSV file of `term,weight`, with a header.
    pub file: PathBuf,
}

/// `[scorers.NAME] http`: the model server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Its address.
    pub url: String,
    /// The variable of the environment that holds a bearer token; empty for none.
    pub token_env: String,
    /// The field of the request that holds the texts.
    pub texts_field: String,
    /// Where the scores are in the answer: names and numbers behind slashes, `*` for each of the texts.
    pub score_path: String,
    /// Longest time of one call, its answer read whole, in milliseconds.
    pub timeout_ms: u64,
    /// How often a call that timed out or met a fault of the server is tried again.
    pub retries: u32,
    /// The most calls that are tried again, as a share of all calls, 0 to 1.
    pub retry_budget: f64,
    /// The most characters of a text that are sent; 0 for all.
    pub truncate_chars: usize,
    /// The most calls a second; 0 for any number.
    pub rate: f64,
    /// How many calls may come at once after a rest, if there is a rate.
    pub burst: u32,
}

impl Default for EngagementSettings {
    fn default() -> Self {
        Self {
            facebook: 100.0,
            reddit: 100.0,
            twitter: 100.0,
        }
    }
}

impl EngagementSettings {
    pub(super) fn check(&self, check: &mut Check) {
        for (platform, half) in [
            ("facebook", self.facebook),
            ("reddit", self.reddit),
            ("twitter", self.twitter),
        ] {
            check.require(platform, half.is_finite() && half > 0.0, || {
                format!("expected a number above 0, found {half}")
            });
        }
    }
}

impl Default for RecencySettings {
    fn default() -> Self {
        Self {
            half_life: Duration::from_hours(6),
        }
    }
}

impl RecencySettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.lasting("half_life", self.half_life);
    }
}

impl Default for LookupSettings {
    fn default() -> Self {
        Self {
            key: String::new(),
            by: LookupBy::Author,
            max_entries: 1_000_000,
        }
    }
}

impl LookupSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.not_empty("key", &self.key);
        check.within("max_entries", self.max_entries, 1..=100_000_000);
    }
}

impl LexiconSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.require("file", !self.file.as_os_str().is_empty(), || {
            "must not be empty".to_owned()
        });
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            token_env: String::new(),
            texts_field: "inputs".to_owned(),
            score_path: "/scores/*".to_owned(),
            timeout_ms: 90,
            retries: 1,
            retry_budget: 0.1,
            truncate_chars: 0,
            rate: 0.0,
            burst: 1,
        }
    }
}

impl HttpSettings {
    /// `timeout_ms` as a duration.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// `time_limit_ms` is that of a batch, which all tries together must not exceed.
    pub(super) fn check(&self, check: &mut Check, time_limit_ms: u64) {
        let is_http = self.url.starts_with("http://") || self.url.starts_with("https://");
        check.require("url", is_http, || {
            format!(
                "expected an http:// or https:// address, found {:?}",
                ConnectionUrl::from(self.url.as_str())
            )
        });
        check.not_empty("texts_field", &self.texts_field);
        check.require("score_path", self.score_path.starts_with('/'), || {
            format!(
                "expected a path such as \"/scores/*\", found {:?}",
                self.score_path
            )
        });
        check.lasting("timeout_ms", self.timeout());
        let tries = u64::from(self.retries).saturating_add(1);
        let longest = self.timeout_ms.saturating_mul(tries);
        check.require("timeout_ms", longest <= time_limit_ms, || {
            format!(
                "{tries} tries of {} ms are more than time_limit_ms = {time_limit_ms}",
                self.timeout_ms
            )
        });
        check.within("retry_budget", self.retry_budget, 0.0..=1.0);
        check.require("rate", self.rate.is_finite() && self.rate >= 0.0, || {
            format!("expected 0 or a number above it, found {}", self.rate)
        });
        check.within("burst", self.burst, 1..=1_000_000);
    }
}
