use std::time::Duration;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use weir_supervision::SupervisionPolicy;

use super::{Check, text};

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

/// `[supervision]`: how actors are restarted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupervisionSettings {
    /// The wait before a restart.
    pub backoff: Backoff,
    /// Most restarts of one actor within `window`; past it the actor rests for that window, then is built again.
    pub max_restarts: u32,
    /// The window in which restarts are counted.
    #[serde(with = "text::duration")]
    pub window: Duration,
    /// An actor that has been in one handler for longer is replaced.
    #[serde(with = "text::duration")]
    pub freeze_after: Duration,
}

/// A wait that starts at `initial`, doubles with each restart and ends at `max`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// The first wait.
    #[serde(with = "text::duration")]
    pub initial: Duration,
    /// The longest wait.
    #[serde(with = "text::duration")]
    pub max: Duration,
}

impl SupervisionSettings {
    /// Returns the limits within which actors and programs are restarted.
    pub fn policy(&self) -> SupervisionPolicy {
        SupervisionPolicy {
            backoff: weir_supervision::Backoff::new(self.backoff.initial, self.backoff.max),
            max_restarts: self.max_restarts as usize,
            window: self.window,
            freeze_after: self.freeze_after,
        }
    }

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

/// `[shutdown]`: how Weir ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// Time for requests and jobs to end; jobs that do not go back to the queue.
    #[serde(with = "text::duration")]
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

/// `[log]`: what is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// Levels, as in `info` or `warn,weir=debug`.
    pub filter: String,
    /// True if each request is logged when it is answered, whatever the filter says.
    pub access: bool,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

impl LogSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.require("filter", EnvFilter::try_new(&self.filter).is_ok(), || {
            format!(
                "expected levels such as info or warn,weir=debug, found {:?}",
                self.filter
            )
        });
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            filter: "info".to_owned(),
            access: false,
        }
    }
}
