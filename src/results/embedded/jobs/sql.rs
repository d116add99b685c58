//! The statements. A condition on the state is written out, so that the index over that state alone serves it.

use sea_orm::Value;

/// What [`super::record`] reads, but for the result.
pub(in crate::results::embedded) const COLUMNS: &str = "id, name, args, state, priority, attempts, lost, unique_key, schedule, worker, \
    progress, error, cancel, enqueued_at, due_at, started_at, finished_at";

pub(super) const JOB: &str = "SELECT {columns}, result FROM {jobs} WHERE id = $1";

pub(super) const COUNTS: &str = "SELECT state, count(*) FROM {jobs} GROUP BY state";

pub(super) const UNFINISHED_WITH_KEY: &str = "SELECT id, state FROM {jobs}
    WHERE unique_key = $1 AND state IN ('queued', 'scheduled', 'running', 'retrying')";

/// `$6`: the time to wait for, `$7`: ms to wait; both null for none.
pub(super) const INSERT: &str = "INSERT INTO {jobs}
        (id, name, args, state, priority, unique_key, schedule, enqueued_at, ready_at, due_at)
    SELECT $1, $2, $3, CASE WHEN due > {now} THEN 'scheduled' ELSE 'queued' END, $4, $5, $8, {now}, due,
        CASE WHEN due > {now} THEN due END
    FROM (SELECT COALESCE(CAST($6 AS bigint), {now} + CAST($7 AS bigint), {now}) AS due) AS times
    WHERE true
    ON CONFLICT DO NOTHING RETURNING state";

pub(super) const STATE: &str = "SELECT state, unique_key FROM {jobs} WHERE id = $1";

/// Jobs whose time has come, a bounded number.
pub(super) const MAKE_READY: &str = "UPDATE {jobs} SET state = 'queued' WHERE id IN
    (SELECT id FROM {jobs} WHERE state IN ('scheduled', 'retrying') AND ready_at <= {now}
     ORDER BY ready_at LIMIT 100 {skip_locked})";

pub(super) const EXPIRED_LEASES: &str = "SELECT id, lost, cancel FROM {jobs}
    WHERE state = 'running' AND lease_until <= {now} ORDER BY lease_until LIMIT 100 {skip_locked}";

pub(super) const LEASES_OF: &str =
    "SELECT id, lost, cancel FROM {jobs} WHERE state = 'running' AND owner = $1 {skip_locked}";

pub(super) const REQUEUE_LOST: &str =
    "UPDATE {jobs} SET state = 'queued', lost = lost + 1, ready_at = {now} WHERE id = $1";

pub(super) const COUNT_LOST: &str =
    "UPDATE {jobs} SET lost = lost + 1, error = COALESCE($2, error) WHERE id = $1";

pub(super) const CLAIM: &str = "UPDATE {jobs} SET state = 'running', token = token + 1, owner = $1, worker = $2,
        started_at = {now}, lease_until = {now} + $3
    WHERE id = (SELECT id FROM {jobs} WHERE state = 'queued' ORDER BY priority DESC, ready_at, id LIMIT 1 {skip_locked})
    RETURNING id, name, args, token, attempts, lost";

/// The next time at which something may become ready, in ms from now.
pub(super) const NEXT: &str = "SELECT min(at) - {now} AS wait FROM (
    SELECT min(ready_at) AS at FROM {jobs} WHERE state IN ('scheduled', 'retrying')
    UNION ALL SELECT min(lease_until) FROM {jobs} WHERE state = 'running') AS times";

pub(super) const HEARTBEAT: &str = "UPDATE {jobs}
    SET lease_until = {now} + $3, progress = COALESCE(CAST($4 AS text), progress)
    WHERE id = $1 AND state = 'running' AND token = $2 RETURNING cancel";

/// The job as a run finds it that wants to settle.
pub(super) const RUN: &str =
    "SELECT state, token, settled, cancel FROM {jobs} WHERE id = $1 {for_update}";

pub(super) const SETTLE: &str = "UPDATE {jobs} SET settled = token, attempts = attempts + $2,
    result = COALESCE(CAST($3 AS text), result), error = COALESCE(CAST($4 AS text), error) WHERE id = $1";

pub(super) const WAIT: &str = "UPDATE {jobs} SET state = $2, ready_at = {now} + $3,
    due_at = CASE WHEN $3 > 0 THEN {now} + $3 ELSE due_at END WHERE id = $1";

pub(super) const FINISH: &str =
    "UPDATE {jobs} SET state = $2, finished_at = {now}, expires_at = {now} + $3
    WHERE id = $1 RETURNING schedule";

pub(super) const NOTE_OUTCOME: &str =
    "UPDATE {schedules} SET last_outcome = $3, last_finished_at = {now}
    WHERE name = $1 AND last_job = $2";

pub(super) const ASK_TO_CANCEL: &str = "UPDATE {jobs} SET cancel = 1 WHERE id = $1";

pub(super) const REPLAY: &str =
    "UPDATE {jobs} SET state = 'queued', attempts = 0, lost = 0, cancel = 0, error = NULL,
    progress = NULL, finished_at = NULL, expires_at = NULL, ready_at = {now} WHERE id = $1";

/// Finished jobs whose time has come, a few with each claim.
pub(super) const FORGET: &str = "DELETE FROM {jobs} WHERE id IN
    (SELECT id FROM {jobs} WHERE expires_at <= {now} ORDER BY expires_at LIMIT 4 {skip_locked})";

/// Tokens count runs, so they stay far below the limit.
pub(super) fn token(token: u64) -> Value {
    i64::try_from(token).unwrap_or(i64::MAX).into()
}
