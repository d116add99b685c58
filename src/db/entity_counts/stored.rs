use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Statement, Value};

use super::{Bucket, Fingerprint, Hour, PendingInserts};
use crate::db::sql_text::placeholders;
use crate::db::{Database, DbError, TimeRange};
use weir_entities::{EntityCounts, Part};

/// Buckets read or written by one statement: some hundred kilobytes.
const BUCKETS_AT_ONCE: usize = 64;

/// The counts of a bucket, in the form that `weir_entities` packs them in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketCounts {
    /// The bucket.
    pub bucket: Bucket,
    /// The rows that were counted.
    pub fingerprint: Fingerprint,
    /// The number of different entities.
    pub names: u64,
    /// The number of posts that name each.
    pub counts: Vec<u8>,
}

impl BucketCounts {
    /// Packs counts.
    pub fn new(bucket: Bucket, fingerprint: Fingerprint, counts: &EntityCounts) -> Self {
        Self {
            bucket,
            fingerprint,
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

/// Stored counts that posts are added to, with the fingerprint of what they were counted from.
#[derive(Clone, Debug)]
pub struct CountsToExtend(HashMap<Bucket, (String, Vec<u8>)>);

/// What is known of a bucket without its counts.
pub(super) struct StoredFingerprint {
    pub(super) model: i64,
    pub(super) fingerprint: String,
    pub(super) last_id: i64,
}

impl Database {
    /// Reads what the stored counts were counted from.
    pub(super) async fn stored_fingerprints(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<HashMap<Bucket, StoredFingerprint>, DbError> {
        let read = "SELECT hour, platform, model, fingerprint, last_id FROM weir_entity_counts";
        let rows = connection.query_all_raw(self.statement(read, [])).await?;
        let stored = rows.iter().map(|row| {
            let bucket = Bucket {
                hour: Hour(row.try_get_by_index(0)?),
                platform: row.try_get_by_index(1)?,
            };
            let stored = StoredFingerprint {
                model: row.try_get_by_index(2)?,
                fingerprint: row.try_get_by_index(3)?,
                last_id: row.try_get_by_index(4)?,
            };
            Ok((bucket, stored))
        });
        stored.collect()
    }

    /// Reads the stored counts of some buckets, to be added to.
    pub async fn counts_to_extend(&self, buckets: &[Bucket]) -> Result<CountsToExtend, DbError> {
        let mut counts = HashMap::new();
        for buckets in buckets.chunks(BUCKETS_AT_ONCE) {
            let read = format!(
                "SELECT hour, platform, fingerprint, counts FROM weir_entity_counts
                 WHERE (hour, platform) IN (VALUES {})",
                placeholders(self.backend(), buckets.len(), 2)
            );
            let keys = buckets.iter().flat_map(key);
            for row in self
                .reader()
                .query_all_raw(self.statement(&read, keys))
                .await?
            {
                let bucket = Bucket {
                    hour: Hour(row.try_get_by_index(0)?),
                    platform: row.try_get_by_index(1)?,
                };
                let stored = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
                counts.insert(bucket, stored);
            }
        }
        Ok(CountsToExtend(counts))
    }

    /// Stores the counts of buckets in place of those that they had; a bucket without new counts has no posts.
    ///
    /// They are stored with the fingerprint of what was counted. So it does no harm if another run has stored newer ones in
    /// the meantime: the next run sees that these are not exact.
    pub async fn store_counts(
        &self,
        buckets: &[Bucket],
        counts: &[BucketCounts],
        model: i64,
        last_id: i64,
    ) -> Result<(), DbError> {
        let transaction = self.begin().await?;
        for buckets in buckets.chunks(BUCKETS_AT_ONCE) {
            let delete = format!(
                "DELETE FROM weir_entity_counts WHERE (hour, platform) IN (VALUES {})",
                placeholders(self.backend(), buckets.len(), 2)
            );
            let delete = self.statement(&delete, buckets.iter().flat_map(key));
            transaction.execute_raw(delete).await?;
        }
        for counts in counts.chunks(BUCKETS_AT_ONCE) {
            let insert = format!(
                "INSERT INTO weir_entity_counts (hour, platform, model, fingerprint, last_id, names, counts)
                 VALUES {} ON CONFLICT (hour, platform) DO NOTHING",
                placeholders(self.backend(), counts.len(), 7)
            );
            let values = counts.iter().flat_map(|counts| {
                let [hour, platform] = key(&counts.bucket);
                let names = i64::try_from(counts.names).unwrap_or(i64::MAX);
                [
                    hour,
                    platform,
                    model.into(),
                    counts.fingerprint.to_string().into(),
                    last_id.into(),
                    names.into(),
                    counts.counts.clone().into(),
                ]
            });
            transaction
                .execute_raw(self.statement(&insert, values))
                .await?;
        }
        Ok(transaction.commit().await?)
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
            add("hour >=", Hour::from_time(from).0);
        }
        if let Some(to) = hours.to {
            add("hour <", Hour::from_time(to).0);
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

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.backend(), sql, values)
    }
}

fn key(bucket: &Bucket) -> [Value; 2] {
    [
        bucket.hour.0.as_str().into(),
        bucket.platform.as_str().into(),
    ]
}

impl CountsToExtend {
    /// Returns the counts of a bucket with those of its pending inserts; `None` if another run has replaced the stored ones,
    /// or they are damaged.
    pub fn extended(
        &self,
        bucket: &Bucket,
        inserts: PendingInserts,
        mut added: EntityCounts,
    ) -> Option<BucketCounts> {
        let Self(stored) = self;
        if let Some((fingerprint, counts)) = stored.get(bucket) {
            if *fingerprint != inserts.before.to_string() {
                return None;
            }
            added.merge_bytes(counts, Part::WHOLE).ok()?;
        } else if inserts.before != Fingerprint::default() {
            return None;
        }
        Some(BucketCounts::new(bucket.clone(), inserts.after, &added))
    }
}

impl StoredCounts {
    /// Returns how many names the counts hold in all; one in several hours is counted several times.
    pub async fn names(&self) -> Result<u64, DbError> {
        let sum = format!(
            "SELECT CAST(COALESCE(sum(names), 0) AS bigint) FROM weir_entity_counts WHERE {}",
            self.condition
        );
        let sum = self.database.statement(&sum, self.values.clone());
        let row = self.database.reader().query_one_raw(sum).await?;
        let names: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(names.unsigned_abs())
    }

    /// Returns the next packed counts, at least one; `None` after the last.
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
            "SELECT hour, platform, counts FROM weir_entity_counts WHERE {} {after}
             ORDER BY hour, platform LIMIT {BUCKETS_AT_ONCE}",
            self.condition
        );
        let read = self.database.statement(&read, values);
        let rows = self.database.reader().query_all_raw(read).await?;
        self.ended = rows.len() < BUCKETS_AT_ONCE;
        if let Some(last) = rows.last() {
            self.after = Some((last.try_get_by_index(0)?, last.try_get_by_index(1)?));
        }
        let counts = rows.iter().map(|row| row.try_get_by_index(2));
        let counts: Vec<Vec<u8>> = counts.collect::<Result<_, _>>()?;
        Ok((!counts.is_empty()).then_some(counts))
    }
}
