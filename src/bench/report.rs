use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use serde::Serialize;

use super::client::Answered;

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Of the requests that ended well.
    latencies: Vec<Duration>,
    /// Of those that the server would not take on.
    refusals: Vec<Duration>,
    /// How many ended well with something missing.
    degraded: usize,
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
    /// Those of them whose answer says that something was missing.
    pub degraded: usize,
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
    /// Requests that the server refused and was allowed to refuse.
    pub refused: usize,
    /// The 99th percentile of how long a refusal took, in milliseconds.
    pub refused_p99_ms: f64,
    /// How often each failure occurred.
    pub failures: BTreeMap<String, u64>,
}

impl Outcome {
    pub(super) fn succeed(&mut self, answered: Answered, latency: Duration) {
        self.latencies.push(latency);
        self.degraded += usize::from(answered == Answered::Degraded);
    }

    pub(super) fn refuse(&mut self, latency: Duration) {
        self.refusals.push(latency);
    }

    pub(super) fn fail(&mut self, error: &dyn Error) {
        *self.failures.entry(error.to_string()).or_default() += 1;
    }

    /// Takes in another outcome of the same time.
    pub fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.refusals.extend(other.refusals);
        self.degraded += other.degraded;
        for (failure, times) in other.failures {
            *self.failures.entry(failure).or_default() += times;
        }
    }

    /// The outcome in figures; a percentile is the latency that so many percent of the requests did not exceed.
    pub fn report(&self, name: &str) -> Report {
        let answers = Percentiles::of(&self.latencies);
        Report {
            name: name.to_owned(),
            succeeded: self.latencies.len(),
            degraded: self.degraded,
            failed: self.failures.values().sum(),
            per_second: self.latencies.len() as f64
                / self.took.as_secs_f64().max(f64::MIN_POSITIVE),
            p50_ms: answers.ms(50),
            p95_ms: answers.ms(95),
            p99_ms: answers.ms(99),
            max_ms: answers.ms(100),
            refused: self.refusals.len(),
            refused_p99_ms: Percentiles::of(&self.refusals).ms(99),
            failures: self.failures.clone(),
        }
    }
}

/// Latencies from the shortest to the longest.
struct Percentiles(Vec<Duration>);

impl Percentiles {
    fn of(latencies: &[Duration]) -> Self {
        let mut sorted = latencies.to_vec();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// What so many percent did not exceed, in milliseconds; 0 if there is none.
    fn ms(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        let latency = self.0.get(rank - 1);
        latency.map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
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
            .for_each(|ms| outcome.succeed(Answered::Whole, Duration::from_millis(ms)));
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
    fn refusals_and_what_was_missing_are_counted_apart() {
        let mut outcome = Outcome::default();
        outcome.succeed(Answered::Degraded, Duration::from_millis(300));
        outcome.refuse(Duration::from_millis(2));
        let mut other = Outcome::default();
        other.succeed(Answered::Whole, Duration::from_millis(100));
        other.refuse(Duration::from_millis(1));
        outcome.merge(other);
        let report = outcome.report("all");
        assert_eq!(
            (report.succeeded, report.degraded, report.failed),
            (2, 1, 0)
        );
        assert_eq!((report.refused, report.refused_p99_ms), (2, 2.0));
        assert!(report.max_ms > 299.0, "refusals are no answers");
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
