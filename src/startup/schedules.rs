use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::StartupError;
use super::stores::Stores;
use crate::actors::supervision::ActorSystem;
use crate::actors::{Schedule, Scheduler, SchedulerCounters, SchedulerParts};
use crate::jobs::{PrepareError, Registry};
use crate::settings::{ScheduleSettings, Settings};

/// Reads and checks the job of every schedule.
pub fn prepare_schedules(settings: &Settings) -> Result<Vec<Schedule>, StartupError> {
    let registry = Registry::shipped();
    let schedules = settings.schedules.iter().map(|(name, schedule)| {
        prepare(name, schedule, &registry).map_err(|source| StartupError::Schedule {
            schedule: name.clone(),
            source,
        })
    });
    schedules.collect()
}

fn prepare(
    name: &str,
    settings: &ScheduleSettings,
    registry: &Registry,
) -> Result<Schedule, PrepareError> {
    let job = registry.prepare(&settings.job, &Value::Object(settings.args.clone()))?;
    Ok(Schedule {
        name: name.to_owned(),
        every: settings.every,
        kind: registry.kind(&settings.job)?,
        job: Arc::new(job),
    })
}

/// Starts the scheduler, which begins once `prepared`.
pub(super) fn start(
    schedules: Vec<Schedule>,
    stores: &Stores,
    prepared: watch::Receiver<bool>,
    system: &ActorSystem,
) {
    let counters = Arc::<SchedulerCounters>::default();
    let parts = SchedulerParts {
        schedules: Arc::new(schedules),
        database: stores.database.clone(),
        results: stores.results.clone(),
        runtime: Handle::current(),
        prepared,
        counters: Arc::clone(&counters),
    };
    system.supervise("scheduler", counters, move |_, incarnation| {
        Scheduler::new(parts.clone(), incarnation)
    });
}
