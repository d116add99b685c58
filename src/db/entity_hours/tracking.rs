use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::hour::EVERY_HOUR;
use super::schema::{Comers, drop_triggers, triggers};
use crate::db::{Database, DbError, ddl_locks, migrations};
use crate::sql::WriteTransaction;

/// Any number, the same in every Weir: whoever changes counts or triggers holds it on Postgres. On SQLite the transaction
/// itself is the lock.
const ADVISORY_LOCK: i64 = 0x7765_6972_2068_6f75;

impl Database {
    /// Sees to it that changes of posts mark their hours. Where none did, every hour is marked: at the first run, and when
    /// somebody has made the table anew.
    pub async fn track_hours(&self) -> Result<(), DbError> {
        if self.is_tracked().await? {
            return Ok(());
        }
        ddl_locks::retry(|| self.make_triggers()).await
    }

    async fn make_triggers(&self) -> Result<(), DbError> {
        let transaction = self.begin_counting().await?;
        ddl_locks::limit(&transaction).await?;
        let comers = self.comers(&transaction).await?;
        for trigger in drop_triggers(self.backend()) {
            transaction.execute_unprepared(&trigger).await?;
        }
        for trigger in triggers(self.backend(), comers) {
            transaction.execute_unprepared(&trigger).await?;
        }
        let everything = format!("INSERT INTO weir_changed_hours (hour) VALUES ('{EVERY_HOUR}')");
        // Not row by row on Postgres, where nobody reads posts until this is committed.
        let forget = match self.backend() {
            DbBackend::Sqlite => "DELETE FROM",
            _ => "TRUNCATE",
        };
        for table in ["weir_post_entities", "weir_arrivals"] {
            let forget = format!("{forget} {table}");
            transaction.execute_unprepared(&forget).await?;
        }
        transaction.execute_unprepared(&everything).await?;
        Ok(transaction.commit().await?)
    }

    /// Posts are added one by one to a table like Weir's own. Without an index on `post_id`, each would take a walk over all
    /// rows. On SQLite a row may take the place of one with equal values under a unique index, of which no trigger is told;
    /// the key itself is no such index.
    async fn comers(&self, transaction: &WriteTransaction) -> Result<Comers, DbError> {
        let indexed = migrations::indexed_columns(transaction).await?;
        let odd = match self.backend() {
            DbBackend::Sqlite => "SELECT count(*) FROM pragma_index_list('posts') WHERE \"unique\"",
            _ => {
                "SELECT count(*) FROM pg_attribute WHERE attrelid = 'posts'::regclass AND attname = 'id'
                AND atttypid NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)"
            }
        };
        let odd = Statement::from_string(self.backend(), odd);
        let row = transaction.query_one_raw(odd).await?;
        let odd: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let is_usual = odd == 0 && indexed.iter().any(|column| column == "post_id");
        Ok(if is_usual { Comers::Wait } else { Comers::Mark })
    }

    async fn is_tracked(&self) -> Result<bool, DbError> {
        let count = match self.backend() {
            DbBackend::Sqlite => {
                "SELECT count(*) FROM sqlite_master
                WHERE type = 'trigger' AND tbl_name = 'posts' AND name LIKE 'weir_hours_of_%'"
            }
            _ => {
                "SELECT count(*) FROM pg_trigger
                WHERE tgrelid = 'posts'::regclass AND tgname LIKE 'weir_hours_of_%' AND tgenabled <> 'D'"
            }
        };
        let count = Statement::from_string(self.backend(), count);
        let row = self.reader().query_one_raw(count).await?;
        let triggers: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(triggers == 4)
    }

    /// A transaction that may change counts: one at a time.
    pub(super) async fn begin_counting(&self) -> Result<WriteTransaction, DbError> {
        let transaction = self.begin().await?;
        if self.backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
            transaction.execute_unprepared(&lock).await?;
        }
        Ok(transaction)
    }
}
