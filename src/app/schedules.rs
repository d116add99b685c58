use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::Value;

use super::StartupError;
use crate::jobs::{PrepareError, Programs, Registry, Schedule};
use crate::scoring::Scorers;
use crate::settings::{ScheduleSettings, Settings};

/// Reads and checks the job of every schedule.
pub fn prepare_schedules(settings: &Settings) -> Result<Vec<Schedule>, StartupError> {
    let programs = Programs::new(
        &settings.programs,
        Vec::new(),
        settings.jobs.max_result_bytes,
    );
    let registry = Registry::shipped()
        .with_programs(programs)
        .with_scorers(Arc::new(ArcSwap::from_pointee(Scorers::from_config(
            &settings.scorers,
        )?)));
    let schedules = settings.schedules.iter().map(|(name, schedule)| {
        prepare(name, schedule, &registry).map_err(|source| StartupError::Schedule {
            schedule: name.clone(),
            source,
        })
    });
    Ok(schedules
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// Nothing for a schedule without times, which checked settings do not have.
fn prepare(
    name: &str,
    settings: &ScheduleSettings,
    registry: &Registry,
) -> Result<Option<Schedule>, PrepareError> {
    let args = Value::Object(settings.args.clone());
    registry.prepare(&settings.job, &args)?;
    Ok(settings.timetable().map(|timetable| Schedule {
        name: name.to_owned(),
        job: settings.job.clone(),
        args,
        timetable,
        jitter: settings.jitter,
        catch_up: settings.catch_up,
    }))
}
