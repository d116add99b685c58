use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::{Hour, HourPost, LastMark};
use crate::db::placeholders::placeholders;
use crate::db::{Database, DbError};

/// The names found in a post.
#[derive(Clone, Debug)]
pub struct FoundNames {
    post: i64,
    version: i64,
    hour: Hour,
    names: Vec<u8>,
}

impl FoundNames {
    /// These names, as they are to be kept.
    pub fn new(post: &HourPost, names: Vec<u8>) -> Self {
        Self {
            post: post.id,
            version: post.version,
            hour: post.hour.clone(),
            names,
        }
    }
}

/// Four bound values a row, below the 32,766 of SQLite.
const ROWS_PER_STATEMENT: usize = 1_000;

impl Database {
    /// Keeps the names found in posts, so that they need not be looked for again. Those of an hour in which rows have been
    /// rewritten since the mark `last` are not kept, where the database does not tell versions of a row apart. Nor are
    /// any kept while a writer is in the way: writers come first.
    pub async fn keep_names(
        &self,
        posts: &[FoundNames],
        model: i64,
        last: LastMark,
    ) -> Result<(), DbError> {
        if posts.is_empty() {
            return Ok(());
        }
        match self.try_keep_names(posts, model, last).await {
            Err(error) if error.is_unavailable() => Ok(()),
            outcome => outcome,
        }
    }

    async fn try_keep_names(
        &self,
        posts: &[FoundNames],
        model: i64,
        last: LastMark,
    ) -> Result<(), DbError> {
        let transaction = self.begin().await?;
        if self.backend() == DbBackend::Postgres {
            // Shorter than `deadlock_timeout`: in a deadlock it is never the writer that fails.
            let patience = "SET LOCAL lock_timeout = '200ms'";
            transaction.execute_unprepared(patience).await?;
        }
        let mut rewritten = HashSet::new();
        if self.backend() == DbBackend::Sqlite {
            let read = format!(
                "SELECT DISTINCT hour FROM weir_changed_hours WHERE rewritten AND id > {}",
                last.0
            );
            let read = Statement::from_string(self.backend(), read);
            for row in transaction.query_all_raw(read).await? {
                rewritten.insert(Hour(row.try_get_by_index(0)?));
            }
        }
        let certain: Vec<_> = posts
            .iter()
            .filter(|found| !rewritten.contains(&found.hour))
            .collect();
        for posts in certain.chunks(ROWS_PER_STATEMENT) {
            let keep = format!(
                "INSERT INTO weir_post_entities (post, model, version, names) VALUES {}
                ON CONFLICT (post) DO UPDATE
                SET model = excluded.model, version = excluded.version, names = excluded.names",
                placeholders(self.backend(), posts.len(), 4)
            );
            let values = posts.iter().flat_map(|found| -> [Value; 4] {
                [
                    found.post.into(),
                    model.into(),
                    found.version.into(),
                    found.names.clone().into(),
                ]
            });
            let keep = Statement::from_sql_and_values(self.backend(), keep, values);
            transaction.execute_raw(keep).await?;
        }
        Ok(transaction.commit().await?)
    }
}
