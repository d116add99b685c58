//! The statements. A condition on the state is written out, so that the index over that state alone serves it.

use sea_orm::Value;

pub(crate) const JOB: &str = "SELECT {columns}, result FROM {jobs} WHERE id = $1";

pub(crate) const COUNTS: &str = "SELECT state, count(*) FROM {jobs} GROUP BY state";

pub(crate) const UNFINISHED: &str = "SELECT count(*) FROM {jobs}
    WHERE state IN ('queued', 'scheduled', 'waiting', 'running', 'retrying')";

pub(crate) const UNFINISHED_WITH_KEY: &str = "SELECT id, state FROM {jobs}
    WHERE unique_key = $1 AND state IN ('queued', 'scheduled', 'running', 'retrying')";

/// `$6`: the time to wait for, `$7`: ms to wait; both null for none.
pub(crate) const INSERT: &str = "INSERT INTO {jobs}
        (id, name, args, state, priority, unique_key, schedule, enqueued_at, ready_at, due_at, next, start_at, delay)
    SELECT $1, $2, $3, CASE WHEN due > {now} THEN 'scheduled' ELSE 'queued' END, $4, $5, $8, {now}, due,
        CASE WHEN due > {now} THEN due END, $9, CAST($6 AS bigint), CAST($7 AS bigint)
    FROM (SELECT COALESCE(CAST($6 AS bigint), {now} + CAST($7 AS bigint), {now}) AS due) AS times
    WHERE true
    ON CONFLICT DO NOTHING RETURNING state";

/// A job that waits for the job `$10`. Its unique key is taken when it begins.
pub(crate) const INSERT_WAITING: &str = "INSERT INTO {jobs}
        (id, name, args, state, priority, unique_key, schedule, enqueued_at, ready_at, start_at, delay, next, follows)
    VALUES ($1, $2, $3, 'waiting', $4, $5, $8, {now}, {now}, $6, $7, $9, $10)
    ON CONFLICT DO NOTHING";

/// Begins the wait that was asked for, if any.
pub(crate) const START_WAITING: &str = "UPDATE {jobs}
    SET state = CASE WHEN COALESCE(start_at, {now} + delay, {now}) > {now} THEN 'scheduled' ELSE 'queued' END,
        ready_at = COALESCE(start_at, {now} + delay, {now}),
        due_at = CASE WHEN COALESCE(start_at, {now} + delay, {now}) > {now} THEN COALESCE(start_at, {now} + delay) END
    WHERE id = $1 AND state = 'waiting' RETURNING state";

pub(crate) const SET_FOLLOWER: &str = "UPDATE {jobs} SET next = $2 WHERE id = $1";

pub(crate) const KEY_OF_WAITING: &str =
    "SELECT unique_key FROM {jobs} WHERE id = $1 AND state = 'waiting' {for_update}";

pub(crate) const FINISH_WAITING: &str =
    "UPDATE {jobs} SET state = $2, error = $3, finished_at = {now}, expires_at = {now} + $4
    WHERE id = $1 AND state = 'waiting' RETURNING next";

/// Brings back a job that was cancelled because the one before did not succeed, which left an error. By request there is none.
pub(crate) const WAIT_AGAIN: &str =
    "UPDATE {jobs} SET state = 'waiting', error = NULL, finished_at = NULL, expires_at = NULL
    WHERE id = $1 AND state = 'cancelled' AND error IS NOT NULL AND started_at IS NULL RETURNING next";

pub(crate) const STATE: &str = "SELECT state FROM {jobs} WHERE id = $1";

/// Jobs whose time has come, a bounded number.
pub(crate) const MAKE_READY: &str = "UPDATE {jobs} SET state = 'queued' WHERE id IN
    (SELECT id FROM {jobs} WHERE state IN ('scheduled', 'retrying') AND ready_at <= {now}
     LIMIT 100 {skip_locked})";

pub(crate) const EXPIRED_LEASES: &str = "SELECT id, lost, cancel FROM {jobs}
    WHERE state = 'running' AND lease_until <= {now} ORDER BY lease_until LIMIT 100 {skip_locked}";

pub(crate) const LEASES_OF: &str =
    "SELECT id, lost, cancel FROM {jobs} WHERE state = 'running' AND owner = $1 {skip_locked}";

pub(crate) const REQUEUE_LOST: &str =
    "UPDATE {jobs} SET state = 'queued', lost = lost + 1, ready_at = {now} WHERE id = $1";

pub(crate) const COUNT_LOST: &str =
    "UPDATE {jobs} SET lost = lost + 1, error = COALESCE($2, error) WHERE id = $1";

/// Those of the names `$1` that have jobs which are ready, in the order in which the first of each is to run.
pub(crate) const READY_NAMES: &str =
    "SELECT head.name FROM {heads} ORDER BY head.priority DESC, head.ready_at, head.id";

/// Counts of queued jobs by name, without the names `$1`. The index is searched once per name, so jobs of known names are not read.
pub(crate) const QUEUED_EXCEPT: &str = "WITH RECURSIVE queued (name) AS (
        SELECT (SELECT min(job.name) FROM {jobs} AS job WHERE job.state = 'queued')
        UNION ALL SELECT (SELECT min(job.name) FROM {jobs} AS job WHERE job.state = 'queued' AND job.name > queued.name)
        FROM queued WHERE queued.name IS NOT NULL)
    SELECT name, (SELECT count(*) FROM {jobs} AS job WHERE job.state = 'queued' AND job.name = queued.name) AS jobs
    FROM queued WHERE name IS NOT NULL AND name NOT IN (SELECT value FROM {names_in_1})";

/// The first job that is ready under the name `$5`.
pub(crate) const CLAIM: &str = "UPDATE {jobs} SET state = 'running', token = {next_token}, owner = $1, worker = $2,
        instance = $4, started_at = {now}, lease_until = {now} + $3, lease = $3
    WHERE id = (SELECT id FROM {jobs} WHERE state = 'queued' AND name = $5 ORDER BY priority DESC, ready_at, id LIMIT 1 {skip_locked})
    RETURNING id, name, args, token, attempts, lost";

/// In ms from now: until jobs are due, until leases end, until finished jobs are to be forgotten; until the last wait of
/// those that have a length and the last lease begin, which is past unless the clock was set back; and the time.
pub(crate) const LOOK_AHEAD: &str = "SELECT {now} AS now,
    (SELECT max(at) FROM (SELECT max(ready_at - delay) AS at FROM {jobs}
            WHERE state = 'scheduled' AND delay IS NOT NULL
        UNION ALL SELECT max(ready_at - delay) FROM {jobs}
            WHERE state = 'retrying' AND delay IS NOT NULL) AS times) - {now} AS wait_begins,
    (SELECT max(lease_until - COALESCE(lease, 3600000)) FROM {jobs} WHERE state = 'running') - {now} AS lease_begins,
    (SELECT min(at) FROM (SELECT min(ready_at) AS at FROM {jobs} WHERE state = 'scheduled'
        UNION ALL SELECT min(ready_at) FROM {jobs} WHERE state = 'retrying') AS times) - {now} AS due,
    (SELECT min(lease_until) FROM {jobs} WHERE state = 'running') - {now} AS lease,
    (SELECT min(expires_at) FROM {jobs} WHERE expires_at IS NOT NULL) - {now} AS forget";

/// Brings due times back that are farther away than the delay that was asked for.
pub(crate) const BOUND_WAITS: &str =
    "UPDATE {jobs} SET ready_at = {now} + delay, due_at = {now} + delay
    WHERE state IN ('scheduled', 'retrying') AND delay IS NOT NULL AND ready_at - delay > {now}";

/// Brings leases back that end later than a full lease from now.
pub(crate) const BOUND_LEASES: &str =
    "UPDATE {jobs} SET lease_until = {now} + COALESCE(lease, 3600000)
    WHERE state = 'running' AND lease_until - COALESCE(lease, 3600000) > {now}";

/// Gives each run its full lease again.
pub(crate) const RENEW_LEASES: &str =
    "UPDATE {jobs} SET lease_until = {now} + COALESCE(lease, 3600000) WHERE state = 'running'";

/// Finished jobs that are kept for too long because they finished in what is the future now.
pub(crate) const BOUND_KEPT: &str =
    "UPDATE {jobs} SET expires_at = {now} + (expires_at - finished_at), finished_at = {now}
    WHERE expires_at IS NOT NULL AND finished_at > {now} + $1";

pub(crate) const KEPT_TOO_LONG: &str =
    "SELECT 1 AS one FROM {jobs} WHERE expires_at IS NOT NULL AND finished_at > {now} + $1 LIMIT 1";

pub(crate) const HEARTBEAT: &str = "UPDATE {jobs}
    SET lease_until = {now} + $3, lease = $3, progress = COALESCE(CAST($4 AS text), progress)
    WHERE id = $1 AND state = 'running' AND token = $2 RETURNING cancel";

/// `RETURNING` tells whether the run still held its lease.
pub(crate) const FINISH_RUN: &str =
    "UPDATE {jobs} SET state = $3, settled = token, attempts = attempts + $4,
    result = CAST($5 AS text), error = COALESCE(CAST($6 AS text), error),
    finished_at = {now}, expires_at = {now} + $7
    WHERE id = $1 AND state = 'running' AND token = $2 RETURNING schedule, next";

/// Whether a run holds its lease, which nobody takes until the transaction ends.
pub(crate) const HELD: &str =
    "SELECT 1 AS held FROM {jobs} WHERE id = $1 AND state = 'running' AND token = $2 {for_update}";

/// A run that somebody wants to end does not come back.
pub(crate) const REPEAT_RUN: &str =
    "UPDATE {jobs} SET state = $3, settled = token, attempts = attempts + $4,
    error = COALESCE(CAST($5 AS text), error), ready_at = {now} + $6, start_at = NULL, delay = $6,
    due_at = CASE WHEN $3 = 'retrying' THEN {now} + $6 ELSE due_at END
    WHERE id = $1 AND state = 'running' AND token = $2 AND cancel = 0 RETURNING id";

pub(crate) const SETTLED: &str = "SELECT settled FROM {jobs} WHERE id = $1";

pub(crate) const STATE_FOR_UPDATE: &str =
    "SELECT state, unique_key FROM {jobs} WHERE id = $1 {for_update}";

pub(crate) const FINISH: &str =
    "UPDATE {jobs} SET state = $2, finished_at = {now}, expires_at = {now} + $3
    WHERE id = $1 RETURNING schedule, next";

pub(crate) const NOTE_OUTCOME: &str =
    "UPDATE {schedules} SET last_outcome = $3, last_finished_at = {now}
    WHERE name = $1 AND last_job = $2";

pub(crate) const ASK_TO_CANCEL: &str = "UPDATE {jobs} SET cancel = 1 WHERE id = $1";

pub(crate) const REPLAY: &str =
    "UPDATE {jobs} SET state = 'queued', attempts = 0, lost = 0, cancel = 0, error = NULL,
    progress = NULL, finished_at = NULL, expires_at = NULL, ready_at = {now} WHERE id = $1 RETURNING next";

/// Finished jobs whose time has come, a few with each claim.
pub(crate) const FORGET: &str = "DELETE FROM {jobs} WHERE id IN
    (SELECT id FROM {jobs} WHERE expires_at <= {now} ORDER BY expires_at LIMIT 4 {skip_locked})";

/// Tokens count runs, so they stay far below the limit.
pub(crate) fn token(token: u64) -> Value {
    i64::try_from(token).unwrap_or(i64::MAX).into()
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait;

    use super::*;
    use crate::settings::StoreConfig;
    use crate::store::sql::SqlStore;

    /// How `SQLite` would go about a statement.
    async fn plan(store: &SqlStore, template: &str) -> String {
        let explain = store.statement(&format!("EXPLAIN QUERY PLAN {template}"), []);
        let reader = store.connections().await.unwrap().reader();
        let steps = reader.query_all_raw(explain).await.unwrap();
        let steps = steps
            .iter()
            .map(|step| step.try_get_by::<String, _>("detail").unwrap());
        steps.collect::<Vec<_>>().join("; ")
    }

    /// The names are sorted, which are few; of the jobs only the first of each name is looked at.
    #[tokio::test]
    async fn names_are_found_without_walking_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.db");
        let store = SqlStore::sqlite(&file, &StoreConfig::default());
        for step in [READY_NAMES, QUEUED_EXCEPT] {
            let plan = plan(&store, step).await;
            let by_name =
                "SEARCH job USING COVERING INDEX weir_jobs_ready_by_name (state=? AND name";
            let walks = ["SCAN job", "SCAN head"].map(|walk| plan.contains(walk));
            assert!(plan.contains(by_name) && walks == [false; 2], "{plan}");
        }
    }

    #[tokio::test]
    async fn no_step_of_a_job_walks_or_sorts_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.db");
        let store = SqlStore::sqlite(&file, &StoreConfig::default());
        for step in [
            LOOK_AHEAD,
            CLAIM,
            MAKE_READY,
            EXPIRED_LEASES,
            FORGET,
            HEARTBEAT,
            FINISH_RUN,
            REPEAT_RUN,
            UNFINISHED_WITH_KEY,
            BOUND_WAITS,
            BOUND_LEASES,
            RENEW_LEASES,
        ] {
            let plan = plan(&store, step).await;
            let walks = plan.contains("SCAN weir_jobs") || plan.contains("TEMP B-TREE");
            assert!(!walks, "{step}: {plan}");
        }
    }
}
