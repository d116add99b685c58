use std::time::Duration;

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::body::read_json;
use super::query::QueryArguments;
use super::submission::Submission;
use super::{ApiError, Front, Scope, files};
use crate::actors::{Cancel, Enqueue};
use crate::queue::{Cancellation, Enqueued, JobFilter, JobId, JobRecord, JobState, NewJob, Replay};
use crate::store::{StoreError, is_key};

/// The longest long poll, in milliseconds.
const LONGEST_WAIT_MS: u64 = 60_000;
/// What the desk may take, longer than any call to the store.
const DESK_LIMIT: Duration = Duration::from_secs(12);
const DEFAULT_LIMIT: usize = 100;

/// Where a job that was taken in can be found.
#[derive(Serialize)]
struct Taken {
    id: JobId,
    state: JobState,
    /// The jobs that follow it, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    then: Vec<JobId>,
}

/// `POST /jobs`: takes in a job or a group of them. 202 means that each runs at least once.
pub(super) async fn submit(
    request: HttpRequest,
    payload: Payload,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let body = front.read_body(&request, payload).await?;
    let (submission, _) = read_json(&body, |body| Submission::read(body, &front.registry))?;
    match submission {
        Submission::One(job) => Ok(HttpResponse::Accepted().json(take_in(&front, job).await?)),
        Submission::Group(jobs) => {
            let taken = try_join_all(jobs.into_iter().map(|job| take_in(&front, job))).await?;
            Ok(HttpResponse::Accepted().json(json!({ "jobs": taken })))
        }
    }
}

/// `GET /jobs?state=&name=&cursor=&limit=`: a page of jobs, newest first, without their results.
pub(super) async fn list(
    request: HttpRequest,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let filter = filter(QueryArguments::of(&request))?;
    Ok(HttpResponse::Ok().json(front.resources.queue.list(filter).await?))
}

/// `GET /jobs/{id}?wait_ms=`: a job with its result; waits up to `wait_ms` for its end.
pub(super) async fn show(
    request: HttpRequest,
    id: Path<String>,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let id = job_id(&id)?;
    let wait_ms = wait_ms(QueryArguments::of(&request))?;
    let job = find(&front, id).await?;
    if wait_ms == 0 || job.state.is_finished() {
        return Ok(HttpResponse::Ok().json(job));
    }
    let _place = front.waits.admit()?;
    wait_for_end(&front, id, Duration::from_millis(wait_ms)).await;
    Ok(HttpResponse::Ok().json(find(&front, id).await?))
}

/// `GET /jobs/{id}/result`: the result alone; a large one is streamed.
pub(super) async fn result(
    request: HttpRequest,
    id: Path<String>,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let id = job_id(&id)?;
    let job = find(&front, id).await?;
    let Some(result) = job.result.filter(|_| job.state == JobState::Succeeded) else {
        let text = format!("the job is {} and has no result", job.state);
        return Err(ApiError::conflict(text));
    };
    match front.resources.large_results.file_of(id, &result) {
        None => Ok(HttpResponse::Ok().json(result)),
        Some(file) => files::stream(&file).await,
    }
}

/// `DELETE /jobs/{id}`: cancels a waiting job (200), or asks a running one to end (202).
pub(super) async fn cancel(
    request: HttpRequest,
    id: Path<String>,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let id = job_id(&id)?;
    let (reply, answer) = oneshot::channel();
    front.desk.tell(Cancel { id, reply });
    match desk_answer(answer).await? {
        Cancellation::Done => {
            Ok(HttpResponse::Ok().json(json!({"id": id, "state": JobState::Cancelled})))
        }
        Cancellation::Requested => Ok(HttpResponse::Accepted()
            .json(json!({"id": id, "state": JobState::Running, "cancel_requested": true}))),
        Cancellation::Finished(state) => {
            Err(ApiError::conflict(format!("the job is {state} already")))
        }
        Cancellation::Unknown => Err(unknown(id)),
    }
}

/// `POST /jobs/{id}/retry`: queues a dead job again, as if it were new.
pub(super) async fn retry(
    request: HttpRequest,
    id: Path<String>,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    front.access.check(Scope::Admin, &request)?;
    let id = job_id(&id)?;
    match front.resources.queue.replay(id).await? {
        Replay::Done => {
            Ok(HttpResponse::Accepted().json(json!({"id": id, "state": JobState::Queued})))
        }
        Replay::NotDead(state) => Err(ApiError::conflict(format!(
            "the job is {state}, only a dead one can be run again"
        ))),
        Replay::Equal => Err(ApiError::conflict(
            "a job with the same unique_key has not finished",
        )),
        Replay::Unknown => Err(unknown(id)),
    }
}

/// Hands a job to the desk and waits until it is stored.
pub(super) async fn enqueue(front: &Front, job: NewJob) -> Result<Enqueued, ApiError> {
    let (reply, answer) = oneshot::channel();
    front.desk.tell(Enqueue { job, reply });
    desk_answer(answer).await
}

async fn take_in(front: &Front, job: NewJob) -> Result<Taken, ApiError> {
    let own_id = job.id;
    let next = |job: &NewJob| job.then.as_deref().cloned();
    let then: Vec<JobId> = std::iter::successors(next(&job), next)
        .map(|job| job.id)
        .collect();
    let Enqueued { id, state } = enqueue(front, job).await?;
    Ok(Taken {
        id,
        state,
        // What follows an equal job is that job's affair.
        then: if id == own_id { then } else { Vec::new() },
    })
}

async fn desk_answer<T>(answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(DESK_LIMIT, answer).await {
        Ok(Ok(answer)) => Ok(answer?),
        Ok(Err(_)) | Err(_) => Err(ApiError::unavailable("the job desk did not answer", 1)),
    }
}

/// Returns when the job has finished, the time is up or Weir stops.
async fn wait_for_end(front: &Front, id: JobId, longest: Duration) {
    let mut job = front.resources.queue.watch(id);
    let mut stopping = front.stopping.clone();
    let is_finished =
        |job: &Option<JobRecord>| job.as_ref().is_some_and(|job| job.state.is_finished());
    tokio::select! {
        _ = job.wait_for(is_finished) => {}
        _ = stopping.wait_for(|&stopping| stopping) => {}
        () = tokio::time::sleep(longest) => {}
    }
}

async fn find(front: &Front, id: JobId) -> Result<JobRecord, ApiError> {
    front
        .resources
        .queue
        .job(id)
        .await?
        .ok_or_else(|| unknown(id))
}

fn unknown(id: JobId) -> ApiError {
    ApiError::not_found(format!("there is no job {id}, or it is forgotten"))
}

fn job_id(text: &str) -> Result<JobId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::invalid("id", "expected the id of a job"))
}

fn filter(mut query: QueryArguments) -> Result<JobFilter, ApiError> {
    let limits = 1..=JobFilter::MAX_LIMIT;
    let read_limit = |text: &str| text.parse().ok().filter(|limit| limits.contains(limit));
    let read_name = |text: &str| is_key(text).then(|| text.to_owned());
    let expected_limit = format!("1 to {}", JobFilter::MAX_LIMIT);
    let expected_state = JobState::ALL.map(JobState::as_str).join(", ");
    let filter = JobFilter {
        state: query.take("state", JobState::named, &expected_state)?,
        name: query.take("name", read_name, "the name of a job")?,
        before: query.parse("cursor", "the `next` of a page")?,
        limit: query
            .take("limit", read_limit, &expected_limit)?
            .unwrap_or(DEFAULT_LIMIT),
    };
    query.end()?;
    Ok(filter)
}

fn wait_ms(mut query: QueryArguments) -> Result<u64, ApiError> {
    let read = |text: &str| text.parse().ok().filter(|ms| *ms <= LONGEST_WAIT_MS);
    let expected = format!("whole milliseconds, at most {LONGEST_WAIT_MS}");
    let wait_ms = query.take("wait_ms", read, &expected)?;
    query.end()?;
    Ok(wait_ms.unwrap_or(0))
}
