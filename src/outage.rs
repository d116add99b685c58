//! Errors of stores and databases by what they mean, and the outages that they make up.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::health::HealthIssues;
use crate::telemetry::LogLimiter;

/// Time between two probes of a store that is unavailable.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// Meaning of an error that a store or database answered: one row of the table of its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorClass {
    /// The condition in the words of an operator, for `/health/ready` and the log, such as `read-only (failover?)`.
    pub condition: &'static str,
    /// The seconds after which the same request is worth another try, for `Retry-After`. `None` if it would fail in the
    /// same way, which is answered with 500.
    pub retry_after_s: Option<u32>,
    /// True if the connection must be dropped and the address resolved again before the next try.
    pub reconnect: bool,
}

impl ErrorClass {
    /// A refusal that may end by itself, on a connection that stays usable.
    pub const fn passing(condition: &'static str) -> Self {
        Self {
            condition,
            retry_after_s: Some(1),
            reconnect: false,
        }
    }

    /// A connection that is broken, or leads to a server that is no longer the right one.
    pub const fn wrong_server(condition: &'static str) -> Self {
        Self {
            condition,
            retry_after_s: Some(1),
            reconnect: true,
        }
    }

    /// A refusal that lasts until an operator changes something, such as a missing permission. The request is not at
    /// fault. A connection made afterwards may have what this one lacks.
    pub const fn needs_operator(condition: &'static str) -> Self {
        Self {
            condition,
            retry_after_s: Some(30),
            reconnect: true,
        }
    }

    /// A request that fails however often it is sent.
    pub const fn fault(condition: &'static str) -> Self {
        Self {
            condition,
            retry_after_s: None,
            reconnect: false,
        }
    }

    /// Returns whether the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        self.retry_after_s.is_some()
    }
}

/// True if a store or database is available, as its log lines and its entry in `/health/ready` say.
///
/// An outage begins with the first failure. A success does not end it, since a store that refuses to write still answers
/// reads: the owner probes the store every [`PROBE_INTERVAL`] with a write, and the outage ends when a probe succeeds and
/// nothing has failed since the probe before.
#[derive(Debug)]
pub struct Outage {
    part: &'static str,
    health: HealthIssues,
    since: watch::Sender<Option<Instant>>,
    current: Mutex<Option<Current>>,
    lines: LogLimiter<&'static str>,
}

#[derive(Debug)]
struct Current {
    condition: &'static str,
    failures: u64,
    failures_since_probe: u64,
    is_logged: bool,
}

impl Outage {
    /// No outage so far of `part`, which is the name in `/health/ready`.
    pub fn new(part: &'static str, health: HealthIssues) -> Self {
        Self {
            part,
            health,
            since: watch::Sender::new(None),
            current: Mutex::default(),
            lines: LogLimiter::new(),
        }
    }

    /// The time at which the outage began, `None` while there is none.
    pub fn subscribe(&self) -> watch::Receiver<Option<Instant>> {
        self.since.subscribe()
    }

    /// Returns whether there is no outage.
    pub fn is_over(&self) -> bool {
        self.lock().is_none()
    }

    /// Notes a failure of a retryable class. Returns whether an outage began with it, in which case the caller starts to
    /// probe. `error` is logged and so must hold no user data and no credentials.
    pub fn failed(&self, class: ErrorClass, error: &str) -> bool {
        let mut current = self.lock();
        let began = current.is_none();
        let outage = current.get_or_insert(Current {
            condition: class.condition,
            failures: 0,
            failures_since_probe: 0,
            is_logged: false,
        });
        outage.condition = class.condition;
        outage.failures += 1;
        outage.failures_since_probe += 1;
        self.health.report(self.part, class.condition);
        if let Some(suppressed) = self.lines.admit(class.condition) {
            outage.is_logged = true;
            let (part, condition) = (self.part, class.condition);
            tracing::warn!(part, condition, error, suppressed, "a store is unavailable");
        }
        if began {
            self.since.send_replace(Some(Instant::now()));
        }
        began
    }

    /// Notes that a probe succeeded. Returns whether the outage is over.
    pub fn probe_succeeded(&self) -> bool {
        let mut current = self.lock();
        let Some(outage) = current.as_mut() else {
            return true;
        };
        if std::mem::take(&mut outage.failures_since_probe) > 0 {
            return false;
        }
        let (part, condition, failures) = (self.part, outage.condition, outage.failures);
        let is_logged = outage.is_logged;
        *current = None;
        self.health.clear(part);
        let began = self.since.send_replace(None);
        if let Some(began) = began.filter(|_| is_logged) {
            let outage_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(
                part,
                condition,
                failures,
                outage_ms,
                "a store is available again"
            );
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ_ONLY: ErrorClass = ErrorClass::wrong_server("read-only (failover?)");
    const UNREACHABLE: ErrorClass = ErrorClass::wrong_server("unreachable");

    fn outage() -> (Outage, HealthIssues) {
        let health = HealthIssues::default();
        (Outage::new("store", health.clone()), health)
    }

    #[test]
    fn an_outage_begins_with_the_first_failure_and_is_one_change() {
        let (outage, health) = outage();
        let mut since = outage.subscribe();

        assert!(outage.failed(READ_ONLY, "READONLY"));
        let began = *since.borrow_and_update();
        assert!(!outage.failed(READ_ONLY, "READONLY"));

        assert!(began.is_some());
        assert!(!since.has_changed().unwrap());
        assert_eq!(health.current()[0].why, "read-only (failover?)");
    }

    #[test]
    fn an_outage_ends_with_a_probe_that_nothing_failed_before() {
        let (outage, health) = outage();
        outage.failed(READ_ONLY, "READONLY");

        assert!(!outage.probe_succeeded(), "a failure came before");
        outage.failed(READ_ONLY, "READONLY");
        assert!(!outage.probe_succeeded(), "a failure came since");
        assert!(!health.current().is_empty());
        assert!(outage.probe_succeeded());

        assert!(outage.is_over());
        assert!(outage.subscribe().borrow().is_none());
        assert!(health.current().is_empty());
    }

    #[test]
    fn health_gives_the_newest_condition() {
        let (outage, health) = outage();
        outage.failed(UNREACHABLE, "refused");
        outage.failed(READ_ONLY, "READONLY");
        assert_eq!(health.current().len(), 1);
        assert_eq!(health.current()[0].why, "read-only (failover?)");
    }
}
