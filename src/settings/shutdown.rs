use std::time::Duration;

use serde::Deserialize;

use super::check::Check;

/// `[shutdown]`: how Weir ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// Time for requests and jobs to end, in milliseconds; jobs that do not go back to the queue.
    pub grace_ms: u64,
}

impl ShutdownSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("grace_ms", self.grace_ms, 0..=86_400_000);
    }

    /// `grace_ms` as a duration.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { grace_ms: 10_000 }
    }
}
