use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::pool::{FailureCount, FailureReport};
use crate::health::HealthIssues;
use crate::telemetry::LogLimiter;

/// Time for which nothing may have failed before a scorer counts as well again, so that one which fails now and then does not
/// come and go in health.
const CALM: Duration = Duration::from_secs(2);

/// Logs the failures of one scorer, and reports them in health while it fails.
pub(crate) struct FailureReporter {
    scorer: String,
    part: String,
    health: HealthIssues,
    log: LogLimiter<String>,
    /// Items by reason that no log line has counted yet.
    unlogged: HashMap<String, u64>,
    current: Option<Trouble>,
}

/// The condition of the scorer as it stands in health.
struct Trouble {
    failed_at: Instant,
    detail: String,
    left_alone: bool,
}

impl FailureReporter {
    pub(crate) fn new(scorer: &str, health: HealthIssues) -> Self {
        Self {
            scorer: scorer.to_owned(),
            part: health_part(scorer),
            health,
            log: LogLimiter::new(),
            unlogged: HashMap::new(),
            current: None,
        }
    }

    /// Forgets the failures of threads that others have replaced.
    pub(crate) fn reset(&mut self) {
        self.log = LogLimiter::new();
        self.unlogged.clear();
        if self.current.take().is_some() {
            self.health.clear(&self.part);
        }
    }

    pub(crate) fn report(&mut self, report: FailureReport, now: Instant) {
        let FailureReport {
            new,
            failing,
            left_alone,
        } = report;
        for FailureCount { failure, items } in new {
            self.write_log(&failure.reason, &failure.detail, items);
            self.current = Some(Trouble {
                failed_at: now,
                detail: failure.detail,
                left_alone,
            });
            self.show();
        }
        let Some(trouble) = &mut self.current else {
            return;
        };
        if !failing && !left_alone && now.duration_since(trouble.failed_at) >= CALM {
            self.current = None;
            self.health.clear(&self.part);
            if self.log.admit(String::new()).is_some() {
                tracing::info!(scorer = self.scorer, "scorer works again");
            }
        } else if trouble.left_alone != left_alone {
            trouble.left_alone = left_alone;
            self.show();
        }
    }

    fn show(&self) {
        let Some(Trouble {
            detail, left_alone, ..
        }) = &self.current
        else {
            return;
        };
        let why = if *left_alone {
            format!("breaker open: {detail}")
        } else {
            detail.clone()
        };
        self.health.report(&self.part, why);
    }

    fn write_log(&mut self, reason: &str, detail: &str, items: u64) {
        let unlogged = self.unlogged.entry(reason.to_owned()).or_default();
        *unlogged += items;
        if self.log.admit(reason.to_owned()).is_some() {
            let items = std::mem::take(unlogged);
            tracing::warn!(
                scorer = self.scorer,
                reason,
                detail,
                items,
                "scorer failed, items since the line before have no score"
            );
        }
    }
}

impl Drop for FailureReporter {
    fn drop(&mut self) {
        self.reset();
    }
}

/// Returns the name by which health shows a scorer.
pub(crate) fn health_part(scorer: &str) -> String {
    format!("scorer {scorer}")
}
