use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Check, Secret, text};

/// `[outbox]`: what scrapers have fetched and the database has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxSettings {
    /// A scraper with this many bytes waiting fetches no more until some are stored.
    pub max_bytes: u64,
}

impl OutboxSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("max_bytes", self.max_bytes, 1..=1 << 40);
    }
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024 * 1024,
        }
    }
}

/// `[preprocess]`: what `weir preprocess` goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessSettings {
    /// Salt for author names, to have the same hashes in every run; empty, each run has its own.
    pub author_salt: Secret,
}

/// `[scrapers.NAME]`: a source that is asked again and again for new posts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScraperSettings {
    /// The kind of source.
    pub source: String,
    /// Time from the end of one pass to the beginning of the next.
    #[serde(with = "text::duration")]
    pub every: Duration,
    /// The most that is added to `every`, at random, so that scrapers do not march in step.
    #[serde(default = "defaults::jitter", with = "text::duration")]
    pub jitter: Duration,
    /// About the most posts of one pass; the next goes on from there.
    #[serde(default = "defaults::limit")]
    pub limit: usize,
    /// Longest time for one answer of the source.
    #[serde(default = "defaults::timeout", with = "text::duration")]
    pub timeout: Duration,
    /// The source's arguments, as the source reads them.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// `false` removes the scraper.
    #[serde(default = "defaults::enabled")]
    pub enabled: bool,
}

impl ScraperSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.not_empty("source", &self.source);
        check.lasting("every", self.every);
        check.require("jitter", self.jitter <= self.every, || {
            "must not be longer than every".to_owned()
        });
        check.within("limit", self.limit, 1..=100_000);
        check.lasting("timeout", self.timeout);
    }
}

mod defaults {
    use std::time::Duration;

    pub(super) fn jitter() -> Duration {
        Duration::ZERO
    }

    pub(super) fn limit() -> usize {
        1_000
    }

    pub(super) fn timeout() -> Duration {
        Duration::from_secs(30)
    }

    pub(super) fn enabled() -> bool {
        true
    }
}
