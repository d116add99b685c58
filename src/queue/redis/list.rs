//! Pages of jobs.

use ::redis::{RedisResult, Value};

use super::record::{self, Values};
use crate::queue::{JobFilter, JobId, JobPage, JobRecord, JobState, UnreadableJob, parse};
use crate::store::error::StoreError;
use crate::store::redis::{RedisStore, transaction};

/// How many jobs of other names a page may look at for each that it wants.
const LOOKS_PER_PAGE: usize = 10;

/// Goes back through the ids, a page at a time, until enough jobs of the name are found or enough were looked at.
pub(crate) async fn page(store: &RedisStore, filter: &JobFilter) -> Result<JobPage, StoreError> {
    let limit = filter.limit.clamp(1, JobFilter::MAX_LIMIT);
    let mut page = JobPage {
        jobs: Vec::new(),
        unreadable: Vec::new(),
        next: filter.before,
    };
    for _ in 0..LOOKS_PER_PAGE {
        let ids = ids(store, filter.state, page.next, limit).await?;
        let mut read = ::redis::pipe();
        // One record of another type must not hide the rest.
        read.ignore_errors();
        for id in &ids {
            read.add_command(record::read_without_result(&store.prefix, id));
        }
        let records: Vec<RedisResult<Value>> = if ids.is_empty() {
            Vec::new()
        } else {
            store.run(&read).await?
        };
        for (id, values) in ids.iter().zip(records) {
            page.next = parse::id(id).ok().or(page.next);
            match read_record(id, values) {
                Ok(job) => page.jobs.extend(
                    job.filter(|job| filter.name.as_ref().is_none_or(|name| job.name == *name)),
                ),
                Err(why) if filter.name.is_none() => page.unreadable.push(UnreadableJob {
                    id: id.clone(),
                    why: why.to_string(),
                }),
                Err(_) => {}
            }
            if page.jobs.len() + page.unreadable.len() == limit {
                return Ok(page);
            }
        }
        if ids.len() < limit {
            page.next = None;
            return Ok(page);
        }
    }
    Ok(page)
}

fn read_record(id: &str, values: RedisResult<Value>) -> Result<Option<JobRecord>, StoreError> {
    let values: Values =
        ::redis::from_redis_value(values?).map_err(|_| parse::unreadable("a job"))?;
    record::job(parse::id(id)?, values)
}

/// The newest ids older than `before`, in one state or in all: read in one step, so that a job that goes from one state to
/// another is in one of them.
async fn ids(
    store: &RedisStore,
    state: Option<JobState>,
    before: Option<JobId>,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let states = state.map_or(JobState::ALL.to_vec(), |state| vec![state]);
    let newest = before.map_or("+".to_owned(), |id| format!("({id}"));
    let mut read = transaction();
    for state in states {
        read.cmd("ZREVRANGEBYLEX")
            .arg(format!("{}jobs:{state}", store.prefix));
        read.arg(&newest).arg("-").arg("LIMIT").arg(0).arg(limit);
    }
    let by_state: RedisResult<Vec<Vec<String>>> = store.run(&read).await;
    let mut ids = by_state?.concat();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    ids.truncate(limit);
    Ok(ids)
}
