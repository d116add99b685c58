//! Presence in SQL: a row for each instance.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbErr};

use super::SqlStore;
use crate::store::error::StoreError;
use crate::store::instances::{Instance, InstanceStore};
use crate::store::millis::ttl_ms;

#[async_trait]
impl InstanceStore for SqlStore {
    async fn announce(
        &self,
        instance: &Instance,
        lasts: Duration,
    ) -> Result<Vec<Instance>, StoreError> {
        let scrapers = i64::try_from(instance.scrapers).unwrap_or(i64::MAX);
        let note = [
            instance.id.as_str().into(),
            instance.name.as_str().into(),
            scrapers.into(),
        ];
        let transaction = self.begin().await?;
        for (template, values) in [(FORGET, vec![ttl_ms(lasts).into()]), (NOTE, note.to_vec())] {
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
            })
        });
        Ok(others.collect::<Result<_, DbErr>>()?)
    }

    async fn leave(&self, id: &str) -> Result<(), StoreError> {
        let leave = self.statement(LEAVE, [id.into()]);
        self.connections()
            .await?
            .writer()
            .execute_raw(leave)
            .await?;
        Ok(())
    }
}

/// Those that were last heard of too long ago, or in the future: since then the clock was set back.
const FORGET: &str = "DELETE FROM {instances} WHERE seen_at < {now} - $1 OR seen_at > {now} + $1";

const NOTE: &str = "INSERT INTO {instances} (id, name, scrapers, seen_at) VALUES ($1, $2, $3, {now})
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, scrapers = excluded.scrapers, seen_at = excluded.seen_at";

const OTHERS: &str = "SELECT id, name, scrapers FROM {instances} WHERE id <> $1 ORDER BY id";

const LEAVE: &str = "DELETE FROM {instances} WHERE id = $1";
