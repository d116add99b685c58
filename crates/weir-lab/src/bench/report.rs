use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use serde::Serialize;

use super::client::Completeness;

/// Outcome of a load.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Latencies of successful requests.
    latencies: Vec<Duration>,
    /// Latencies of refused requests.
    refusals: Vec<Duration>,
    /// Number of successful requests with a degraded response.
    degraded: usize,
    failures: BTreeMap<String, u64>,
    /// Duration of the load.
    pub elapsed: Duration,
}

/// Figures of an outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the load.
    pub name: String,
    /// Number of successful requests.
    pub succeeded: usize,
    /// Number of successful requests with a degraded response.
    pub degraded: usize,
    /// Number of failed requests.
    pub failed: u64,
    /// Successful requests per second.
    pub per_second: f64,
    /// Median latency in milliseconds.
    pub p50_ms: f64,
    /// 95th percentile of the latency in milliseconds.
    pub p95_ms: f64,
    /// 99th percentile of the latency in milliseconds.
    pub p99_ms: f64,
    /// Maximum latency in milliseconds.
    pub max_ms: f64,
    /// Number of refused requests, if refusals are accepted.
    pub refused: usize,
    /// 99th percentile of the latency of refusals in milliseconds.
    pub refused_p99_ms: f64,
    /// Number of failures by message.
    pub failures: BTreeMap<String, u64>,
}

impl Outcome {
    pub(super) fn succeed(&mut self, completeness: Completeness, latency: Duration) {
        self.latencies.push(latency);
        self.degraded += usize::from(completeness == Completeness::Degraded);
    }

    pub(super) fn refuse(&mut self, latency: Duration) {
        self.refusals.push(latency);
    }

    pub(super) fn fail(&mut self, error: &dyn Error) {
        *self.failures.entry(error.to_string()).or_default() += 1;
    }

    /// Adds another outcome of the same load.
    pub fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.refusals.extend(other.refusals);
        self.degraded += other.degraded;
        for (failure, times) in other.failures {
            *self.failures.entry(failure).or_default() += times;
        }
    }

    /// Returns the figures. A percentile is the smallest measured latency that this share of the requests does not exceed.
    pub fn report(&self, name: &str) -> Report {
        let latencies = Percentiles::new(&self.latencies);
        Report {
            name: name.to_owned(),
            succeeded: self.latencies.len(),
            degraded: self.degraded,
            failed: self.failures.values().sum(),
            per_second: self.latencies.len() as f64
                / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
            p50_ms: latencies.ms(50),
            p95_ms: latencies.ms(95),
            p99_ms: latencies.ms(99),
            max_ms: latencies.ms(100),
            refused: self.refusals.len(),
            refused_p99_ms: Percentiles::new(&self.refusals).ms(99),
            failures: self.failures.clone(),
        }
    }
}

/// Sorted latencies.
struct Percentiles(Vec<Duration>);

impl Percentiles {
    fn new(latencies: &[Duration]) -> Self {
        let mut sorted = latencies.to_vec();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// Returns a percentile in milliseconds, 0 if there is no latency.
    fn ms(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        let latency = self.0.get(rank - 1);
        latency.map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

impl Report {
    /// Header of [`Report::row`].
    pub const HEADER: &str =
        "            requests  failed  per second    p50 ms    p95 ms    p99 ms    max ms";

    /// Formats the figures as a row of a table.
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
    fn percentiles_are_measured_latencies() {
        let mut outcome = Outcome {
            elapsed: Duration::from_secs(2),
            ..Outcome::default()
        };
        (1..=200)
            .rev()
            .for_each(|ms| outcome.succeed(Completeness::Complete, Duration::from_millis(ms)));
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
    fn refusals_and_degraded_responses_are_counted_separately() {
        let mut outcome = Outcome::default();
        outcome.succeed(Completeness::Degraded, Duration::from_millis(300));
        outcome.refuse(Duration::from_millis(2));
        let mut other = Outcome::default();
        other.succeed(Completeness::Complete, Duration::from_millis(100));
        other.refuse(Duration::from_millis(1));
        outcome.merge(other);
        let report = outcome.report("all");
        assert_eq!(
            (report.succeeded, report.degraded, report.failed),
            (2, 1, 0)
        );
        assert_eq!((report.refused, report.refused_p99_ms), (2, 2.0));
        assert!(report.max_ms > 299.0, "refusals have their own latencies");
    }

    #[test]
    fn failures_are_counted_by_message() {
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
