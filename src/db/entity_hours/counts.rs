use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Statement, Value};

use super::ids::list;
use super::{ChangedHours, Hour};
use crate::db::placeholders::placeholders;
use crate::db::{Database, DbError, TimeRange};
use crate::sql::WriteTransaction;
use weir_entities::EntityCounts;

/// Rows of counts read at once: some hundred kilobytes.
const ROWS_PER_PAGE: u64 = 64;

/// The counts of one hour and platform, in the form that `entities` packs them in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourCounts {
    /// The hour.
    pub hour: Hour,
    /// The platform; empty for posts that do not say.
    pub platform: String,
    /// How many different entities there are.
    pub names: u64,
    /// How many posts name each.
    pub counts: Vec<u8>,
}

impl HourCounts {
    /// These counts, packed.
    pub fn new(hour: Hour, platform: String, counts: &EntityCounts) -> Self {
        Self {
            hour,
            platform,
            names: counts.len() as u64,
            counts: counts.to_bytes(),
        }
    }
}

/// The stored counts of whole hours, a page in memory at a time.
#[derive(Debug)]
pub struct StoredCounts {
    database: Database,
    condition: String,
    values: Vec<Value>,
    after: Option<(String, String)>,
    ended: bool,
}

impl Database {
    /// Stores the counts of changed hours and removes the marks that they had. An hour that another run has counted
    /// meanwhile is left as it is: its marks are not all there any more. One that posts came into since `changed` was read,
    /// of which nobody knows whether they are among the counted, is marked again.
    pub async fn keep_counts(
        &self,
        hours: &[Hour],
        counts: &[HourCounts],
        model: i64,
        changed: &ChangedHours,
    ) -> Result<(), DbError> {
        let transaction = self.begin_counting().await?;
        let mut stored = Vec::new();
        for hour in hours {
            if self.remove_marks(hour, changed, &transaction).await? {
                let delete = "DELETE FROM weir_entity_hours WHERE hour = $1";
                let delete = self.to_statement(delete, [hour.0.as_str().into()]);
                transaction.execute_raw(delete).await?;
                for counts in counts.iter().filter(|counts| counts.hour == *hour) {
                    self.store(counts, model, &transaction).await?;
                }
                stored.push(hour);
            }
        }
        for hour in self.forget_arrivals(&stored, changed, &transaction).await? {
            self.mark_hour(&hour, &transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Forgets the posts that wait to be added to these hours; answers the hours of those that are not in `changed`.
    async fn forget_arrivals(
        &self,
        hours: &[&Hour],
        changed: &ChangedHours,
        transaction: &WriteTransaction,
    ) -> Result<BTreeSet<Hour>, DbError> {
        let mut late = BTreeSet::new();
        if hours.is_empty() {
            return Ok(late);
        }
        let delete = format!(
            "DELETE FROM weir_arrivals WHERE hour IN (VALUES {}) RETURNING id, hour",
            placeholders(self.backend(), hours.len(), 1)
        );
        let delete = self.to_statement(&delete, hours.iter().map(|hour| hour.as_str().into()));
        for row in transaction.query_all_raw(delete).await? {
            if !changed.arrived.contains(&row.try_get_by_index(0)?) {
                late.insert(Hour(row.try_get_by_index(1)?));
            }
        }
        Ok(late)
    }

    /// Stores the counts of an hour and platform in place of those there are.
    pub(super) async fn store(
        &self,
        counts: &HourCounts,
        model: i64,
        transaction: &WriteTransaction,
    ) -> Result<(), DbError> {
        let insert = "INSERT INTO weir_entity_hours (hour, platform, model, names, counts)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (hour, platform) DO UPDATE
            SET model = excluded.model, names = excluded.names, counts = excluded.counts";
        let values = [
            counts.hour.0.as_str().into(),
            counts.platform.as_str().into(),
            model.into(),
            i64::try_from(counts.names).unwrap_or(i64::MAX).into(),
            counts.counts.clone().into(),
        ];
        transaction
            .execute_raw(self.to_statement(insert, values))
            .await?;
        Ok(())
    }

    /// Whether all marks that were read of the hour were still there.
    async fn remove_marks(
        &self,
        hour: &Hour,
        changed: &ChangedHours,
        transaction: &WriteTransaction,
    ) -> Result<bool, DbError> {
        let marks = changed.marks(hour);
        let all = list(marks.iter().map(|mark| mark.id));
        let count = format!("SELECT count(*) FROM weir_changed_hours WHERE id IN ({all})");
        let row = transaction
            .query_one_raw(self.to_statement(&count, []))
            .await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        if count.unsigned_abs() != marks.len() as u64 {
            return Ok(false);
        }
        let taken = marks.iter().filter(|mark| mark.taken);
        let taken = list(taken.map(|mark| mark.id));
        if !taken.is_empty() {
            let delete = format!("DELETE FROM weir_changed_hours WHERE id IN ({taken})");
            transaction.execute_unprepared(&delete).await?;
        }
        Ok(true)
    }

    /// The stored counts by `model` of the hours that begin in `hours`, of one platform or all.
    pub fn stored_counts(
        &self,
        hours: TimeRange,
        platform: Option<&str>,
        model: i64,
    ) -> StoredCounts {
        let mut condition = "model = $1".to_owned();
        let mut values = vec![Value::from(model)];
        let mut add = |test: &str, value: String| {
            values.push(value.into());
            condition = format!("{condition} AND {test} ${}", values.len());
        };
        if let Some(from) = hours.from {
            add("hour >=", Hour::of(from).0);
        }
        if let Some(to) = hours.to {
            add("hour <", Hour::of(to).0);
            add("hour <>", Hour::none().0);
        }
        if let Some(platform) = platform {
            add("platform =", platform.to_owned());
        }
        StoredCounts {
            database: self.clone(),
            condition,
            values,
            after: None,
            ended: false,
        }
    }

    pub(super) fn to_statement(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.backend(), sql, values)
    }
}

impl StoredCounts {
    /// How many names the counts hold in all, one that several hours hold several times.
    pub async fn names(&self) -> Result<u64, DbError> {
        let sum = format!(
            "SELECT CAST(COALESCE(sum(names), 0) AS bigint) FROM weir_entity_hours WHERE {}",
            self.condition
        );
        let sum = self.database.to_statement(&sum, self.values.clone());
        let row = self.database.reader().query_one_raw(sum).await?;
        let names: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(names.unsigned_abs())
    }

    /// The next packed counts, never none; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Vec<u8>>>, DbError> {
        if self.ended {
            return Ok(None);
        }
        let mut values = self.values.clone();
        let mut after = String::new();
        if let Some((hour, platform)) = self.after.take() {
            after = format!(
                "AND (hour, platform) > (${}, ${})",
                values.len() + 1,
                values.len() + 2
            );
            values.extend([hour.into(), platform.into()]);
        }
        let read = format!(
            "SELECT hour, platform, counts FROM weir_entity_hours WHERE {} {after}
            ORDER BY hour, platform LIMIT {ROWS_PER_PAGE}",
            self.condition
        );
        let read = self.database.to_statement(&read, values);
        let rows = self.database.reader().query_all_raw(read).await?;
        self.ended = (rows.len() as u64) < ROWS_PER_PAGE;
        if let Some(last) = rows.last() {
            self.after = Some((last.try_get_by_index(0)?, last.try_get_by_index(1)?));
        }
        let counts = rows.iter().map(|row| row.try_get_by_index(2));
        let counts: Vec<Vec<u8>> = counts.collect::<Result<_, _>>()?;
        Ok((!counts.is_empty()).then_some(counts))
    }
}
