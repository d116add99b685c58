//! The health of the database, known from the errors that its users meet.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::Database;
use crate::db::{DbError, migrations};
use crate::health::HealthIssues;
use crate::outage::{ErrorClass, Outage, PROBE_INTERVAL};
use crate::sql::error_class::concerns_server;
use crate::telemetry::LogLimiter;

/// Name of the database in `/health/ready`.
const PART: &str = "database";
/// Name of the database for ad hoc queries in `/health/ready`.
const QUERY_PART: &str = "database.query_url";
/// Longest time that a probe may take.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// Outages of a database.
#[derive(Debug)]
pub(in crate::db) struct OutageMonitor {
    outage: Arc<Outage>,
    health: HealthIssues,
    query_lines: LogLimiter<&'static str>,
    home: Handle,
}

impl OutageMonitor {
    /// No outage so far. The calling runtime is that on which the database is probed.
    pub(super) fn new(health: HealthIssues) -> Self {
        Self {
            outage: Arc::new(Outage::new(PART, health.clone())),
            health,
            query_lines: LogLimiter::new(),
            home: Handle::current(),
        }
    }

    /// The outages, for who notes failures as well.
    pub(super) fn outage(&self) -> Arc<Outage> {
        Arc::clone(&self.outage)
    }

    /// Notes how the connection for an ad hoc query fared.
    pub(in crate::db) fn note_query(&self, failure: Option<&DbError>) {
        let Some(error) = failure else {
            self.health.clear(QUERY_PART);
            return;
        };
        let condition = error.class().condition;
        self.health.report(QUERY_PART, condition);
        if let Some(suppressed) = self.query_lines.admit(condition) {
            tracing::warn!(condition, %error, suppressed, "the database for ad hoc queries is unavailable");
        }
    }
}

impl Database {
    /// Takes note of an error that a statement has met: connections that are of no use are not used again, and
    /// `/health/ready` and the log say what is wrong until a probe finds it mended.
    pub fn observe(&self, error: &DbError) {
        let class = error.class();
        if error.is_unavailable() && concerns_server(class) {
            self.note_failure(class, error);
        }
    }

    /// Takes note of an error of any class that keeps the database from being prepared.
    pub(super) fn note_failure(&self, class: ErrorClass, error: &DbError) {
        self.writer().connections().reconnect_after(class);
        if self
            .outage_monitor()
            .outage
            .failed(class, &error.to_string())
        {
            let database = self.clone();
            self.outage_monitor()
                .home
                .spawn(database.probe_until_available());
        }
    }

    async fn probe_until_available(self) {
        loop {
            sleep(PROBE_INTERVAL).await;
            let probe = timeout(PROBE_LIMIT, self.probe()).await;
            match probe {
                Ok(Ok(())) if self.outage_monitor().outage.probe_succeeded() => return,
                Err(_) => self.writer().connections().reconnect(),
                Ok(_) => {}
            }
        }
    }

    /// Writes what is there already.
    async fn probe(&self) -> Result<(), DbError> {
        let transaction = self.writer().begin().await?;
        let write = format!("UPDATE {0} SET version = version", migrations::TABLE);
        transaction.execute_unprepared(&write).await?;
        Ok(transaction.commit().await?)
    }
}
