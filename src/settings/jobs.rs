use std::time::Duration;

use serde::Deserialize;

use super::{Check, text};

/// `[jobs]`: how background work is run and kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsSettings {
    /// How long a run may be silent before its job goes to another. Runs say that they live three times as often.
    #[serde(with = "text::duration")]
    pub lease: Duration,
    /// Leases that one job may lose before it is buried.
    pub max_lost: u32,
    /// Most abandoned runs that may still be going; past it a worker that abandons one waits until it ends.
    pub max_abandoned: usize,
    /// How long a result is kept.
    #[serde(with = "text::duration")]
    pub result_ttl: Duration,
    /// How long a dead or cancelled job is kept.
    #[serde(with = "text::duration")]
    pub failed_ttl: Duration,
    /// The largest result, in bytes as JSON.
    pub max_result_bytes: usize,
    /// How long a large result is kept in the data folder.
    #[serde(with = "text::duration")]
    pub large_result_ttl: Duration,
    /// The largest large result, in bytes.
    pub max_large_result_bytes: u64,
    /// Unfinished jobs; past it no more are taken in.
    pub max_unfinished: u64,
    /// Finished jobs that Redis keeps.
    pub max_finished: u64,
}

impl JobsSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.require(
            "lease",
            (Duration::from_millis(100)..=Duration::from_hours(1)).contains(&self.lease),
            || "expected 100ms to 1h".to_owned(),
        );
        check.within("max_lost", self.max_lost, 0..=1_000_000);
        check.within("max_abandoned", self.max_abandoned, 0..=1_024);
        check.lasting("result_ttl", self.result_ttl);
        check.lasting("failed_ttl", self.failed_ttl);
        check.within("max_result_bytes", self.max_result_bytes, 1..=512 << 20);
        check.lasting("large_result_ttl", self.large_result_ttl);
        check.within(
            "max_large_result_bytes",
            self.max_large_result_bytes,
            1..=1 << 50,
        );
        check.within("max_unfinished", self.max_unfinished, 1..=1_000_000_000);
        check.within("max_finished", self.max_finished, 1..=1_000_000_000);
    }
}

impl Default for JobsSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            max_lost: 20,
            max_abandoned: 4,
            result_ttl: Duration::from_hours(24),
            failed_ttl: Duration::from_hours(7 * 24),
            max_result_bytes: 1024 * 1024,
            large_result_ttl: Duration::from_hours(24),
            max_large_result_bytes: 1 << 30,
            max_unfinished: 5_000_000,
            max_finished: 100_000,
        }
    }
}
