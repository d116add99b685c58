use std::collections::{BTreeMap, HashSet};

use sea_orm::{ConnectionTrait, DbBackend, Statement, TryGetable};

use super::Hour;
use super::hour::{EVERY_HOUR, hour_of};
use crate::db::placeholders::placeholders;
use crate::db::{Database, DbError};
use crate::sql::WriteTransaction;

/// Far below the 32,766 bound values of SQLite.
const HOURS_PER_STATEMENT: usize = 1_000;

/// The hours whose posts have changed since they were counted, with the marks that say so.
#[derive(Debug, Default)]
pub struct ChangedHours {
    marks: BTreeMap<Hour, Vec<Mark>>,
    last: LastMark,
    /// The arrivals that were there when the marks were taken, by id: counts of their hours hold them.
    pub(super) arrived: HashSet<i64>,
}

/// The greatest mark when marks were read: on SQLite every change that they do not tell of has a greater one.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastMark(pub(super) i64);

#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) id: i64,
    /// Whether it goes once the hour is counted. One that a writer holds stays.
    pub(super) taken: bool,
}

/// Every hour of posts, and the marks that stood for it.
struct Everything {
    marks: Vec<i64>,
    hours: Vec<String>,
}

impl ChangedHours {
    /// The hours, by day.
    pub fn by_day(&self) -> Vec<Vec<Hour>> {
        let hours: Vec<Hour> = self.marks.keys().cloned().collect();
        hours
            .chunk_by(|one, other| one.day() == other.day())
            .map(<[Hour]>::to_vec)
            .collect()
    }

    pub(super) fn marks(&self, hour: &Hour) -> &[Mark] {
        self.marks.get(hour).map_or(&[], Vec::as_slice)
    }

    /// The newest mark among them.
    pub fn last_mark(&self) -> LastMark {
        self.last
    }
}

impl Database {
    /// The hours to count, for counts by the entity model `model`. What changes from now on is marked anew.
    pub async fn take_changed_hours(&self, model: i64) -> Result<ChangedHours, DbError> {
        let everything = self.everything(model).await?;
        let transaction = self.begin_counting().await?;
        if let Some(everything) = everything {
            self.mark(everything, &transaction).await?;
        }
        transaction.execute_unprepared(self.take()).await?;
        let mut changed = self.read_marks(&transaction).await?;
        // One that came a moment ago is for the next time.
        changed.marks.remove(&Hour(EVERY_HOUR.to_owned()));
        transaction.commit().await?;
        Ok(changed)
    }

    fn take(&self) -> &'static str {
        match self.backend() {
            DbBackend::Sqlite => "UPDATE weir_changed_hours SET taken = TRUE WHERE NOT taken",
            _ => {
                "UPDATE weir_changed_hours SET taken = TRUE WHERE id IN
                (SELECT id FROM weir_changed_hours WHERE NOT taken FOR UPDATE SKIP LOCKED)"
            }
        }
    }

    async fn read_marks(&self, transaction: &WriteTransaction) -> Result<ChangedHours, DbError> {
        let read = "SELECT id, hour, taken FROM weir_changed_hours";
        let read = Statement::from_string(self.backend(), read);
        let mut changed = ChangedHours::default();
        for row in transaction.query_all_raw(read).await? {
            let (id, hour): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let mark = Mark {
                id,
                taken: row.try_get_by_index(2)?,
            };
            changed.marks.entry(Hour(hour)).or_default().push(mark);
            changed.last.0 = changed.last.0.max(id);
        }
        let arrived = Statement::from_string(self.backend(), "SELECT id FROM weir_arrivals");
        for row in transaction.query_all_raw(arrived).await? {
            changed.arrived.insert(row.try_get_by_index(0)?);
        }
        Ok(changed)
    }

    /// What to mark if every hour is to be counted: when a mark says so, or there are counts by another model. Read outside
    /// of the transaction, for it takes a while and holds nobody up; what comes meanwhile is marked anyway.
    async fn everything(&self, model: i64) -> Result<Option<Everything>, DbError> {
        let marks = format!("SELECT id FROM weir_changed_hours WHERE hour = '{EVERY_HOUR}'");
        let marks = self.read_column(&marks).await?;
        let others = format!("SELECT model FROM weir_entity_hours WHERE model <> {model} LIMIT 1");
        let others: Vec<i64> = self.read_column(&others).await?;
        if marks.is_empty() && others.is_empty() {
            return Ok(None);
        }
        let hour = hour_of("created_at", self.backend());
        let hours = format!("SELECT DISTINCT {hour} FROM posts");
        Ok(Some(Everything {
            marks,
            hours: self.read_column(&hours).await?,
        }))
    }

    pub(super) async fn read_column<T: TryGetable>(&self, sql: &str) -> Result<Vec<T>, DbError> {
        let statement = Statement::from_string(self.backend(), sql);
        let rows = self.reader().query_all_raw(statement).await?;
        let column = rows.iter().map(|row| row.try_get_by_index(0));
        Ok(column.collect::<Result<_, _>>()?)
    }

    /// Marks an hour.
    pub(super) async fn mark_hour(
        &self,
        hour: &Hour,
        transaction: &WriteTransaction,
    ) -> Result<(), DbError> {
        let insert = "INSERT INTO weir_changed_hours (hour) VALUES ($1)";
        let insert = self.to_statement(insert, [hour.0.as_str().into()]);
        transaction.execute_raw(insert).await?;
        Ok(())
    }

    /// Forgets all counts, and marks every hour by itself in place of the marks that stood for all.
    async fn mark(
        &self,
        everything: Everything,
        transaction: &WriteTransaction,
    ) -> Result<(), DbError> {
        // An hour may have come and been counted since the hours were read.
        let counted =
            "INSERT INTO weir_changed_hours (hour) SELECT DISTINCT hour FROM weir_entity_hours";
        transaction.execute_unprepared(counted).await?;
        transaction
            .execute_unprepared("DELETE FROM weir_entity_hours")
            .await?;
        for id in everything.marks {
            let delete = format!("DELETE FROM weir_changed_hours WHERE id = {id}");
            transaction.execute_unprepared(&delete).await?;
        }
        for hours in everything.hours.chunks(HOURS_PER_STATEMENT) {
            let insert = format!(
                "INSERT INTO weir_changed_hours (hour) VALUES {}",
                placeholders(self.backend(), hours.len(), 1)
            );
            let values = hours.iter().map(|hour| hour.as_str().into());
            let insert = Statement::from_sql_and_values(self.backend(), insert, values);
            transaction.execute_raw(insert).await?;
        }
        Ok(())
    }
}
