//! Schedules in SQL.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::SqlQueue;
use super::enqueue::add_job;
use crate::queue::{Fired, NewJob, QueueLimits, ScheduleState, ScheduleStates, record};
use crate::sql::WriteTransaction;
use crate::store::clock::time;
use crate::store::{Change, StoreError};

impl SqlQueue {
    pub(in crate::queue) async fn plan(
        &self,
        name: &str,
        definition: &str,
        first_due: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let values = [
            name.into(),
            definition.into(),
            first_due.timestamp_millis().into(),
        ];
        let plan = self.store.statement(PLAN, values);
        self.store
            .connections()
            .await?
            .writer()
            .execute_raw(plan)
            .await?;
        Ok(())
    }

    pub(in crate::queue) async fn unplan(&self, name: &str) -> Result<bool, StoreError> {
        let unplan = self.store.statement(UNPLAN, [name.into()]);
        let removed = self
            .store
            .connections()
            .await?
            .writer()
            .execute_raw(unplan)
            .await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Fires a schedule. Returns nothing if the queue is full.
    pub(in crate::queue) async fn fire(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
        job: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Option<Fired>, StoreError> {
        let transaction = self.store.begin().await?;
        let read = self.store.statement(READ_TO_FIRE, [name.into()]);
        let Some(schedule) = transaction.query_one_raw(read).await? else {
            return Ok(Some(Fired::Passed));
        };
        let ms = |column| schedule.try_get_by::<i64, _>(column);
        let (due_ms, next_ms) = (due.timestamp_millis(), next.timestamp_millis());
        if ms("next_due")? != due_ms {
            return Ok(Some(Fired::Passed));
        }
        if ms("now")? < due_ms {
            return Ok(Some(Fired::Early));
        }
        let fired = if self.is_unfinished(&transaction, &schedule).await? {
            let skip = self.store.statement(SKIP, [name.into(), next_ms.into()]);
            transaction.execute_raw(skip).await?;
            Fired::StillRunning
        } else {
            let enqueued = add_job(self, &transaction, job, limits.max_unfinished).await?;
            let Some((enqueued, _)) = enqueued else {
                return Ok(None);
            };
            let id = enqueued.id.to_string();
            let advance = [name.into(), next_ms.into(), due_ms.into(), id.into()];
            transaction
                .execute_raw(self.store.statement(ADVANCE, advance))
                .await?;
            Fired::Enqueued(enqueued.id)
        };
        transaction.commit().await?;
        if let Fired::Enqueued(_) = fired {
            self.store.announce_change(Change::Work);
        }
        Ok(Some(fired))
    }

    pub(in crate::queue) async fn pass(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (due_ms, next_ms) = (due.timestamp_millis(), next.timestamp_millis());
        let pass = self
            .store
            .statement(PASS, [name.into(), next_ms.into(), due_ms.into()]);
        let passed = self
            .store
            .connections()
            .await?
            .writer()
            .execute_raw(pass)
            .await?;
        Ok(passed.rows_affected() > 0)
    }

    pub(in crate::queue) async fn schedules(&self) -> Result<ScheduleStates, StoreError> {
        let reader = self.store.connections().await?.reader();
        let now = reader
            .query_one_raw(self.store.statement("SELECT {now} AS now", []))
            .await?;
        let now: Option<i64> = now.map(|row| row.try_get_by("now")).transpose()?;
        let rows = reader
            .query_all_raw(self.store.statement(READ_ALL, []))
            .await?;
        Ok(ScheduleStates {
            now: now.map(time).unwrap_or_default(),
            schedules: rows
                .iter()
                .map(read_schedule)
                .collect::<Result<_, DbErr>>()?,
        })
    }
}

impl SqlQueue {
    /// Whether the run before is still waiting or going on.
    async fn is_unfinished(
        &self,
        transaction: &WriteTransaction,
        schedule: &QueryResult,
    ) -> Result<bool, DbErr> {
        let last_job: Option<String> = schedule.try_get_by("last_job")?;
        let unfinished = self.store.statement(UNFINISHED, [last_job.into()]);
        Ok(transaction.query_one_raw(unfinished).await?.is_some())
    }
}

fn read_schedule(row: &QueryResult) -> Result<ScheduleState, DbErr> {
    let text = |column| row.try_get_by::<Option<String>, _>(column);
    let ms = |column| row.try_get_by::<Option<i64>, _>(column);
    Ok(ScheduleState {
        name: row.try_get_by("name")?,
        definition: row.try_get_by("definition")?,
        next_due: time(row.try_get_by("next_due")?),
        last_due: ms("last_due")?.map(time),
        last_job: text("last_job")?.and_then(|id| record::parse_id(&id).ok()),
        last_outcome: text("last_outcome")?.and_then(|state| record::parse_state(&state).ok()),
        last_finished_at: ms("last_finished_at")?.map(time),
    })
}

const PLAN: &str = "INSERT INTO {schedules} (name, definition, next_due) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, next_due = excluded.next_due
    WHERE {schedules}.definition <> excluded.definition";

const UNPLAN: &str = "DELETE FROM {schedules} WHERE name = $1";

const READ_TO_FIRE: &str =
    "SELECT next_due, last_job, {now} AS now FROM {schedules} WHERE name = $1 {for_update}";

const UNFINISHED: &str = "SELECT 1 AS one FROM {jobs}
    WHERE id = $1 AND state IN ('queued', 'scheduled', 'running', 'retrying')";

const SKIP: &str = "UPDATE {schedules} SET next_due = $2 WHERE name = $1";

const PASS: &str = "UPDATE {schedules} SET next_due = $2 WHERE name = $1 AND next_due = $3";

const ADVANCE: &str =
    "UPDATE {schedules} SET next_due = $2, last_due = $3, last_job = $4, last_outcome = NULL,
    last_finished_at = NULL WHERE name = $1";

const READ_ALL: &str =
    "SELECT name, definition, next_due, last_due, last_job, last_outcome, last_finished_at
    FROM {schedules} ORDER BY name";
