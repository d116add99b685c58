use std::ops::Not;
use std::time::Duration;

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{Semaphore, oneshot, watch};

use super::query::{filter, wait_ms};
use super::results::stream_file;
use super::submission::Submission;
use crate::actors::{Cancel, Enqueue, JobQueueActor};
use crate::http::body::read_json;
use crate::http::middleware::{AdminScope, Authorized};
use crate::http::{ApiError, BodyReader};
use crate::jobs::{JobResources, KnownJobs, LargeResults, Registry};
use crate::queue::{
    Cancellation, Enqueued, JobId, JobPage, JobQueue, JobRecord, JobState, NewJob, Replay,
    UnreadableJob,
};
use weir_supervision::ActorRef;

/// Time that the queue may take, longer than any call to the store.
const QUEUE_LIMIT: Duration = Duration::from_secs(12);
/// Requests that may wait for jobs at once.
const MAX_LONG_POLLS: usize = 1_000;

/// State of the routes of jobs.
pub struct JobsState {
    registry: Registry,
    jobs: JobQueue,
    large_results: LargeResults,
    known: KnownJobs,
    long_poll_limiter: Semaphore,
    /// True once the server stops.
    stopping: watch::Receiver<bool>,
}

impl JobsState {
    /// Creates the state; a long poll ends when `stopping` turns true.
    pub fn new(
        registry: Registry,
        resources: &JobResources,
        known: KnownJobs,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            registry,
            jobs: resources.queue.clone(),
            large_results: resources.large_results.clone(),
            known,
            long_poll_limiter: Semaphore::new(MAX_LONG_POLLS),
            stopping,
        }
    }
}

/// Answer to a job that was accepted.
#[derive(Serialize)]
struct JobAccepted {
    id: JobId,
    state: JobState,
    /// The jobs that follow it, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    then: Vec<JobId>,
}

/// A job as answers show it.
#[derive(Serialize)]
struct ShownJob {
    #[serde(flatten)]
    job: JobRecord,
    /// True if it is ready to run and no running instance can run it.
    #[serde(skip_serializing_if = "Not::not")]
    unknown_job: bool,
}

impl ShownJob {
    fn new(job: JobRecord, known: &KnownJobs) -> Self {
        Self {
            unknown_job: job.state == JobState::Queued && known.is_known(&job.name) == Some(false),
            job,
        }
    }
}

/// A [`JobPage`] as it is shown.
#[derive(Serialize)]
struct ShownPage {
    jobs: Vec<ShownJob>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableJob>,
    next: Option<JobId>,
}

/// `POST /jobs`: takes in a job or a group of them. 202 means that each runs at least once.
pub(super) async fn submit(
    _: Authorized<AdminScope>,
    request: HttpRequest,
    payload: Payload,
    bodies: Data<BodyReader>,
    state: Data<JobsState>,
    queue: Data<ActorRef<JobQueueActor>>,
) -> Result<HttpResponse, ApiError> {
    let body = bodies.read(&request, payload).await?;
    let (submission, _) = read_json(&body, |body| Submission::read(body, &state.registry))?;
    match submission {
        Submission::One(job) => Ok(HttpResponse::Accepted().json(accept(&queue, job).await?)),
        Submission::Group(jobs) => {
            let accepted = try_join_all(jobs.into_iter().map(|job| accept(&queue, job))).await?;
            Ok(HttpResponse::Accepted().json(json!({ "jobs": accepted })))
        }
    }
}

/// `GET /jobs?state=&name=&cursor=&limit=`: a page of jobs, newest first, without their results.
pub(super) async fn list(
    _: Authorized<AdminScope>,
    request: HttpRequest,
    state: Data<JobsState>,
) -> Result<HttpResponse, ApiError> {
    let filter = filter(&request)?;
    let JobPage {
        jobs,
        unreadable,
        next,
    } = state.jobs.list(filter).await?;
    let shown = jobs.into_iter().map(|job| ShownJob::new(job, &state.known));
    Ok(HttpResponse::Ok().json(ShownPage {
        jobs: shown.collect(),
        unreadable,
        next,
    }))
}

/// `GET /jobs/{id}?wait_ms=`: a job with its result; waits up to `wait_ms` for its end.
pub(super) async fn show(
    _: Authorized<AdminScope>,
    request: HttpRequest,
    id: Path<String>,
    state: Data<JobsState>,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&id)?;
    let wait_ms = wait_ms(&request)?;
    let job = find(&state.jobs, id).await?;
    if wait_ms == 0 || job.state.is_finished() {
        return Ok(HttpResponse::Ok().json(ShownJob::new(job, &state.known)));
    }
    let _permit = state.long_poll_limiter.try_acquire()?;
    wait_for_end(&state, id, Duration::from_millis(wait_ms)).await;
    let job = find(&state.jobs, id).await?;
    Ok(HttpResponse::Ok().json(ShownJob::new(job, &state.known)))
}

/// `GET /jobs/{id}/result`: the result alone; a large one is streamed.
pub(super) async fn result(
    _: Authorized<AdminScope>,
    id: Path<String>,
    state: Data<JobsState>,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&id)?;
    let job = find(&state.jobs, id).await?;
    let Some(result) = job.result.filter(|_| job.state == JobState::Succeeded) else {
        let text = format!("the job is {} and has no result", job.state);
        return Err(ApiError::conflict(text));
    };
    match state.large_results.file_of(id, &result) {
        None => Ok(HttpResponse::Ok().json(result)),
        Some(file) => stream_file(&file).await,
    }
}

/// `DELETE /jobs/{id}`: cancels a waiting job (200), or asks a running one to end (202).
pub(super) async fn cancel(
    _: Authorized<AdminScope>,
    id: Path<String>,
    queue: Data<ActorRef<JobQueueActor>>,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&id)?;
    let (reply, answer) = oneshot::channel();
    queue.tell(Cancel { id, reply });
    match queue_answer(answer).await? {
        Cancellation::Done => {
            Ok(HttpResponse::Ok().json(json!({"id": id, "state": JobState::Cancelled})))
        }
        Cancellation::Requested => Ok(HttpResponse::Accepted()
            .json(json!({"id": id, "state": JobState::Running, "cancel_requested": true}))),
        Cancellation::Finished(state) => {
            Err(ApiError::conflict(format!("the job is already {state}")))
        }
        Cancellation::Unknown => Err(unknown(id)),
    }
}

/// `POST /jobs/{id}/retry`: queues a dead job again, as if it were new.
pub(super) async fn retry(
    _: Authorized<AdminScope>,
    id: Path<String>,
    state: Data<JobsState>,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&id)?;
    match state.jobs.replay(id).await? {
        Replay::Done => {
            Ok(HttpResponse::Accepted().json(json!({"id": id, "state": JobState::Queued})))
        }
        Replay::NotDead(state) => Err(ApiError::conflict(format!(
            "the job is {state}; only a dead job can be retried"
        ))),
        Replay::Equal => Err(ApiError::conflict(
            "an unfinished job has the same unique_key",
        )),
        Replay::Unknown => Err(unknown(id)),
    }
}

/// Hands a job to the queue and waits until it is stored.
pub(super) async fn enqueue(
    queue: &ActorRef<JobQueueActor>,
    job: NewJob,
) -> Result<Enqueued, ApiError> {
    let (reply, answer) = oneshot::channel();
    queue.tell(Enqueue { job, reply });
    queue_answer(answer).await
}

async fn accept(queue: &ActorRef<JobQueueActor>, job: NewJob) -> Result<JobAccepted, ApiError> {
    let own_id = job.id;
    let next = |job: &NewJob| job.then.as_deref().cloned();
    let then: Vec<JobId> = std::iter::successors(next(&job), next)
        .map(|job| job.id)
        .collect();
    let Enqueued { id, state } = enqueue(queue, job).await?;
    Ok(JobAccepted {
        id,
        state,
        // What follows an equal job is that job's affair.
        then: if id == own_id { then } else { Vec::new() },
    })
}

async fn queue_answer<T, E>(answer: oneshot::Receiver<Result<T, E>>) -> Result<T, ApiError>
where
    ApiError: From<E>,
{
    match tokio::time::timeout(QUEUE_LIMIT, answer).await {
        Ok(Ok(answer)) => Ok(answer?),
        Ok(Err(_)) | Err(_) => Err(ApiError::unavailable(
            "the job queue did not answer in time",
            1,
        )),
    }
}

/// Returns when the job has finished, the time is up or the server stops.
async fn wait_for_end(state: &JobsState, id: JobId, longest: Duration) {
    let mut job = state.jobs.watch(id);
    let mut stopping = state.stopping.clone();
    let is_finished =
        |job: &Option<JobRecord>| job.as_ref().is_some_and(|job| job.state.is_finished());
    tokio::select! {
        _ = job.wait_for(is_finished) => {}
        _ = stopping.wait_for(|&stopping| stopping) => {}
        () = tokio::time::sleep(longest) => {}
    }
}

async fn find(jobs: &JobQueue, id: JobId) -> Result<JobRecord, ApiError> {
    jobs.job(id).await?.ok_or_else(|| unknown(id))
}

fn unknown(id: JobId) -> ApiError {
    ApiError::not_found(format!("job {id} not found (it may have expired)"))
}

fn job_id(text: &str) -> Result<JobId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::invalid("id", "expected a job id"))
}
