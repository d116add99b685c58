//! Pages of jobs.

use sea_orm::{ConnectionTrait, Value};

use super::record;
use crate::queue::{JobFilter, JobPage, UnreadableJob, parse};
use crate::store::error::StoreError;
use crate::store::sql::SqlStore;

pub(crate) async fn page(store: &SqlStore, filter: &JobFilter) -> Result<JobPage, StoreError> {
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
    let read = store.statement(&select, values);
    let rows = store
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
        match record::job(row) {
            Ok(job) => page.jobs.push(job),
            Err(why) => page.unreadable.push(UnreadableJob {
                id: id.clone(),
                why: why.to_string(),
            }),
        }
        if rows.len() == limit {
            page.next = parse::id(&id).ok().or(page.next);
        }
    }
    Ok(page)
}
