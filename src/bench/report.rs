use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use serde::Serialize;

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Of the requests that ended well.
    latencies: Vec<Duration>,
    failures: BTreeMap<String, u64>,
    /// How long the load took.
    pub took: Duration,
}

/// An outcome in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was measured.
    pub name: String,
    /// Requests that ended well.
    pub succeeded: usize,
    /// Requests that did not.
    pub failed: u64,
    /// Those that ended well, a second.
    pub per_second: f64,
    /// The median latency, in milliseconds.
    pub p50_ms: f64,
    /// The 95th percentile of the latency, in milliseconds.
    pub p95_ms: f64,
    /// The 99th percentile of the latency, in milliseconds.
    pub p99_ms: f64,
    /// The longest latency, in milliseconds.
    pub max_ms: f64,
    /// How often each failure occurred.
    pub failures: BTreeMap<String, u64>,
}

impl Outcome {
    pub(super) fn succeed(&mut self, latency: Duration) {
        self.latencies.push(latency);
    }

    pub(super) fn fail(&mut self, error: &dyn Error) {
        *self.failures.entry(error.to_string()).or_default() += 1;
    }

    /// Takes in another outcome of the same time.
    pub fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        for (failure, times) in other.failures {
            *self.failures.entry(failure).or_default() += times;
        }
    }

    /// The outcome in figures; a percentile is the latency that so many percent of the requests did not exceed.
    pub fn report(&self, name: &str) -> Report {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let percentile = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted
                .get(rank - 1)
                .map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
        };
        Report {
            name: name.to_owned(),
            succeeded: sorted.len(),
            failed: self.failures.values().sum(),
            per_second: sorted.len() as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE),
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            p99_ms: percentile(99),
            max_ms: percentile(100),
            failures: self.failures.clone(),
        }
    }
}

impl Report {
    /// The columns of [`Report::row`].
    pub const HEAD: &str =
        "            requests  failed  per second    p50 ms    p95 ms    p99 ms    max ms";

    /// The figures in one line.
    pub fn row(&self) -> String {
        format!(
            "{:<10} {:>9} {:>7} {:>11.0} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
            self.name,
            self.succeeded,
            self.failed,
            self.per_second,
            self.p50_ms,
            self.p95_ms,
            self.p99_ms,
            self.max_ms
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_occurred() {
        let mut outcome = Outcome {
            took: Duration::from_secs(2),
            ..Outcome::default()
        };
        (1..=200)
            .rev()
            .for_each(|ms| outcome.succeed(Duration::from_millis(ms)));
        let report = outcome.report("all");
        assert_eq!(
            (report.p50_ms, report.p95_ms, report.p99_ms, report.max_ms),
            (100.0, 190.0, 198.0, 200.0)
        );
        assert_eq!(
            (report.succeeded, report.failed, report.per_second),
            (200, 0, 100.0)
        );
    }

    #[test]
    fn failures_are_counted_by_what_they_say() {
        let mut outcome = Outcome::default();
        let refused = std::io::Error::other("refused");
        outcome.fail(&refused);
        let mut other = Outcome::default();
        other.fail(&refused);
        outcome.merge(other);
        let report = outcome.report("all");
        assert_eq!(
            (report.failed, report.failures["refused"], report.max_ms),
            (2, 2, 0.0)
        );
    }
}
