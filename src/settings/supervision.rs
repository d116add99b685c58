use std::time::Duration;

use serde::Deserialize;

use super::check::Check;
use super::text;

/// `[supervision]`: how actors are restarted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupervisionSettings {
    /// The wait before a restart.
    pub backoff: Backoff,
    /// Most restarts of one actor within `window`; past it the actor rests for that window, then is built anew.
    pub max_restarts: u32,
    /// The window in which restarts are counted.
    #[serde(deserialize_with = "text::duration")]
    pub window: Duration,
    /// An actor that has been in one handler for longer is replaced.
    #[serde(deserialize_with = "text::duration")]
    pub freeze_after: Duration,
}

/// A wait that starts at `initial`, doubles with each restart and ends at `max`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// The first wait.
    #[serde(deserialize_with = "text::duration")]
    pub initial: Duration,
    /// The longest wait.
    #[serde(deserialize_with = "text::duration")]
    pub max: Duration,
}

impl SupervisionSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.under("backoff", |check| {
            check.lasting("initial", self.backoff.initial);
            check.lasting("max", self.backoff.max);
            check.require("max", self.backoff.max >= self.backoff.initial, || {
                "must not be shorter than supervision.backoff.initial".to_owned()
            });
        });
        check.lasting("window", self.window);
        check.lasting("freeze_after", self.freeze_after);
    }
}

impl Default for SupervisionSettings {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            max_restarts: 10,
            window: Duration::from_mins(1),
            freeze_after: Duration::from_secs(5),
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(50),
            max: Duration::from_secs(5),
        }
    }
}
