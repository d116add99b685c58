//! Schedules in Redis.

use std::collections::HashMap;

use ::redis::Cmd;
use chrono::{DateTime, Utc};

use super::{RedisQueue, add_job};
use crate::queue::{Fired, NewJob, QueueLimits, ScheduleState, ScheduleStates, record};
use crate::store::StoreError;
use crate::store::clock::time;
use crate::store::redis::transaction;

impl RedisQueue {
    pub(in crate::queue) async fn plan(
        &self,
        name: &str,
        definition: &str,
        first_due: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut plan = self.script(&self.scripts.plan);
        plan.arg(name)
            .arg(definition)
            .arg(first_due.timestamp_millis());
        Ok(self.store.run(&plan).await?)
    }

    pub(in crate::queue) async fn unplan(&self, name: &str) -> Result<bool, StoreError> {
        let mut remove = transaction();
        remove
            .del(self.schedule_key(name))
            .srem(self.schedule_names(), name)
            .ignore();
        let (removed,): (bool,) = self.store.run(&remove).await?;
        Ok(removed)
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
        let mut fire = self.script(&self.scripts.fire);
        fire.arg(name)
            .arg(due.timestamp_millis())
            .arg(next.timestamp_millis());
        add_job(&mut fire, job, limits);
        let (outcome, id): (String, String) = self.store.run(&fire).await?;
        Ok(Some(match outcome.as_str() {
            "fired" => Fired::Enqueued(record::parse_id(&id)?),
            "running" => Fired::StillRunning,
            "early" => Fired::Early,
            "full" => return Ok(None),
            _ => Fired::Passed,
        }))
    }

    pub(in crate::queue) async fn pass(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut pass = self.script(&self.scripts.pass);
        pass.arg(name)
            .arg(due.timestamp_millis())
            .arg(next.timestamp_millis());
        Ok(self.store.run(&pass).await?)
    }

    pub(in crate::queue) async fn schedules(&self) -> Result<ScheduleStates, StoreError> {
        let mut names: Vec<String> = self
            .store
            .run(&Cmd::smembers(self.schedule_names()))
            .await?;
        names.sort();
        let mut read = ::redis::pipe();
        read.cmd("TIME");
        let (now,): ((i64, i64),) = self.store.run(&read).await?;
        let mut schedules = Vec::new();
        for name in names {
            let fields = self
                .store
                .run(&Cmd::hgetall(self.schedule_key(&name)))
                .await;
            match fields.map_err(StoreError::from) {
                Ok(fields) => schedules.extend(schedule(name, &fields).ok().flatten()),
                Err(error) if error.is_unavailable() => return Err(error),
                // One that cannot be read is planned again.
                Err(_) => {}
            }
        }
        Ok(ScheduleStates {
            now: time(now.0 * 1000 + now.1 / 1000),
            schedules,
        })
    }
}

impl RedisQueue {
    fn schedule_names(&self) -> String {
        format!("{}schedules", self.store.prefix())
    }

    fn schedule_key(&self, name: &str) -> String {
        format!("{}schedule:{name}", self.store.prefix())
    }
}

/// The schedule, unless it was removed since its name was read.
fn schedule(
    name: String,
    fields: &HashMap<String, String>,
) -> Result<Option<ScheduleState>, StoreError> {
    let unreadable = |_| record::unreadable("a time of a schedule");
    let time_of = |field| {
        let ms = fields
            .get(field)
            .map(|text| text.parse().map_err(unreadable))
            .transpose()?;
        Ok::<_, StoreError>(ms.map(time))
    };
    let Some(next_due) = time_of("next_due")? else {
        return Ok(None);
    };
    Ok(Some(ScheduleState {
        name,
        definition: fields.get("definition").cloned().unwrap_or_default(),
        next_due,
        last_due: time_of("last_due")?,
        last_job: fields
            .get("last_job")
            .and_then(|id| record::parse_id(id).ok()),
        last_outcome: fields
            .get("last_outcome")
            .and_then(|state| record::parse_state(state).ok()),
        last_finished_at: time_of("last_finished_at")?,
    }))
}
