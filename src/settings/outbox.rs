use serde::Deserialize;

use super::check::Check;

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
