use serde::Deserialize;

use super::check::Check;

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
