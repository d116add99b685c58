use std::ops::Not;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::handlers::enqueue;
use crate::actors::JobQueueActor;
use crate::http::ApiError;
use crate::http::middleware::{AdminScope, Authorized};
use crate::jobs::{KnownJobs, Schedule};
use crate::queue::{JobId, JobState, NewJob, ScheduleState, Schedules};
use weir_supervision::ActorRef;

/// A schedule: what is configured, and where it stands.
#[derive(Serialize)]
struct Shown<'s> {
    name: &'s str,
    job: &'s str,
    args: &'s Value,
    /// `every 1m`, `cron 0 3 * * * in Europe/Berlin`.
    timetable: String,
    /// True if it does not fire because no running instance can run its job.
    #[serde(skip_serializing_if = "Not::not")]
    unknown_job: bool,
    #[serde(flatten)]
    state: Option<Standing>,
}

#[derive(Serialize)]
struct Standing {
    next_due: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_due: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_job: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_outcome: Option<JobState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_finished_at: Option<DateTime<Utc>>,
}

impl From<ScheduleState> for Standing {
    fn from(state: ScheduleState) -> Self {
        Self {
            next_due: state.next_due,
            last_due: state.last_due,
            last_job: state.last_job,
            last_outcome: state.last_outcome,
            last_finished_at: state.last_finished_at,
        }
    }
}

/// State of the routes of schedules.
pub struct SchedulesState {
    /// Configured schedules.
    pub configured: watch::Receiver<Arc<Vec<Schedule>>>,
    /// What the store knows of them.
    pub schedules: Schedules,
    /// Jobs that can be run.
    pub known: KnownJobs,
}

/// `GET /schedules`: every configured schedule, when it is due and what came of it last.
pub(super) async fn list(
    _: Authorized<AdminScope>,
    state: Data<SchedulesState>,
) -> Result<HttpResponse, ApiError> {
    let board = state.schedules.states().await?;
    let planned = state.configured.borrow().clone();
    let known = &state.known;
    let shown = planned.iter().map(|schedule| {
        let state = board
            .schedules
            .iter()
            .find(|state| state.name == schedule.name);
        Shown {
            name: &schedule.name,
            job: &schedule.job,
            args: &schedule.args,
            timetable: schedule.timetable.to_string(),
            unknown_job: known.is_known(&schedule.job) == Some(false),
            state: state.cloned().map(Standing::from),
        }
    });
    let shown: Vec<Shown> = shown.collect();
    Ok(HttpResponse::Ok().json(json!({ "now": board.now, "schedules": shown })))
}

/// `POST /schedules/{name}/run`: runs the job of a schedule now, whatever its timetable says. A run asked for before that
/// has not finished stands for another.
pub(super) async fn run(
    _: Authorized<AdminScope>,
    name: Path<String>,
    state: Data<SchedulesState>,
    job_queue: Data<ActorRef<JobQueueActor>>,
) -> Result<HttpResponse, ApiError> {
    let planned = state.configured.borrow().clone();
    let is_meant = |schedule: &&Schedule| schedule.name == *name;
    let Some(schedule) = planned.iter().find(is_meant) else {
        return Err(ApiError::not_found(format!(
            "schedule {:?} not found",
            *name
        )));
    };
    if state.known.is_known(&schedule.job) == Some(false) {
        let text = format!("no running instance can run the job {:?}", schedule.job);
        return Err(ApiError::conflict(text));
    }
    let job = NewJob {
        unique_key: Some(format!("schedule:{name}")),
        ..NewJob::new(&*schedule.job, schedule.args.clone())
    };
    let enqueued = enqueue(&job_queue, job).await?;
    Ok(HttpResponse::Accepted().json(json!({"id": enqueued.id, "state": enqueued.state})))
}
