use std::time::Duration;

use serde::Deserialize;

use super::check::Check;
use super::text;

/// `[shutdown]`: how Weir ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// Time for requests and jobs to end; jobs that do not go back to the queue.
    #[serde(deserialize_with = "text::duration")]
    pub grace: Duration,
}

impl ShutdownSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.at_most("grace", self.grace, Duration::from_hours(24));
    }
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(10),
        }
    }
}
