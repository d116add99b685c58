use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{ApiError, Front, Scope, jobs};
use crate::jobs::Schedule;
use crate::queue::ScheduleState;
use crate::queue::{JobId, JobState, NewJob};

/// A schedule: what is configured, and where it stands.
#[derive(Serialize)]
struct Shown<'s> {
    name: &'s str,
    job: &'s str,
    args: &'s Value,
    /// `every 1m`, `cron 0 3 * * * in Europe/Berlin`.
    timetable: String,
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

/// `GET /schedules`: every configured schedule, when it is due and what came of it last.
pub(super) async fn list(
    request: HttpRequest,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let board = front.schedules.board().await?;
    let planned = front.planned.borrow().clone();
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
            state: state.cloned().map(Standing::from),
        }
    });
    let shown: Vec<Shown> = shown.collect();
    Ok(HttpResponse::Ok().json(json!({ "now": board.now, "schedules": shown })))
}

/// `POST /schedules/{name}/run`: runs the job of a schedule now, whatever its timetable says. A run asked for before that
/// has not finished stands for another.
pub(super) async fn run(
    request: HttpRequest,
    name: Path<String>,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let planned = front.planned.borrow().clone();
    let is_meant = |schedule: &&Schedule| schedule.name == *name;
    let Some(schedule) = planned.iter().find(is_meant) else {
        return Err(ApiError::not_found(format!(
            "there is no schedule {:?}",
            *name
        )));
    };
    let job = NewJob {
        unique_key: Some(format!("schedule:{name}")),
        ..NewJob::new(&*schedule.job, schedule.args.clone())
    };
    let enqueued = jobs::enqueue(&front, job).await?;
    Ok(HttpResponse::Accepted().json(json!({"id": enqueued.id, "state": enqueued.state})))
}
