//! Ending runs and jobs.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value;

use super::sql;
use crate::results::embedded::EmbeddedStore;
use crate::results::error::ResultsError;
use crate::results::jobs::{
    Cancellation, JobId, JobState, Limits, Outcome, Replay, Settled, parse,
};
use crate::results::millis::{delay_ms, ttl_ms};
use crate::results::store::Change;

pub(super) async fn settle(
    store: &EmbeddedStore,
    id: JobId,
    token: u64,
    outcome: &Outcome,
    limits: &Limits,
) -> Result<Settled, ResultsError> {
    let transaction = store.begin().await?;
    let run = store.statement(sql::RUN, [id.to_string().into()]);
    let Some(run) = transaction.query_one_raw(run).await? else {
        return Ok(Settled::Overtaken);
    };
    let count = |column| run.try_get_by::<i64, _>(column).map(i64::unsigned_abs);
    if count("settled")? == token {
        return Ok(Settled::Done);
    }
    let running = run.try_get_by::<String, _>("state")? == JobState::Running.as_str();
    if !running || count("token")? != token {
        return Ok(Settled::Overtaken);
    }

    let cancel = run.try_get_by::<i32, _>("cancel")? != 0;
    let change = apply(store, &transaction, id, outcome, cancel, limits).await?;
    transaction.commit().await?;
    store.say_all(change);
    Ok(Settled::Done)
}

/// Writes down the outcome of a run that holds its lease.
async fn apply(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
    id: JobId,
    outcome: &Outcome,
    cancel: bool,
    limits: &Limits,
) -> Result<Option<Change>, ResultsError> {
    let (attempt, result, error) = match outcome {
        Outcome::Succeeded { result, .. } => (1, Some(result.to_string()), None),
        Outcome::Retry { error, .. } | Outcome::Dead { error, .. } => {
            (1, None, Some(json_text(error)))
        }
        Outcome::Cancelled { .. } | Outcome::Released => (0, None, None),
    };
    let values = [
        id.to_string().into(),
        attempt.into(),
        result.into(),
        error.into(),
    ];
    transaction
        .execute_raw(store.statement(sql::SETTLE, values))
        .await?;

    let state = outcome.state();
    match outcome {
        Outcome::Succeeded { keep, .. }
        | Outcome::Dead { keep, .. }
        | Outcome::Cancelled { keep } => finish(store, transaction, id, state, *keep).await?,
        Outcome::Retry { .. } | Outcome::Released if cancel => {
            finish(store, transaction, id, JobState::Cancelled, limits.keep).await?;
        }
        Outcome::Retry { after, .. } => {
            wait(store, transaction, id, state, *after).await?;
            return Ok(None);
        }
        Outcome::Released => {
            wait(store, transaction, id, state, Duration::ZERO).await?;
            return Ok(Some(Change::Work));
        }
    }
    Ok(Some(Change::Job(id)))
}

pub(super) async fn cancel(
    store: &EmbeddedStore,
    id: JobId,
    limits: &Limits,
) -> Result<Cancellation, ResultsError> {
    let transaction = store.begin().await?;
    let run = store.statement(sql::RUN, [id.to_string().into()]);
    let Some(run) = transaction.query_one_raw(run).await? else {
        return Ok(Cancellation::Unknown);
    };
    let state = parse::state(&run.try_get_by::<String, _>("state")?)?;
    let cancellation = match state {
        JobState::Running => {
            let ask = store.statement(sql::ASK_TO_CANCEL, [id.to_string().into()]);
            transaction.execute_raw(ask).await?;
            Cancellation::Requested
        }
        state if state.is_finished() => return Ok(Cancellation::Finished(state)),
        _ => {
            finish(store, &transaction, id, JobState::Cancelled, limits.keep).await?;
            Cancellation::Done
        }
    };
    transaction.commit().await?;
    store.say(Change::Job(id));
    Ok(cancellation)
}

pub(super) async fn replay(store: &EmbeddedStore, id: JobId) -> Result<Replay, ResultsError> {
    let transaction = store.begin().await?;
    let job = store.statement(sql::STATE, [id.to_string().into()]);
    let Some(job) = transaction.query_one_raw(job).await? else {
        return Ok(Replay::Unknown);
    };
    let state = parse::state(&job.try_get_by::<String, _>("state")?)?;
    if state != JobState::Dead {
        return Ok(Replay::NotDead(state));
    }
    let unique_key: Option<String> = job.try_get_by("unique_key")?;
    let equal = store.statement(sql::UNFINISHED_WITH_KEY, [unique_key.into()]);
    if transaction.query_one_raw(equal).await?.is_some() {
        return Ok(Replay::Equal);
    }
    transaction
        .execute_raw(store.statement(sql::REPLAY, [id.to_string().into()]))
        .await?;
    transaction.commit().await?;
    store.say(Change::Work);
    Ok(Replay::Done)
}

/// Ends a job, and keeps what is known of it for a while.
pub(super) async fn finish(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
    id: JobId,
    state: JobState,
    keep: Duration,
) -> Result<(), ResultsError> {
    let values = [
        id.to_string().into(),
        state.as_str().into(),
        ttl_ms(keep).into(),
    ];
    let job = transaction
        .query_one_raw(store.statement(sql::FINISH, values))
        .await?;
    let schedule: Option<String> = job
        .map(|job| job.try_get_by("schedule"))
        .transpose()?
        .flatten();
    if let Some(schedule) = schedule {
        let values = [
            schedule.into(),
            id.to_string().into(),
            state.as_str().into(),
        ];
        transaction
            .execute_raw(store.statement(sql::NOTE_OUTCOME, values))
            .await?;
    }
    Ok(())
}

async fn wait(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
    id: JobId,
    state: JobState,
    delay: Duration,
) -> Result<(), ResultsError> {
    let values = [
        id.to_string().into(),
        state.as_str().into(),
        delay_ms(delay).into(),
    ];
    transaction
        .execute_raw(store.statement(sql::WAIT, values))
        .await?;
    Ok(())
}

pub(super) fn json_text(errors: &[String]) -> String {
    Value::from(errors).to_string()
}
