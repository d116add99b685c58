use std::time::Duration;

use serde::Deserialize;

use super::{Check, text};

/// `[recorder]`: writes served feeds into the posts. Feeds are personal data, so it is off by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecorderSettings {
    /// Whether feeds are recorded.
    pub enabled: bool,
    /// Most posts written in a second; feeds past it are counted and left out, whole.
    pub max_rows_per_s: u32,
    /// Most feeds that wait to be written.
    pub queue: usize,
}

impl RecorderSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("max_rows_per_s", self.max_rows_per_s, 1..=1_000_000);
        check.within("queue", self.queue, 1..=1_000_000);
    }
}

impl Default for RecorderSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            max_rows_per_s: 2_000,
            queue: 256,
        }
    }
}

/// `[rankings]`: keeps what `/rank` decided. Who was shown what is personal data, so it is off by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankingsSettings {
    /// Whether rankings are kept.
    pub enabled: bool,
    /// Most rankings that wait to be written; further ones are counted and left out.
    pub queue: usize,
    /// Most rankings written together.
    pub batch: usize,
    /// How long a ranking waits for its batch to become full.
    #[serde(with = "text::duration")]
    pub max_delay: Duration,
    /// The age from which rankings are deleted; zero keeps them for ever.
    #[serde(with = "text::duration")]
    pub keep: Duration,
}

impl RankingsSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("queue", self.queue, 1..=1_000_000);
        check.within("batch", self.batch, 1..=10_000);
        check.lasting("max_delay", self.max_delay);
        if !self.keep.is_zero() {
            check.lasting("keep", self.keep);
        }
    }
}

impl Default for RankingsSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            queue: 10_000,
            batch: 500,
            max_delay: Duration::from_secs(1),
            keep: Duration::from_hours(24 * 90),
        }
    }
}
