use std::time::Duration;

use chrono::Utc;
use tokio::sync::watch;

use crate::db::Database;
use crate::health::HealthIssues;
use crate::seeding::{SeedingError, load_sample};

/// Time after which `/health/ready` says that jobs wait for the database.
const USUAL_PREPARATION: Duration = Duration::from_secs(2);
/// Time between two attempts to load the sample posts.
const SAMPLE_RETRY: Duration = Duration::from_secs(2);

/// Posts that an empty database begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialData {
    /// None.
    None,
    /// The sample posts.
    Sample,
}

/// Brings the database up to date, trying again for as long as anything keeps it from that, then lets jobs and schedules
/// begin. `/health/ready` says so if it takes long.
pub(super) async fn prepare(
    database: Database,
    initial: InitialData,
    prepared: watch::Sender<bool>,
    health: HealthIssues,
) {
    let preparation = prepare_database(&database, initial);
    tokio::pin!(preparation);
    if tokio::time::timeout(USUAL_PREPARATION, &mut preparation)
        .await
        .is_err()
    {
        health.report("jobs", "waiting until the database is prepared");
        preparation.await;
        health.clear("jobs");
    }
    tracing::info!("the database is ready");
    prepared.send_replace(true);
}

async fn prepare_database(database: &Database, initial: InitialData) {
    database.migrate_when_available().await;
    if initial == InitialData::None {
        return;
    }
    loop {
        match load_sample(database, Utc::now()).await {
            Ok(Some(posts)) => tracing::info!(posts, "sample posts loaded into the empty database"),
            Ok(None) => tracing::info!("the database has posts, no sample is loaded"),
            Err(SeedingError::Database(error)) if error.is_unavailable() => {
                database.observe(&error);
                tokio::time::sleep(SAMPLE_RETRY).await;
                continue;
            }
            Err(error) => tracing::error!(%error, "the sample posts cannot be loaded"),
        }
        return;
    }
}
