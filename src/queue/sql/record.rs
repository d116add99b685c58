//! A job's row, read.

use sea_orm::QueryResult;

use crate::queue::{JobRecord, NewJob, parse};
use crate::store::error::StoreError;
use crate::store::millis::time;

/// Reads a row of [`super::statements::COLUMNS`], with or without the result.
pub(crate) fn job(row: &QueryResult) -> Result<JobRecord, StoreError> {
    let text = |column| row.try_get_by::<Option<String>, _>(column);
    let required = |column| row.try_get_by::<String, _>(column);
    let number = |column| row.try_get_by::<i32, _>(column);
    let time_of = |column| {
        let ms: Option<i64> = row.try_get_by(column)?;
        Ok::<_, StoreError>(ms.map(time))
    };
    let result = if row.column_names().iter().any(|name| name == "result") {
        text("result")?
    } else {
        None
    };
    Ok(JobRecord {
        id: parse::id(&required("id")?)?,
        name: required("name")?,
        args: parse::json(&required("args")?, parse::ARGS)?,
        state: parse::state(&required("state")?)?,
        priority: i8::try_from(number("priority")?).unwrap_or_default(),
        attempts: number("attempts")?.unsigned_abs(),
        lost: number("lost")?.unsigned_abs(),
        unique_key: text("unique_key")?,
        schedule: text("schedule")?,
        then: text("next")?
            .map(|text| NewJob::id_of_follow_up(&text))
            .transpose()?,
        follows: text("follows")?.map(|id| parse::id(&id)).transpose()?,
        worker: text("worker")?,
        instance: text("instance")?,
        progress: text("progress")?
            .map(|text| parse::json(&text, parse::PROGRESS))
            .transpose()?,
        result: result
            .map(|text| parse::json(&text, parse::RESULT))
            .transpose()?,
        error: text("error")?
            .map(|text| parse::errors(&text))
            .transpose()?,
        cancel_requested: number("cancel")? != 0,
        enqueued_at: time_of("enqueued_at")?.unwrap_or_default(),
        due_at: time_of("due_at")?,
        started_at: time_of("started_at")?,
        finished_at: time_of("finished_at")?,
    })
}
