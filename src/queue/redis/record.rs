//! A job's hash, read.

use std::collections::HashMap;

use ::redis::Cmd;

use crate::queue::{JobId, JobRecord, NewJob, parse};
use crate::store::error::StoreError;
use crate::store::millis::time;

/// All fields but the result, which may be large.
const FIELDS: [&str; 19] = [
    "name",
    "args",
    "state",
    "priority",
    "attempts",
    "lost",
    "unique_key",
    "schedule",
    "next",
    "follows",
    "worker",
    "instance",
    "progress",
    "error",
    "cancel",
    "enqueued_at",
    "due_at",
    "started_at",
    "finished_at",
];

/// The values of some fields, in the order they were asked for.
pub(crate) type Values = Vec<Option<String>>;

pub(crate) fn read(prefix: &str, id: &str) -> Cmd {
    let mut read = read_without_result(prefix, id);
    read.arg("result");
    read
}

pub(crate) fn read_without_result(prefix: &str, id: &str) -> Cmd {
    let mut read = ::redis::cmd("HMGET");
    read.arg(format!("{prefix}job:{id}")).arg(&FIELDS);
    read
}

/// The job, unless its hash is gone.
pub(crate) fn job(id: JobId, values: Values) -> Result<Option<JobRecord>, StoreError> {
    let names = FIELDS.into_iter().chain(["result"]);
    let mut fields = Fields(
        names
            .zip(values)
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
    );
    let Some(name) = fields.take("name") else {
        return Ok(None);
    };
    let required = |value: Option<_>| value.ok_or(parse::unreadable("a job"));
    Ok(Some(JobRecord {
        id,
        name,
        args: parse::json(&required(fields.take("args"))?, parse::ARGS)?,
        state: parse::state(&required(fields.take("state"))?)?,
        priority: fields.number("priority")?.unwrap_or(0),
        attempts: fields.number("attempts")?.unwrap_or(0),
        lost: fields.number("lost")?.unwrap_or(0),
        unique_key: fields.take("unique_key"),
        schedule: fields.take("schedule"),
        then: fields
            .take("next")
            .map(|text| NewJob::id_of_follow_up(&text))
            .transpose()?,
        follows: fields
            .take("follows")
            .map(|id| parse::id(&id))
            .transpose()?,
        worker: fields.take("worker"),
        instance: fields.take("instance"),
        progress: fields
            .take("progress")
            .map(|text| parse::json(&text, parse::PROGRESS))
            .transpose()?,
        result: fields
            .take("result")
            .map(|text| parse::json(&text, parse::RESULT))
            .transpose()?,
        error: fields
            .take("error")
            .map(|text| parse::errors(&text))
            .transpose()?,
        cancel_requested: fields.take("cancel").is_some(),
        enqueued_at: time(fields.number("enqueued_at")?.unwrap_or(0)),
        due_at: fields.number("due_at")?.map(time),
        started_at: fields.number("started_at")?.map(time),
        finished_at: fields.number("finished_at")?.map(time),
    }))
}

struct Fields(HashMap<&'static str, String>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, StoreError> {
        let unreadable = |_| parse::unreadable("a number of a job");
        self.take(name)
            .map(|text| text.parse().map_err(unreadable))
            .transpose()
    }
}
