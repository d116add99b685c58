//! Many posts at once, all of them or none.

mod copy_text;
mod postgres;
mod sqlite;
mod transaction;

use thiserror::Error;

use self::transaction::LoadTransaction;
use super::new_post::NewPost;
use crate::db::{Database, DbError, migrations};

/// What becomes of the posts that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// There must be none.
    Refuse,
    /// They go, and the table is made anew.
    Drop,
    /// Those with the `post_id` and `session_user_id` of a new one go.
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

/// A load under way, in one transaction: dropped unfinished, it leaves all as it was. Nobody else can write meanwhile.
#[derive(Debug)]
pub struct PostLoad {
    transaction: LoadTransaction,
    existing: Existing,
    /// What makes the indexes that a table without posts does without until the end.
    indexes: Vec<String>,
}

impl Database {
    /// Begins to load posts into a migrated database.
    pub async fn begin_load(&self, existing: Existing) -> Result<PostLoad, LoadError> {
        let mut transaction = LoadTransaction::begin(self).await?;
        let indexes = match existing {
            Existing::Drop => {
                transaction.execute("DROP TABLE posts").await?;
                transaction
                    .execute(migrations::posts_table(self.backend()))
                    .await?;
                migrations::posts_indexes().collect()
            }
            Existing::Refuse if !transaction.is_empty().await? => return Err(LoadError::NotEmpty),
            Existing::Replace if !transaction.is_empty().await? => Vec::new(),
            Existing::Refuse | Existing::Replace => transaction.drop_indexes().await?,
        };
        Ok(PostLoad {
            transaction,
            existing,
            indexes,
        })
    }
}

impl PostLoad {
    /// Adds posts in order. Two with the same `post_id` and user must not be in one load that replaces. A post that the
    /// database refuses ends the load.
    pub async fn write(&mut self, posts: &[NewPost]) -> Result<(), DbError> {
        let replaces = self.existing == Existing::Replace && self.indexes.is_empty();
        match &mut self.transaction {
            LoadTransaction::Sqlite(connection) => {
                if replaces {
                    sqlite::delete(connection, posts).await?;
                }
                sqlite::insert(connection, posts).await
            }
            LoadTransaction::Postgres(connection) => {
                if replaces {
                    postgres::delete(connection, posts).await?;
                }
                postgres::copy(connection, posts).await
            }
        }
    }

    /// Builds the indexes and commits.
    pub async fn finish(mut self) -> Result<(), DbError> {
        for index in &self.indexes {
            self.transaction.execute(index).await?;
        }
        self.transaction.commit().await
    }
}
