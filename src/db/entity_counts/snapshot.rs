use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, Statement,
    TransactionOptions, TryGetable, Value,
};

use super::bucket::hour_of;
use super::scan::{Fingerprints, fingerprints};
use super::stored::StoredFingerprint;
use super::{Bucket, Fingerprint, Hour, PostSpan, PostWalk, WalkedPost};
use crate::db::{Database, DbError};

/// Most posts that are added to stored counts. Of more, the buckets are counted whole.
const MOST_INSERTS: i64 = 10_000;

/// The posts of one moment in comparison with the stored counts.
#[derive(Debug)]
pub struct CountSnapshot {
    transaction: DatabaseTransaction,
    /// Of the buckets whose counts are exact but for later posts.
    exact: Fingerprints,
    changes: CountChanges,
    new_posts: PostWalk,
    /// The posts that have a row in `exact` buckets, or among the new ones with this time.
    seen: HashMap<(Bucket, String), Option<String>>,
}

/// What makes stored counts exact again.
#[derive(Clone, Debug, Default)]
pub struct CountChanges {
    /// Buckets whose posts must all be counted again; some may have none left.
    pub dirty: BTreeSet<Bucket>,
    /// Buckets to whose counts posts must be added.
    pub inserts: BTreeMap<Bucket, PendingInserts>,
    /// The greatest id of the snapshot.
    pub last_id: i64,
}

/// Posts that are stored in a bucket and not in its counts yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingInserts {
    /// The bucket without them.
    pub before: Fingerprint,
    /// The bucket with them.
    pub after: Fingerprint,
}

impl Database {
    /// Compares all posts with the stored counts by the entity model `model`.
    pub async fn count_snapshot(&self, model: i64) -> Result<CountSnapshot, DbError> {
        let is_postgres = self.backend() == DbBackend::Postgres;
        let options = TransactionOptions {
            isolation_level: is_postgres.then_some(IsolationLevel::RepeatableRead),
            access_mode: is_postgres.then_some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        let transaction = self.reader().begin(options).await?;
        let stored = self.stored_fingerprints(&transaction).await?;
        let last_id = "SELECT CAST(COALESCE(max(id), 0) AS bigint) FROM posts";
        let last_id = value(&transaction, last_id, []).await?;
        let counted = stored.values().filter(|stored| stored.model == model);
        let counted = counted.map(|stored| stored.last_id).max();
        let mut known_id = counted.unwrap_or(last_id).min(last_id);
        if new_posts(&transaction, known_id).await? > MOST_INSERTS {
            known_id = last_id;
        }
        let present = fingerprints(self, &transaction, known_id).await?;
        let (exact, dirty) = compare(present, stored, model);
        let mut snapshot = CountSnapshot {
            transaction,
            exact,
            changes: CountChanges {
                dirty,
                inserts: BTreeMap::new(),
                last_id,
            },
            new_posts: self.walk_posts(PostSpan::Between {
                after: known_id,
                last: last_id,
            }),
            seen: HashMap::new(),
        };
        if known_id < last_id {
            snapshot.read_repeated(known_id).await?;
        }
        Ok(snapshot)
    }
}

async fn new_posts(transaction: &DatabaseTransaction, known_id: i64) -> Result<i64, DbError> {
    let count = format!(
        "SELECT count(*) FROM (SELECT 1 FROM posts WHERE id > $1 LIMIT {}) AS new",
        MOST_INSERTS + 1
    );
    value(transaction, &count, [known_id.into()]).await
}

/// Returns the buckets whose stored counts are exact, and those that are dirty.
fn compare(
    present: Fingerprints,
    mut stored: HashMap<Bucket, StoredFingerprint>,
    model: i64,
) -> (Fingerprints, BTreeSet<Bucket>) {
    let (exact, dirty): (Fingerprints, Fingerprints) =
        present.into_iter().partition(|(bucket, present)| {
            stored.remove(bucket).is_some_and(|stored| {
                stored.model == model && stored.fingerprint == present.to_string()
            })
        });
    // No posts are left in the other buckets that are stored.
    let dirty = dirty.into_keys().chain(stored.into_keys());
    (exact, dirty.collect())
}

impl CountSnapshot {
    /// Finds the new posts that had a row in their bucket before. The first row of a post counts: a bucket where that is a
    /// new one in place of another is dirty.
    async fn read_repeated(&mut self, known_id: i64) -> Result<(), DbError> {
        let read = format!(
            "SELECT hour, platform, post_id,
                CASE WHEN hour = '' OR min(CASE WHEN is_new THEN created_at END) >= min(CASE WHEN NOT is_new THEN created_at END)
                    THEN 0 ELSE 1 END
             FROM (SELECT {hour} AS hour, CAST(COALESCE(platform, '') AS text) AS platform,
                    CAST(post_id AS text) AS post_id, created_at, id > $1 AS is_new
                FROM posts WHERE post_id IN (SELECT post_id FROM posts WHERE id > $1)) AS row
             GROUP BY hour, platform, post_id
             HAVING min(CASE WHEN is_new THEN 1 ELSE 0 END) < max(CASE WHEN is_new THEN 1 ELSE 0 END)",
            hour = hour_of("created_at", self.transaction.get_database_backend())
        );
        let backend = self.transaction.get_database_backend();
        let read = Statement::from_sql_and_values(backend, read, [known_id.into()]);
        for row in self.transaction.query_all_raw(read).await? {
            let bucket = Bucket {
                hour: Hour(row.try_get_by_index(0)?),
                platform: row.try_get_by_index(1)?,
            };
            let is_first: i32 = row.try_get_by_index(3)?;
            if is_first == 1 {
                self.changes.dirty.insert(bucket);
            } else {
                self.seen.insert((bucket, row.try_get_by_index(2)?), None);
            }
        }
        Ok(())
    }

    /// Returns the next posts that are to be added to the counts of their buckets, perhaps none of those that were read;
    /// `None` after the last.
    pub async fn next_inserts(&mut self) -> Result<Option<Vec<WalkedPost>>, DbError> {
        let Some(mut posts) = self.new_posts.next_on(&self.transaction).await? else {
            return Ok(None);
        };
        posts.retain(|post| self.counts(post));
        Ok(Some(posts))
    }

    /// Takes note of a new post and returns whether it counts, as far as its bucket is not dirty.
    fn counts(&mut self, post: &WalkedPost) -> bool {
        if self.changes.dirty.contains(&post.bucket) {
            return false;
        }
        let before = self.exact.get(&post.bucket).copied().unwrap_or_default();
        let inserts = self.changes.inserts.entry(post.bucket.clone());
        let inserts = inserts.or_insert(PendingInserts {
            before,
            after: before,
        });
        inserts.after.add(post.version);
        let Some(post_id) = post.post_id.clone() else {
            return true;
        };
        let created_at = Some(post.created_at.clone());
        match self.seen.entry((post.bucket.clone(), post_id)) {
            Entry::Vacant(entry) => {
                entry.insert(created_at);
                true
            }
            Entry::Occupied(entry) => {
                let is_later = entry.get().is_none()
                    || *entry.get() == created_at
                    || post.bucket.hour == Hour::none();
                if !is_later {
                    self.changes.dirty.insert(post.bucket.clone());
                }
                false
            }
        }
    }

    /// Returns what is to be done, once all posts to be added have been taken.
    pub fn into_changes(self) -> CountChanges {
        let mut changes = self.changes;
        changes
            .inserts
            .retain(|bucket, _| !changes.dirty.contains(bucket));
        changes
    }
}

async fn value<T: TryGetable>(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<T, DbError> {
    let backend = transaction.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let row = transaction.query_one_raw(statement).await?;
    let row = row.ok_or(DbErr::RecordNotFound(sql.to_owned()))?;
    Ok(row.try_get_by_index(0)?)
}
