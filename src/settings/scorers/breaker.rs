use std::time::Duration;

use serde::Deserialize;

use crate::settings::check::Check;
use crate::settings::text;

/// `[scorers.NAME] breaker`: when a scorer that fails is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// After so many failed batches in a row; 0 for never.
    pub failures: u32,
    /// For how long at first; it doubles with each trial that fails, up to 32 times this.
    #[serde(deserialize_with = "text::duration")]
    pub pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 10,
            pause: Duration::from_secs(1),
        }
    }
}

impl BreakerSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.lasting("pause", self.pause);
    }
}
