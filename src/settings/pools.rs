use serde::Deserialize;

use super::check::Check;

/// `[pools]`: how many of each actor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolsSettings {
    /// The actors that rank.
    pub ranker: RankerPool,
    /// The actors that run jobs.
    pub jobs: JobsPool,
}

/// `pools.ranker`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankerPool {
    /// Rankers.
    pub instances: usize,
}

/// `pools.jobs`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsPool {
    /// Jobs that run at once.
    pub workers: usize,
}

impl PoolsSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.under("ranker", |check| {
            check.within("instances", self.ranker.instances, 1..=1_024);
        });
        check.under("jobs", |check| {
            check.within("workers", self.jobs.workers, 1..=1_024);
        });
    }
}

impl Default for RankerPool {
    fn default() -> Self {
        Self { instances: 2 }
    }
}

impl Default for JobsPool {
    fn default() -> Self {
        Self { workers: 2 }
    }
}
