//! Claims in SQL.

use std::collections::HashSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::SqlStore;
use crate::store::clock::ttl_ms;
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// Those keys of `{keys}` that are taken.
const TAKEN: &str = "SELECT key FROM {results} WHERE key IN ({keys}) AND expires_at > {now}";

/// On Postgres another may have taken it since: then there is no row to update, and none is returned.
const TAKE: &str = "INSERT INTO {results} (key, value, written_at, expires_at)
    VALUES ($1, $2, {now}, {now} + $3)
    ON CONFLICT (key) DO UPDATE
    SET value = excluded.value, written_at = excluded.written_at, expires_at = excluded.expires_at
    WHERE {results}.expires_at <= {now} RETURNING key";

impl SqlStore {
    pub(in crate::store) async fn first_unclaimed(
        &self,
        keys: &[Key],
        most: usize,
        ttl: Option<Duration>,
    ) -> Result<Vec<usize>, StoreError> {
        let Some(ttl) = ttl else {
            let taken = self.taken(self.connections().await?.reader(), keys).await?;
            return Ok(free(keys, &taken).take(most).collect());
        };
        let transaction = self.begin().await?;
        let taken = self.taken(&transaction, keys).await?;
        let mut got = Vec::with_capacity(most);
        for index in free(keys, &taken) {
            if got.len() == most {
                break;
            }
            let values: [Value; 3] = [
                keys[index].name().into(),
                Vec::<u8>::new().into(),
                ttl_ms(ttl).into(),
            ];
            let take = self.statement(TAKE, values);
            if transaction.query_one_raw(take).await?.is_some() {
                got.push(index);
            }
        }
        transaction.commit().await?;
        Ok(got)
    }

    async fn taken(
        &self,
        connection: &impl ConnectionTrait,
        keys: &[Key],
    ) -> Result<HashSet<String>, DbErr> {
        let marks: Vec<String> = (1..=keys.len())
            .map(|number| format!("${number}"))
            .collect();
        let query = TAKEN.replace("{keys}", &marks.join(", "));
        let values = keys.iter().map(|key| Value::from(key.name()));
        let rows = connection
            .query_all_raw(self.statement(&query, values))
            .await?;
        rows.iter().map(|row| row.try_get_by("key")).collect()
    }
}

fn free<'k>(keys: &'k [Key], taken: &'k HashSet<String>) -> impl Iterator<Item = usize> + 'k {
    let keys = keys.iter().enumerate();
    keys.filter(|(_, key)| !taken.contains(key.name()))
        .map(|(index, _)| index)
}
