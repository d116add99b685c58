//! The fingerprints of all buckets.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};

use super::bucket::{hour_text, usual_hour, utc};
use super::fingerprint::RowContent;
use super::walk::POSTGRES_VERSION;
use super::{Bucket, Fingerprint, Hour, PostSpan};
use crate::db::{Database, DbError};

/// The fingerprints of buckets.
pub(super) type Fingerprints = BTreeMap<Bucket, Fingerprint>;

/// Postgres: uses one core and leaves the others to serving, and compiles no code for a second of work.
const POSTGRES_MODEST: &str = "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off";

/// SQLite: the columns of up to 1,000 rows as one text, because 1,000,000 rows with five values each would take several
/// seconds to hand over. Rows with a large blob or without a `post_id` have only their id there.
const SQLITE_PAGE: &str = "SELECT group_concat(
        CASE WHEN octet_length(post_blob) < 65536 AND post_id IS NOT NULL
            THEN concat(id, char(0), post_id, char(0), platform, char(0), created_at, char(0), post_blob)
            ELSE concat(id, char(0), char(0), char(0), '?', char(0)) END,
        char(0)), count(*), max(id)
    FROM (SELECT id, post_id, platform, created_at, post_blob FROM posts
        WHERE id > ? AND id <= ? ORDER BY id LIMIT 1000)";

/// Reads the fingerprints of the rows up to the id `last`.
pub(super) async fn fingerprints(
    database: &Database,
    transaction: &DatabaseTransaction,
    last: i64,
) -> Result<Fingerprints, DbError> {
    match transaction.get_database_backend() {
        DbBackend::Sqlite => on_sqlite(database, transaction, last).await,
        _ => on_postgres(transaction, last).await,
    }
}

async fn on_postgres(
    transaction: &DatabaseTransaction,
    last: i64,
) -> Result<Fingerprints, DbError> {
    transaction.execute_unprepared(POSTGRES_MODEST).await?;
    let read = format!(
        "SELECT {hour_text}, platform, rows, CAST(sum AS text)
         FROM (SELECT date_trunc('hour', {utc}) AS hour, CAST(COALESCE(platform, '') AS text) AS platform,
                count(*) AS rows, sum({POSTGRES_VERSION}) AS sum
            FROM posts WHERE id <= $1 GROUP BY 1, 2) AS bucket",
        hour_text = hour_text("hour"),
        utc = utc("created_at"),
    );
    let read =
        Statement::from_sql_and_values(transaction.get_database_backend(), read, [last.into()]);
    let mut fingerprints = Fingerprints::new();
    for row in transaction.query_all_raw(read).await? {
        let bucket = Bucket {
            hour: Hour(row.try_get_by_index(0)?),
            platform: row.try_get_by_index(1)?,
        };
        let rows: i64 = row.try_get_by_index(2)?;
        let sum: String = row.try_get_by_index(3)?;
        let sum = sum.parse().map_err(|_| DbErr::Type("sum".to_owned()))?;
        // All times that are not finite are of one hour.
        let fingerprint = fingerprints.entry(bucket).or_default();
        fingerprint.merge(Fingerprint::new(rows.unsigned_abs(), sum));
    }
    Ok(fingerprints)
}

async fn on_sqlite(
    database: &Database,
    transaction: &DatabaseTransaction,
    last: i64,
) -> Result<Fingerprints, DbError> {
    let mut rows = Rows::default();
    let mut after = i64::MIN;
    let mut next = next_page(transaction, after, last).await?;
    while let Some(page) = next {
        // SQLite reads the next page in its own thread while this one is hashed.
        let read = next_page(transaction, page.end, last);
        let add = async { rows.add_page(&page.text, page.rows) };
        let (read, others) = tokio::join!(read, add);
        next = read?;
        let others = match others {
            Some(ids) if ids.is_empty() => None,
            Some(ids) => Some(PostSpan::Ids(ids)),
            None => Some(PostSpan::Between {
                after,
                last: page.end,
            }),
        };
        if let Some(others) = others {
            let mut walk = database.walk_posts(others);
            while let Some(posts) = walk.next_on(transaction).await? {
                for post in posts {
                    rows.add(
                        post.bucket.hour.as_str(),
                        &post.bucket.platform,
                        post.version,
                    );
                }
            }
        }
        after = page.end;
    }
    Ok(rows.into_fingerprints())
}

/// A page of [`SQLITE_PAGE`].
struct Page {
    text: String,
    rows: u64,
    /// Its greatest id.
    end: i64,
}

/// Reads the page behind the id `after`; `None` if no rows are left.
async fn next_page(
    transaction: &DatabaseTransaction,
    after: i64,
    last: i64,
) -> Result<Option<Page>, DbErr> {
    let read = [after.into(), last.into()];
    let read = Statement::from_sql_and_values(DbBackend::Sqlite, SQLITE_PAGE, read);
    let Some(row) = transaction.query_one_raw(read).await? else {
        return Ok(None);
    };
    let Some(end) = row.try_get_by_index::<Option<i64>>(2)? else {
        return Ok(None);
    };
    let rows: i64 = row.try_get_by_index(1)?;
    Ok(Some(Page {
        text: row.try_get_by_index(0)?,
        rows: rows.unsigned_abs(),
        end,
    }))
}

/// The rows of SQLite that were read, as fingerprints by hour and platform: to look one up allocates nothing.
#[derive(Default)]
struct Rows(HashMap<String, HashMap<String, Fingerprint>>);

impl Rows {
    /// Adds the rows of a page of [`SQLITE_PAGE`] and returns the ids of those that must be read one by one. Adds none and
    /// returns `None` if the page does not fall into `rows` rows, because a value has a null character.
    fn add_page(&mut self, page: &str, rows: u64) -> Option<Vec<i64>> {
        const COLUMNS: usize = 5;
        let values: Vec<&str> = page.split('\0').collect();
        if values.len() as u64 != rows * COLUMNS as u64 {
            return None;
        }
        let contents = values.chunks_exact(COLUMNS).map(|row| {
            Some(RowContent {
                id: row[0].parse().ok()?,
                post_id: Some(row[1]),
                platform: row[2],
                created_at: row[3],
                post_blob: row[4],
            })
        });
        let mut others = Vec::new();
        for content in contents.collect::<Option<Vec<_>>>()? {
            match usual_hour(content.created_at) {
                Some(hour) => self.add(&hour, content.platform, content.version()),
                None => others.push(content.id),
            }
        }
        Some(others)
    }

    fn add(&mut self, hour: &str, platform: &str, version: i64) {
        let Self(hours) = self;
        let known = hours
            .get_mut(hour)
            .and_then(|platforms| platforms.get_mut(platform));
        if let Some(fingerprint) = known {
            fingerprint.add(version);
            return;
        }
        let platforms = hours.entry(hour.to_owned()).or_default();
        platforms
            .entry(platform.to_owned())
            .or_default()
            .add(version);
    }

    fn into_fingerprints(self) -> Fingerprints {
        let Self(hours) = self;
        let buckets = hours.into_iter().flat_map(|(hour, platforms)| {
            platforms.into_iter().map(move |(platform, fingerprint)| {
                let hour = Hour(hour.clone());
                (Bucket { hour, platform }, fingerprint)
            })
        });
        buckets.collect()
    }
}
