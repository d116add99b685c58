//! The rows of jobs, read singly, in pages and counted.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use serde_json::json;

use super::{SqlQueue, statements};
use crate::queue::{
    JobCounts, JobFilter, JobId, JobPage, JobRecord, JobState, NewJob, UnreadableJob, record,
};
use crate::store::StoreError;
use crate::store::clock::time;

impl SqlQueue {
    pub(in crate::queue) async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let read = self
            .store
            .statement(statements::JOB, [id.to_string().into()]);
        let row = self
            .store
            .connections()
            .await?
            .reader()
            .query_one_raw(read)
            .await?;
        row.map(|row| read_job(&row)).transpose()
    }

    pub(in crate::queue) async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, StoreError> {
        let limit = filter.limit.clamp(1, JobFilter::MAX_LIMIT);
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        let mut require = |column: &str, value: Option<String>| {
            values.extend(value.map(|value| {
                conditions.push(format!("{column} ${}", conditions.len()));
                Value::from(value)
            }));
        };
        require("state =", filter.state.map(|state| state.to_string()));
        require("name =", filter.name.clone());
        require("id <", filter.before.map(|id| id.to_string()));
        let select = format!(
            "SELECT {{columns}} FROM {{jobs}} WHERE {} ORDER BY id DESC LIMIT {limit}",
            conditions.join(" AND ")
        );
        let read = self.store.statement(&select, values);
        let rows = self
            .store
            .connections()
            .await?
            .reader()
            .query_all_raw(read)
            .await?;
        let mut page = JobPage {
            jobs: Vec::new(),
            unreadable: Vec::new(),
            next: None,
        };
        for row in &rows {
            let id: String = row.try_get_by("id")?;
            // The rows have been read, so an error is that of the one row.
            match read_job(row) {
                Ok(job) => page.jobs.push(job),
                Err(why) => page.unreadable.push(UnreadableJob {
                    id: id.clone(),
                    why: why.to_string(),
                }),
            }
            if rows.len() == limit {
                page.next = record::parse_id(&id).ok().or(page.next);
            }
        }
        Ok(page)
    }

    /// Counts the queued jobs by name, but for those of `known`.
    pub(in crate::queue) async fn queued_except(
        &self,
        known: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let known = json!(known).to_string();
        let count = self
            .store
            .statement(statements::QUEUED_EXCEPT, [known.into()]);
        let rows = self
            .store
            .connections()
            .await?
            .reader()
            .query_all_raw(count)
            .await?;
        let counts = rows.iter().map(|row| {
            let jobs: i64 = row.try_get_by("jobs")?;
            Ok((row.try_get_by("name")?, jobs.unsigned_abs()))
        });
        Ok(counts.collect::<Result<_, DbErr>>()?)
    }

    pub(in crate::queue) async fn counts(&self) -> Result<JobCounts, StoreError> {
        let count = self.store.statement(statements::COUNTS, []);
        let rows = self
            .store
            .connections()
            .await?
            .reader()
            .query_all_raw(count)
            .await?;
        let mut counts = Vec::new();
        for row in &rows {
            let (state, count): (String, i64) = (row.try_get_by(0)?, row.try_get_by(1)?);
            // Jobs in a state of another version are not counted.
            counts.extend(JobState::from_name(&state).map(|state| (state, count.unsigned_abs())));
        }
        Ok(counts.into_iter().collect())
    }
}

/// Reads a row of `{columns}`, with or without the result.
fn read_job(row: &QueryResult) -> Result<JobRecord, StoreError> {
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
        id: record::parse_id(&required("id")?)?,
        name: required("name")?,
        args: record::parse_json(&required("args")?, record::ARGS)?,
        state: record::parse_state(&required("state")?)?,
        priority: i8::try_from(number("priority")?).unwrap_or_default(),
        attempts: number("attempts")?.unsigned_abs(),
        lost: number("lost")?.unsigned_abs(),
        unique_key: text("unique_key")?,
        schedule: text("schedule")?,
        then: text("next")?
            .map(|text| NewJob::id_of_follow_up(&text))
            .transpose()?,
        follows: text("follows")?
            .map(|id| record::parse_id(&id))
            .transpose()?,
        worker: text("worker")?,
        instance: text("instance")?,
        progress: text("progress")?
            .map(|text| record::parse_json(&text, record::PROGRESS))
            .transpose()?,
        result: result
            .map(|text| record::parse_json(&text, record::RESULT))
            .transpose()?,
        error: text("error")?
            .map(|text| record::parse_errors(&text))
            .transpose()?,
        cancel_requested: number("cancel")? != 0,
        enqueued_at: time_of("enqueued_at")?.unwrap_or_default(),
        due_at: time_of("due_at")?,
        started_at: time_of("started_at")?,
        finished_at: time_of("finished_at")?,
    })
}
