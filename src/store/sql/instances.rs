//! Presence in SQL: a row for each instance.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr};

use super::SqlStore;
use crate::store::Instance;
use crate::store::clock::ttl_ms;
use crate::store::error::StoreError;

impl SqlStore {
    pub(in crate::store) async fn announce(
        &self,
        instance: &Instance,
        ttl: Duration,
    ) -> Result<Vec<Instance>, StoreError> {
        let scrapers = i64::try_from(instance.scrapers).unwrap_or(i64::MAX);
        let note = [
            instance.id.as_str().into(),
            instance.name.as_str().into(),
            scrapers.into(),
            instance.jobs_as_json().into(),
        ];
        let transaction = self.begin().await?;
        for (template, values) in [(FORGET, vec![ttl_ms(ttl).into()]), (NOTE, note.to_vec())] {
            transaction
                .execute_raw(self.statement(template, values))
                .await?;
        }
        let others = self.statement(OTHERS, [instance.id.as_str().into()]);
        let rows = transaction.query_all_raw(others).await?;
        transaction.commit().await?;
        let others = rows.iter().map(|row| {
            Ok(Instance {
                id: row.try_get_by("id")?,
                name: row.try_get_by("name")?,
                scrapers: row.try_get_by::<i64, _>("scrapers")?.unsigned_abs(),
                jobs: Instance::jobs_from_json(row.try_get_by("jobs")?),
            })
        });
        Ok(others.collect::<Result<_, DbErr>>()?)
    }

    pub(in crate::store) async fn withdraw(&self, id: &str) -> Result<(), StoreError> {
        let withdraw = self.statement(WITHDRAW, [id.into()]);
        self.connections()
            .await?
            .writer()
            .execute_raw(withdraw)
            .await?;
        Ok(())
    }
}

/// Those that were last heard of too long ago, or in the future: since then the clock was set back.
const FORGET: &str = "DELETE FROM {instances} WHERE seen_at < {now} - $1 OR seen_at > {now} + $1";

const NOTE: &str = "INSERT INTO {instances} (id, name, scrapers, jobs, seen_at) VALUES ($1, $2, $3, $4, {now})
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, scrapers = excluded.scrapers, jobs = excluded.jobs,
        seen_at = excluded.seen_at";

const OTHERS: &str = "SELECT id, name, scrapers, jobs FROM {instances} WHERE id <> $1 ORDER BY id";

const WITHDRAW: &str = "DELETE FROM {instances} WHERE id = $1";
