//! Many posts at once, all of them or none.

mod batch;
mod postgres;
mod sqlite;

use thiserror::Error;

pub use self::batch::PostBatch;

use self::{batch::Rows, sqlite::BulkLoadMode};
use crate::db::{Database, DbError, migrations, raw_transaction::RawTransaction};

const TABLE: &str = "posts";

/// Treatment of the posts that are in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExisting {
    /// Fails if there are any.
    Refuse,
    /// Drops them: the table is created again.
    Drop,
    /// Replaces those with the `post_id` and `session_user_id` of a new one, and keeps the others.
    Replace,
}

/// Why a load did not begin.
#[derive(Debug, Error)]
pub enum LoadError {
    /// There are posts, and they were to be left alone.
    #[error("the table posts is not empty")]
    NotEmpty,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A load under way, in one transaction: dropped unfinished, it leaves all as it was. Nobody else can write in the meantime.
#[derive(Debug)]
pub struct PostLoad {
    transaction: RawTransaction,
    on_existing: OnExisting,
    /// What makes the indexes that a table without posts does without until the end.
    indexes: Vec<String>,
    bulk_mode: Option<BulkLoadMode>,
}

impl Database {
    /// Begins to load posts into a migrated database.
    pub async fn begin_load(&self, on_existing: OnExisting) -> Result<PostLoad, LoadError> {
        let bulk_mode = BulkLoadMode::enable(self, on_existing).await?;
        let mut transaction = RawTransaction::begin(self).await?;
        if let RawTransaction::Postgres(_) = transaction {
            let lock = "LOCK TABLE posts IN SHARE ROW EXCLUSIVE MODE";
            transaction.alter(lock).await?;
        }
        let indexes = match on_existing {
            OnExisting::Drop => {
                transaction.alter("DROP TABLE posts").await?;
                transaction
                    .alter(migrations::posts_table(self.backend()))
                    .await?;
                migrations::posts_indexes().collect()
            }
            OnExisting::Refuse if !transaction.is_empty(TABLE).await? => {
                return Err(LoadError::NotEmpty);
            }
            OnExisting::Replace if !transaction.is_empty(TABLE).await? => Vec::new(),
            OnExisting::Refuse | OnExisting::Replace => transaction.drop_indexes(TABLE).await?,
        };
        Ok(PostLoad {
            transaction,
            on_existing,
            indexes,
            bulk_mode,
        })
    }
}

impl PostLoad {
    /// A batch to fill with posts for this load.
    pub fn batch(&self) -> PostBatch {
        // A table without indexes had no posts, so there is nothing to replace.
        let replaces = self.on_existing == OnExisting::Replace && self.indexes.is_empty();
        PostBatch::new(self.transaction.backend(), replaces)
    }

    /// Writes posts in order. Two with the same `post_id` and user must not be in one load that replaces. A post that the
    /// database refuses ends the load.
    pub async fn write(&mut self, batch: PostBatch) -> Result<(), DbError> {
        if batch.is_empty() {
            return Ok(());
        }
        match (&mut self.transaction, batch.rows) {
            (RawTransaction::Sqlite(connection), Rows::Sqlite(rows)) => {
                sqlite::delete(connection, &batch.keys).await?;
                sqlite::insert(connection, rows).await
            }
            (RawTransaction::Postgres(connection), Rows::Postgres(rows)) => {
                if !batch.keys.is_empty() {
                    postgres::delete(connection, &batch.keys).await?;
                }
                postgres::copy(connection, rows).await
            }
            (RawTransaction::Sqlite(_), Rows::Postgres(_))
            | (RawTransaction::Postgres(_), Rows::Sqlite(_)) => Err(DbError::OtherDatabase),
        }
    }

    /// Builds the indexes, when all posts are there.
    pub async fn index(mut self) -> Result<IndexedLoad, DbError> {
        for index in &self.indexes {
            self.transaction.alter(index).await?;
        }
        Ok(IndexedLoad {
            transaction: self.transaction,
            bulk_mode: self.bulk_mode,
        })
    }
}

/// A load that only wants to be committed; dropped, it leaves all as it was.
#[derive(Debug)]
pub struct IndexedLoad {
    transaction: RawTransaction,
    bulk_mode: Option<BulkLoadMode>,
}

impl IndexedLoad {
    /// Makes it last.
    pub async fn commit(self) -> Result<(), DbError> {
        self.transaction.commit().await?;
        match self.bulk_mode {
            Some(bulk_mode) => bulk_mode.disable().await,
            None => Ok(()),
        }
    }
}
