use std::ops::{Deref, DerefMut};

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{Sqlite, Transaction};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    TransactionTrait,
};

use super::SqlWriter;
use super::sqlite::Watched;
use super::writer::query_error;

/// A transaction that writes, rolled back when dropped. It refuses to go on once SQLite has ended it, and is committed
/// only if the database says so.
#[derive(Debug)]
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    watched: Option<Watched>,
    writer: SqlWriter,
}

impl WriteTransaction {
    pub(super) fn new(
        transaction: DatabaseTransaction,
        watched: Option<Watched>,
        writer: SqlWriter,
    ) -> Self {
        Self {
            transaction,
            watched,
            writer,
        }
    }

    /// Begins a part that can be rolled back alone.
    pub(crate) async fn savepoint(&self) -> Result<DatabaseTransaction, DbErr> {
        self.require_open()?;
        self.writer.note(self.transaction.begin().await)
    }

    /// Commits. After an error nothing of the transaction counts as written.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.require_open()?;
        let committed = self.transaction.commit().await;
        let committed = match (committed, &self.watched) {
            (Ok(()), Some(watched)) => watched.require_committed(),
            (committed, _) => committed,
        };
        self.writer.note(committed)
    }

    fn require_open(&self) -> Result<(), DbErr> {
        match &self.watched {
            Some(watched) => watched.require_open(),
            None => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.require_open()?;
        self.writer
            .note(self.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.require_open()?;
        self.writer
            .note(self.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.require_open()?;
        self.writer
            .note(self.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.require_open()?;
        self.writer
            .note(self.transaction.query_all_raw(statement).await)
    }
}

/// The same of SQLite alone, for statements that sea-orm has no way to say.
#[derive(Debug)]
pub(crate) struct SqliteTransaction {
    transaction: Transaction<'static, Sqlite>,
    /// `None` if the transaction only reads.
    watched: Option<Watched>,
}

impl SqliteTransaction {
    /// A transaction that only reads.
    pub(crate) fn reading(transaction: Transaction<'static, Sqlite>) -> Self {
        Self {
            transaction,
            watched: None,
        }
    }

    pub(super) fn writing(transaction: Transaction<'static, Sqlite>, watched: Watched) -> Self {
        Self {
            transaction,
            watched: Some(watched),
        }
    }

    /// Commits. After an error nothing of the transaction counts as written.
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        if let Some(watched) = &self.watched {
            watched.require_open()?;
        }
        self.transaction.commit().await.map_err(query_error)?;
        match &self.watched {
            Some(watched) => watched.require_committed(),
            None => Ok(()),
        }
    }
}

impl Deref for SqliteTransaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for SqliteTransaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}
